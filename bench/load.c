/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How fast a table is loaded and what it costs in memory:
 *
 *	load -g N FILE		writes a .tsv of N entries: 16 bytes of key,
 *				64 of answer; with -s as "cdb -c -m" takes it,
 *				with -c as a .csv, with -q one whose fields are
 *				all in quotes
 *	load [-m] [-t THREADS] FILE...	loads, and prints one line of JSON;
 *				-m: as with mmap=yes
 *
 * overhead is what is resident beyond the bytes of keys and answers, an
 * entry; peak_ratio the highest that was resident to what is at the end.  Of
 * what is resident, rss_anon is memory, and rss_file the page cache's, the
 * program included.  digest_ns is what it takes to sum up an entry for the
 * table's digest, once more and alone, and digest_percent what that is of the
 * load.
 */

#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source.h"
#include "daemon/table/digest.h"
#include "daemon/table/table.h"

static void
generate(const char *path, long n, char separator, const char *quote)
{
	static const char filler[] = "0123456789abcdefghijklmnopqrstuvwxyz "
	    "the answer to all of it";
	FILE *f = fopen(path, "w");

	if (f == NULL)
		err(1, "%s", path);
	for (long i = 1; i <= n; i++)
		fprintf(f, "%skey:%012ld%s%c%s%012ld%.52s%s\n", quote, i,
		    quote, separator, quote, i, filler, quote);
	if (fclose(f) != 0)
		err(1, "%s", path);
}

/* A line of /proc/self/status, in bytes. */
static double
status(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double kb = 0;

	if (f == NULL)
		err(1, "/proc/self/status");
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtod(line + strlen(name) + 1, NULL);
	fclose(f);
	return kb * 1024;
}

static double
clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
raw_bytes(const struct table *t)
{
	table_id id = TABLE_NO_ID;
	struct table_entry e;
	double raw = 0;

	while (table_next(t, &id, &e))
		raw += (double)e.key_len + (double)e.value_len;
	return raw;
}

/* Seconds that the digest takes beyond the walk to all entries. */
static double
digest_seconds(const struct table *t)
{
	double start = clock_now(CLOCK_PROCESS_CPUTIME_ID), walk;
	struct digest_sum sum = { 0, 0 };
	table_id id = TABLE_NO_ID;
	struct table_entry e;
	struct digest digest;

	raw_bytes(t);
	walk = clock_now(CLOCK_PROCESS_CPUTIME_ID) - start;
	while (table_next(t, &id, &e))
		digest_add(&sum, e.shown, e.shown_len, e.value, e.value_len);
	digest = digest_end(&sum, table_count(t));
	if (memcmp(&digest, table_digest(t), sizeof(digest)) != 0)
		errx(1, "the digest is another");
	return clock_now(CLOCK_PROCESS_CPUTIME_ID) - start - 2 * walk;
}

int
main(int argc, char **argv)
{
	struct source source = { .options = { .name = "bench",
	    .ways = TABLE_WAY(TABLE_EXACT) }, .said_file = "load" };
	unsigned int threads = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	struct problems problems = PROBLEMS_INIT;
	double start, cpu, seconds, rss, anon, file, peak, raw, n, digest;
	struct table *t;
	char separator = '\t';
	const char *quote = "";
	long entries = 0;
	int c;

	while ((c = getopt(argc, argv, "cg:mqst:")) != -1) {
		switch (c) {
		case 'g':
			entries = atol(optarg);
			break;
		case 'q':
			quote = "\"";
			separator = ',';
			break;
		case 'c':
			separator = ',';
			break;
		case 's':
			separator = ' ';
			break;
		case 'm':
			source.options.mapped = true;
			break;
		case 't':
			threads = (unsigned int)atoi(optarg);
			break;
		default:
			return 64;
		}
	}
	if (optind == argc)
		errx(64, "usage: load [-g N [-c | -q | -s]] [-m] [-t THREADS] FILE...");
	if (entries > 0) {
		generate(argv[optind], entries, separator, quote);
		return 0;
	}
	source.paths = (const char *const *)argv + optind;
	source.n_paths = (size_t)(argc - optind);
	start = clock_now(CLOCK_MONOTONIC);
	cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	t = source_load(&source, threads, NULL, &problems);
	seconds = clock_now(CLOCK_MONOTONIC) - start;
	cpu = clock_now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (t == NULL) {
		problems_print(&problems, stderr);
		return 78;
	}
	rss = status("VmRSS");
	anon = status("RssAnon");
	file = status("RssFile");
	peak = status("VmHWM");
	raw = raw_bytes(t);
	n = (double)table_count(t);
	digest = digest_seconds(t);
	printf("{\"entries\": %.0f, \"threads\": %u, \"seconds\": %.3f, "
	    "\"cpu_seconds\": %.3f, \"entries_per_second\": %.0f, "
	    "\"rss\": %.0f, \"rss_anon\": %.0f, \"rss_file\": %.0f, "
	    "\"peak\": %.0f, \"peak_ratio\": %.3f, "
	    "\"raw\": %.0f, \"overhead\": %.2f, \"table_memory\": %zu, "
	    "\"digest_ns\": %.2f, \"digest_percent\": %.2f}\n", n,
	    threads, seconds, cpu, n / seconds, rss, anon, file, peak,
	    peak / rss, raw,
	    (rss - raw) / n, table_memory(t), digest / n * 1e9,
	    digest / cpu * 100);
	table_unref(t);
	problems_clear(&problems);
	return 0;
}
