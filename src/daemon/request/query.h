/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef QUERY_H
#define QUERY_H

/*
 * What is asked of the tables, and what they know of it.  Messages are one
 * way to ask, and reply.c one to tell; here is nothing of either.
 *
 *	query_lookup()	what is known at once, as every plain lookup is;
 *			and again, from a table on that answered later
 *	query_begin()	a search (search.h), where that said "later"
 *	query_step()	a slice of it, until there is an answer
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/status.h"
#include "daemon/request/env.h"
#include "daemon/table/table.h"

#define QUERY_LIMIT		10	/* where nothing is said */
#define QUERY_LIMIT_MAX		1000
#define QUERY_DISTANCE_MAX	2	/* and where nothing is said, */
#define QUERY_SHORT		4	/* but 1 for fewer characters */

struct later;
struct lookup;
struct search;
struct search_match;
struct snapshot;

struct query {
	const char *key;		/* UTF-8; borrowed */
	size_t key_len;
	const struct table *table;	/* to ask this one only; NULL: all,
					   in order */
	const struct later *later;	/* this one only, which answers later;
					   NULL: as above */
	size_t at;			/* tables before it are asked already;
					   0 at first */
	enum table_way way;
	unsigned int distance;		/* fuzzy: 1 or 2; 0: nothing is said */
	size_t limit;			/* of matches, 1 to QUERY_LIMIT_MAX */
	const char *after;		/* only what is behind this key; UTF-8,
					   at most TABLE_KEY_MAX bytes, borrowed;
					   NULL or of 0 bytes: all there is */
	size_t after_len;
	size_t suggest;			/* near keys for a miss, if it is exact;
					   0: none */
	bool by_weight;			/* the weightiest matches first */
	bool list;			/* the matches are wanted, not the best
					   of them alone */
};

/*
 * All texts are borrowed: from the tables, from the search, or from who asked
 * a table that answers later.  status is one of found, not found, error and
 * unavailable.
 */
struct answer {
	enum request_status status;
	const char *code;		/* of an error: the protocol's word */
	const char *why;		/* and a few more; NULL: no error */
	const struct table *table;	/* the best match; NULL: none here */
	table_id id;
	const char *text;		/* its text, JSON-escaped */
	size_t text_len;
	/* all matches, best first, or a miss's near keys */
	const struct search_match *list;	/* NULL: the best match alone */
	size_t n;
	bool more;			/* there are more than these */
	const struct later *ask;	/* with REQUEST_LATER; NULL: a search */
	const struct lookup *lookup;	/* whose answer it is; NULL: here */
	size_t at;			/* where to go on when it misses */
};

/*
 * Answer what can be answered at once.
 *
 * Returns REQUEST_ANSWERED; or REQUEST_LATER: a table that answers later is to
 * be asked, or a search to be made, and only ask, at, and the status are set,
 * to "not found".
 */
enum request_result query_lookup(const struct snapshot *,
    const struct query *, struct answer *);

/*
 * Begin the search for a query that query_lookup() did not answer.
 *
 * Returns it, owned by the caller, search_free(); NULL when out of memory.
 * It has copies of key and after; the snapshot must outlive it.
 */
struct search *query_begin(const struct snapshot *, const struct query *);

/*
 * Work on it.
 *
 * query     that it was made for; key and after are not looked at
 * slice_us  for about so long, in microseconds
 * answer    set with REQUEST_ANSWERED, after which there is no next call;
 *           borrowed from the search
 */
enum request_result query_step(const struct query *, struct search *,
    int64_t slice_us, struct answer *);

#endif
