/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is measured: how long replies took, in buckets that are exact to about
 * three per cent, and what the server took of CPU time and memory.
 */

#include "config.h"

#include "loadgen.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHILDREN	1024

/* Latency: 32 linear steps in each power of two of nanoseconds. */
#define STEP_BITS	5
#define STEPS		(1 << STEP_BITS)
#define BUCKETS		(64 * STEPS)

static uint64_t replies;
static int64_t worst;
static uint64_t buckets[BUCKETS];

static clockid_t clocks[CHILDREN + 1];
static double used[CHILDREN + 1];
static size_t n_clocks;

void
stats_count(int64_t ns)
{
	unsigned int power = 0;

	replies++;
	if (ns > worst)
		worst = ns;
	if (ns >= STEPS)
		power = 64 - STEP_BITS - (unsigned int)__builtin_clzll(
		    (unsigned long long)ns);
	buckets[power * STEPS + ((ns >> (power ? power - 1 : 0)) &
	    (STEPS - 1))]++;
}

uint64_t
stats_replies(void)
{
	return replies;
}

double
stats_worst(void)
{
	return (double)worst / 1e3;
}

double
stats_quantile(double share)
{
	uint64_t want = (uint64_t)(share * (double)replies), seen = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		unsigned int power = i / STEPS, step = i % STEPS;

		seen += buckets[i];
		if (seen > want)
			return (power == 0 ? step :
			    (double)((uint64_t)(STEPS + step + 1) <<
			    (power - 1))) / 1e3;
	}
	return stats_worst();
}

void
stats_find_clocks(void)
{
	int server = (int)loadgen.server, pid;
	char path[64];
	FILE *f;

	if (server == 0)
		return;
	if ((errno = clock_getcpuclockid(server, &clocks[n_clocks++])) != 0)
		err(2, "%d", server);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", server,
	    server);
	if ((f = fopen(path, "r")) == NULL)
		return;
	while (n_clocks <= CHILDREN && fscanf(f, "%d", &pid) == 1)
		if (clock_getcpuclockid(pid, &clocks[n_clocks]) == 0)
			n_clocks++;
	fclose(f);
}

double
stats_cpu(void)
{
	struct timespec ts;
	double sum = 0, one;

	for (size_t i = 0; i < n_clocks; i++) {
		/* A child of an earlier client is gone now. */
		if (clock_gettime(clocks[i], &ts) != 0)
			continue;
		one = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
		sum += one - used[i];
		used[i] = one;
	}
	return sum;
}

long
stats_memory(const char *name)
{
	char path[64], line[256];
	size_t len = strlen(name);
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)loadgen.server);
	if (loadgen.server == 0 || (f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			kib = atol(line + len + 1);
	fclose(f);
	return kib;
}
