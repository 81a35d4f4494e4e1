/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef EXPLAIN_H
#define EXPLAIN_H

/*
 * Where an entry stands, and since when it serves: what everybody tells who
 * explains an answer.  Peers get it in a reply's header, appmsgctl as members,
 * people as lines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/table/table.h"
#include "daemon/table/way.h"

struct digest;
struct generation;
struct snapshot;
struct snapshot_answer;
struct tell;

/* Borrowed as long as the generation. */
struct explained {
	uint64_t generation;	/* 0: it serves nobody */
	time_t loaded;
	const char *table;	/* its name; NULL: there is no entry, nor what
				   follows */
	const char *file;	/* any bytes */
	unsigned int line;	/* 0: not every format has lines */
	const char *match;	/* the word of the way it was found in */
	const struct digest *digest;	/* of its table */
	const struct digest *all;	/* of all tables, whatever was found */
	size_t entries;		/* of all tables */
};

/*
 * Explain an entry.
 *
 * table  that it is in; NULL: there is none
 */
void explain_entry(struct explained *, const struct generation *,
    const struct table *table, table_id, enum table_way);

/* Where an answer is from that is not here. */
struct explain_elsewhere {
	const char *table;	/* its name */
	const char *source;	/* its kind */
	const char *node;	/* who said it; "": nobody was asked now */
	uint64_t published;	/* its generation there; 0: none */
	bool cached, stale;
	size_t before;		/* tables of answers that are asked before */
};

/* What was asked and found; all is borrowed for the call. */
struct explain_asked {
	const struct generation *gen;
	const char *key;
	size_t key_len;
	const struct snapshot_answer *answer;
	const struct explain_elsewhere *elsewhere;	/* then the answer is
					   a text alone; NULL: it is here */
};

/*
 * Tell people, in some lines, where an answer stands and what it is, and the
 * same of each that it hides.
 *
 * Returns the text, without the end of its last line, owned by the caller,
 * free(3); or NULL when out of memory.
 */
char *explain_text(const struct explain_asked *);

/*
 * Add the same to an object, as appmsgctl(8) lists its members.
 */
void explain_tell(const struct explain_asked *, struct tell *);

#endif
