/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * The command line and $APPMSG_SERVER, read once into plain values that
 * nobody changes afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"
#include "query.h"

struct appmsg_servers;

enum options_action {
	OPTIONS_SEARCH,
	OPTIONS_TABLES,
	OPTIONS_BINARY,
	OPTIONS_ECHO,
	OPTIONS_PING,
	OPTIONS_COMPARE,
	OPTIONS_CHECK,
	OPTIONS_BENCH,
	OPTIONS_INTERACTIVE	/* no word for it: where there is none */
};

/* When keys are coloured. */
enum options_color {
	OPTIONS_AUTO,		/* on a terminal, unless it is not wanted */
	OPTIONS_ALWAYS,
	OPTIONS_NEVER
};

/* How TLS is spoken; borrowed of argv, NULL where it was not said. */
struct options_tls {
	const char *ca;		/* file of whom to trust */
	const char *cert;	/* files of what to show */
	const char *key;
	const char *name;	/* of the server, in its certificate */
};

struct options {
	enum options_action action;
	struct appmsg_servers *servers;	/* owned by whom gets the options */
	struct options_tls tls;
	bool is_tls;		/* of some of the servers */
	int64_t timeout_ms;	/* for the whole call; -1: not given */
	int connections;
	struct options_bench bench;
	struct query query;	/* suggest is -1 where it was not given */
	bool json;
	bool tsv;		/* of a search or the tables */
	bool trace;		/* what goes over the wire is told */
	enum options_color color;
	bool quiet;		/* nothing is said of misses */
	char **words;		/* what the action is about; borrowed of argv */
	int words_count;
};

/*
 * Read seconds, such as 2, 0.25 or .5, at least a millisecond and at most
 * a million seconds, into milliseconds.
 *
 * Returns false when text is none.
 */
bool options_read_seconds(int64_t *ms, const char *text);

/*
 * Read the command line.  Leaves the program itself: with 0 after --help and
 * --version, with 64 when the line is wrong, which it tells on standard error.
 *
 * options  filled; words are borrowed of argv, which getopt_long(3) reorders
 */
void options_parse(struct options *options, int argc, char **argv);

#endif
