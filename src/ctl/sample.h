/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SAMPLE_H
#define SAMPLE_H

/*
 * What "stats" told at one moment, out of its JSON.  What is not as
 * appmsgctl(8) says it counts as 0, or as "-": somebody else than the daemon
 * may have said it.
 */

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* How many took at most so long, and longer than the one before. */
struct sample_time {
	uint64_t ns;
	uint64_t count;
};

/* Requests of one kind that ended in one way. */
struct sample_row {
	const char *action, *way, *outcome;	/* way: "" where there is none */
	uint64_t count;
	struct sample_time *times;	/* owned; n of them, rising */
	size_t n;
};

struct sample_worker {
	uint64_t requests, bytes_in, bytes_out, connections;
};

struct sample_table {
	const char *name, *kind, *loaded;
	uint64_t entries, bytes;
};

struct sample_key {
	const char *key;
	uint64_t count, least, most;
};

struct sample {
	struct json_object *reply;	/* owned; texts are borrowed from it */
	int64_t at_ns;			/* of our monotonic clock */
	const char *version, *state, *loaded, *log_level;
	const char *reload, *reload_time, *reload_problem;	/* the last */
	uint64_t pid, uptime, generation, entries, table_bytes, held,
	    connections;
	uint64_t accepted, refused, timeouts, bytes_in, bytes_out;
	struct sample_row *rows;	/* these are owned */
	struct sample_worker *workers;
	struct sample_table *tables;
	struct sample_key *found, *missed;
	size_t n_rows, n_workers, n_tables, n_found, n_missed;
};

/*
 * Read one.
 *
 * reply  what said_read() returned; taken, also when NULL is returned
 * at_ns  when it came
 *
 * Returns it, owned by the caller, sample_free(); or NULL when out of memory.
 */
struct sample *sample_new(struct json_object *reply, int64_t at_ns);

/*
 * Free it.  NULL is allowed.
 */
void sample_free(struct sample *);

#endif
