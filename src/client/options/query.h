/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef QUERY_H
#define QUERY_H

/*
 * In which way keys are searched for, and what is asked about the answers.
 */

#include <stdbool.h>
#include <stddef.h>

struct appmsg_header;
struct appmsg_query;

enum {
	QUERY_WAYS = 8,
	QUERY_ORDERS = 2,
	QUERY_LIMIT_MAX = 1000,
	QUERY_DISTANCE_MAX = 2,
	QUERY_SUGGEST_MAX = 5
};

/* The words for ways to match, the nearest one first. */
extern const char *const query_ways[QUERY_WAYS];

/* Those for orders of matches. */
extern const char *const query_orders[QUERY_ORDERS];

/* Strings are borrowed for good. */
struct query {
	const char *match;	/* one of query_ways, or NULL: the key itself */
	const char *table;	/* the only one to ask, or NULL: all; UTF-8 */
	const char *after;	/* matches behind this key, or NULL; UTF-8 */
	const char *order;	/* one of query_orders, or NULL: by key */
	int distance;		/* of fuzzy; 0: as the server likes */
	int limit;		/* of matches; 0: as the server likes */
	int suggest;		/* near keys wanted on a miss */
	bool explain;		/* where the answer stands is wanted */
};

/*
 * The same as the library has it, with a key.
 *
 * key, len  UTF-8 text, may hold NUL; borrowed as long as question is used
 */
void query_question(const struct query *query, const char *key, size_t len,
    struct appmsg_query *question);

/*
 * Write the content of a search.
 *
 * key, len              UTF-8 text, may hold NUL
 * content, content_len  set: owned by the caller, free(3)
 *
 * Returns false when there is no memory.
 */
bool query_make(const struct query *query, const char *key, size_t len,
    char **content, size_t *content_len);

/*
 * Set the header that goes before it, but for its length.
 *
 * keep_alive  ask the server to keep the connection
 */
void query_header(const struct query *query, bool keep_alive,
    struct appmsg_header *hdr);

#endif
