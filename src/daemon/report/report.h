/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REPORT_H
#define REPORT_H

/*
 * The numbers of all workers put together, in three forms: an object for
 * programs, a table for people, OpenMetrics for whoever collects them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/escape.h"
#include "daemon/record/remotes.h"
#include "daemon/record/stats.h"
#include "daemon/report/last_reload.h"
#include "daemon/table/digest.h"

struct buf;
struct tell;
struct usage;

/* One table; the texts are borrowed for the call. */
struct report_table {
	const char *name;
	const char *kind;		/* the configuration's word */
	unsigned int ways;		/* a set, of table/way.h */
	size_t entries, bytes;
	size_t hidden;			/* by tables before it, if counted */
	bool counted;
	const struct conf_remote *remote;	/* it is on other machines: the
					   bytes and the time are nobody's;
					   NULL: here */
	struct remote_look look;	/* of that */
	time_t loaded;
	struct digest digest;
};

/* A certificate of those that are shown to clients. */
struct report_certificate {
	char name[256];			/* its first; nothing to be escaped */
	time_t ends;
};

/* All that is reported.  Borrowed for each call. */
struct report {
	bool draining;
	time_t started, loaded;
	int64_t uptime;			/* seconds, whatever the clock was set */
	uint64_t generation;
	struct digest digest;		/* of its tables */
	size_t entries, table_bytes;
	size_t kept, kept_bytes;	/* generations to go back to */
	int64_t held, connections;
	uint64_t reloads, reloads_failed;	/* and rollbacks */
	struct last_reload last_reload;
	const struct stats_worker *workers;
	size_t n;			/* workers */
	bool keys;			/* are told, and what may name one */
	/* Table i, from 0: returns whether there is one.  NULL: none. */
	bool (*table_cb)(const void *tables, size_t i, struct report_table *);
	const void *tables;
	/* Likewise, of certificates. */
	bool (*certificate_cb)(void *tls, size_t i,
	    struct report_certificate *);
	void *tls;
	/* What the process takes.  NULL: nobody can tell. */
	void (*usage_cb)(struct usage *);
};

/*
 * Add the members of the control socket's "status" to an object.
 */
void report_status(const struct report *, struct tell *);

/*
 * Add the members of the control socket's "stats" to an object, beside those
 * of "status": appmsgctl(8) lists them.
 */
void report_stats(const struct report *, struct tell *);

/*
 * Append both in one object, as JSON.
 *
 * Returns 0, or -1 when out of memory.
 */
int report_json(const struct report *, struct buf *);

/*
 * Append a table of lines for people.
 *
 * Returns 0, or -1 when out of memory.
 */
int report_text(const struct report *, struct buf *);

/*
 * Append OpenMetrics 1.0, with its mark at the end.
 *
 * Returns 0, or -1 when out of memory.
 */
int report_metrics(const struct report *, struct buf *);

/*
 * Append the same as Prometheus had it before: its text format 0.0.4.
 */
int report_metrics_classic(const struct report *, struct buf *);

/*
 * The keys that all workers together found, or missed, most often, escaped.
 *
 * keys  of REPORT_KEYS elements; filled
 * n     how many there are; set when 0 is returned
 *
 * Returns 0, or -1 when out of memory.
 */
#define REPORT_KEYS	20

struct report_key {
	char text[ESCAPE_SIZE(TOP_KEY_MAX) + 3];	/* "..." if cut */
	uint64_t count;		/* about; as struct top_key has it */
	uint64_t least, most;
};

int report_keys(const struct report *, bool found, struct report_key *keys,
    size_t *n);

/*
 * What all workers together have, for the files of this folder.
 */
uint64_t report_counter(const struct report *, enum stats_counter);
void report_times(const struct report *, unsigned int kind,
    unsigned int outcome, struct histogram_sum *);
uint64_t report_requests(const struct stats_worker *);
bool report_table(const struct report *, size_t i, struct report_table *);

/*
 * How many tables are on other machines.
 *
 * up  set to how many of them were reached the last time
 */
size_t report_remote_tables(const struct report *, size_t *up);
bool report_certificate(const struct report *, size_t i,
    struct report_certificate *);

/*
 * Append to a report, for those files.  What there was no memory for is
 * missing, and failed is set.
 */
struct report_out {
	struct buf *buf;		/* borrowed */
	bool failed;
	bool classic;			/* for report_metrics_classic() */
};

void report_add(struct report_out *, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

#endif
