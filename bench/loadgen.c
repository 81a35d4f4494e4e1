/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * loadgen: replay requests to any server over TCP or a unix socket, and
 * compare every byte that comes back.  It knows no protocol: a pack file has
 * the requests and their replies.
 *
 *	loadgen [OPTION...] ADDRESS PACK
 *
 * ADDRESS is 127.0.0.1:PORT or /path.  A pack is "PACK", then for each
 * request two little-endian uint32, the lengths of request and reply, and the
 * bytes of both.  A reply whose first byte is 0xff is compared by length
 * alone.
 *
 * In a pack that begins with "PAC2" each request has a third length and a
 * second reply, for a server whose table is changed and changed back.  The
 * first replies are right until SIGUSR1, which says that a change begins:
 * both are right from then on, each whole.  SIGUSR2 says that the server has
 * acknowledged it: to requests that are sent later, only the other one is.
 *
 * SIGINT and SIGTERM end the measurement early.
 *
 *	-c N	connections (64)
 *	-d N	requests in flight on each (1)
 *	-C FILE	certificate and key that are shown, over TLS
 *	-g	skip the line with which the server greets a connection
 *	-i S	each connection sends a request every S seconds, whatever the
 *		server does: one that is not sent in time, since the one before
 *		it has no reply yet, is measured from when it was due
 *	-m M	keepalive, connect (one request a connection, which is then
 *		reset), idle (connections that do nothing but exist, after
 *		one request each if there is a PACK), or hellos (connections
 *		that all begin a handshake of TLS at once, and leave when each
 *		has its answer)
 *	-n N	stop after so many replies, instead of after -t
 *	-p PID	of the server, to account its memory, and its CPU time with
 *		that of its children
 *	-q	acknowledge what comes at once, for servers that write small
 *		pieces and would wait for that
 *	-r	take the requests at random, not in turn
 *	-R	over TLS, every connection resumes the session of the first
 *	-s	over TLS 1.3, with AES-128-GCM
 *	-S	the same, each request in a record of its own
 *	-t S	seconds to measure (1)
 *	-w S	seconds before that (0.3)
 *
 * Prints one line of JSON.  Exit status 1 when a reply was wrong or missing.
 */

#include "config.h"

#include "loadgen.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

static int
run_load(void)
{
	const struct conn_totals *totals = &conn_totals;
	double cpu, took;
	uint64_t replies;
	int64_t began;

	conn_start();
	conn_run(clock_ns() + (int64_t)(loadgen.warm_up * 1e9), 0);
	conn_measure();
	stats_find_clocks();
	stats_cpu();
	began = clock_ns();
	if (loadgen.stop_after > 0)
		conn_run(INT64_MAX, totals->replies + loadgen.stop_after);
	else
		conn_run(began + (int64_t)(loadgen.seconds * 1e9), 0);
	took = (double)(clock_ns() - began) / 1e9;
	cpu = stats_cpu();
	replies = stats_replies();
	printf("{\"replies\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, "
	    "\"server_cpu\": %.4f, \"per_cpu_second\": %.0f, "
	    "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	    "\"p999_us\": %.1f, \"p9999_us\": %.1f, \"max_us\": %.1f, "
	    "\"wrong\": %llu, \"stale\": %llu, \"failed\": %llu, "
	    "\"resumed\": %llu, "
	    "\"server_peak_kib\": %ld}\n", (unsigned long long)replies, took,
	    (double)replies / took, cpu, cpu > 0 ? (double)replies / cpu : 0,
	    stats_quantile(0.5), stats_quantile(0.9), stats_quantile(0.99),
	    stats_quantile(0.999), stats_quantile(0.9999), stats_worst(),
	    (unsigned long long)totals->wrong,
	    (unsigned long long)totals->stale,
	    (unsigned long long)totals->failed,
	    (unsigned long long)tls_resumed, stats_memory("VmHWM"));
	return totals->wrong > 0 || totals->stale > 0 || totals->failed > 0 ||
	    replies == 0;
}

/* What connections cost that do nothing, or nothing any more. */
static int
run_idle(void)
{
	long before = stats_memory("VmRSS"), after;
	int *fds = loadgen_grow(NULL, loadgen.conns * sizeof(*fds));

	for (uint32_t i = 0; i < loadgen.conns; i++) {
		while ((fds[i] = conn_dial()) == -1)
			usleep(1000);
		/* Not faster than they are accepted. */
		if (pack_is_empty() && i % 128 == 127)
			usleep(20000);
		if (!pack_is_empty())
			conn_ask_once(fds[i]);
	}
	usleep(1000000);
	after = stats_memory("VmRSS");
	printf("{\"connections\": %u, \"bytes_each\": %.0f}\n", loadgen.conns,
	    (double)(after - before) * 1024 / loadgen.conns);
	return 0;
}

/* How long it takes until all of many handshakes have an answer. */
static int
run_hellos(void)
{
	int64_t began, took;

	if (!loadgen.tls)
		errx(2, "hellos are of TLS");
	took = conn_greet_all(&began);
	printf("{\"connections\": %u, \"all_ms\": %.2f}\n", loadgen.conns,
	    (double)(took - began) / 1e6);
	return 0;
}

static void
set_address(const char *text)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&loadgen.address;
	struct sockaddr_in *sin = (struct sockaddr_in *)&loadgen.address;
	char host[64];
	int port;

	if (text[0] == '/') {
		if (strlen(text) >= sizeof(sun->sun_path))
			errx(2, "%s: too long", text);
		sun->sun_family = AF_UNIX;
		strcpy(sun->sun_path, text);
		loadgen.address_len = sizeof(*sun);
		return;
	}
	if (sscanf(text, "%63[0-9.]:%d", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		errx(2, "%s: neither ADDRESS:PORT nor a path", text);
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)port);
	loadgen.address_len = sizeof(*sin);
}

static enum loadgen_mode
mode_of(const char *word)
{
	if (strcmp(word, "connect") == 0)
		return CONNECT;
	if (strcmp(word, "idle") == 0)
		return IDLE;
	if (strcmp(word, "hellos") == 0)
		return HELLOS;
	if (strcmp(word, "keepalive") != 0)
		errx(2, "%s: no mode", word);
	return KEEPALIVE;
}

int
main(int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "c:C:d:gi:m:n:p:qrRsSt:w:")) != -1) {
		switch (ch) {
		case 'c': loadgen.conns = (uint32_t)atoi(optarg); break;
		case 'C': loadgen.certificate = optarg; break;
		case 'd': loadgen.depth = (uint32_t)atoi(optarg); break;
		case 'g': loadgen.greeting = true; break;
		case 'i': loadgen.interval = atof(optarg); break;
		case 'm': loadgen.mode = mode_of(optarg); break;
		case 'n':
			loadgen.stop_after = strtoull(optarg, NULL, 10);
			break;
		case 'p': loadgen.server = (pid_t)atoi(optarg); break;
		case 'q': loadgen.quick_ack = true; break;
		case 'r': loadgen.at_random = true; break;
		case 'R': loadgen.resume = true; break;
		case 'S': loadgen.split = true; /* FALLTHROUGH */
		case 's': loadgen.tls = true; break;
		case 't': loadgen.seconds = atof(optarg); break;
		case 'w': loadgen.warm_up = atof(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind != 2 - (loadgen.mode >= IDLE && argc - optind == 1) ||
	    loadgen.conns == 0 || loadgen.depth == 0 || (loadgen.interval > 0 &&
	    (loadgen.mode != KEEPALIVE || loadgen.depth != 1)))
		errx(2, "usage: loadgen [OPTION...] ADDRESS PACK");
	conn_catch_signals();
	set_address(argv[optind]);
	if (argc - optind == 2)
		pack_load(argv[optind + 1]);
	if (loadgen.tls)
		tls_init();
	if (loadgen.mode == HELLOS)
		return run_hellos();
	return loadgen.mode == IDLE ? run_idle() : run_load();
}
