/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_H
#define SEARCH_H

/*
 * A search in one or more tables, which may be long, in slices: its caller
 * lets it work for a while, serves others, and comes back.
 *
 * Matches come in a fixed order:
 *
 *	fuzzy: by distance, then by likeness (like.h), before all
 *	the key that is the value, of each table in turn; by regex, if it
 *	matches itself
 *	of the tables as they are named
 *	words: keys that begin with the value, others; text: those, and behind
 *	them those whose answers have words of it
 *	substring: keys that begin with the value, those in which a word (word.h)
 *	does, others; suffix: keys with a word's start where the value begins,
 *	others
 *	of the keys' bytes
 *
 * all of it as keys are compared; of several that are equal so, in the order of
 * the bytes that their files have, but that of those that are equal to the value
 * the one that a lookup of it finds is the first.  A key that an earlier table
 * has hides the same key of later ones, as it does for plain lookups, whether
 * that table may be searched so or not.
 *
 * A search may be for what is behind a key in that order.  The key stands in
 * the first table that has it, so that one of them must; a single one, beside
 * which others are empty, need not: it is asked for what is behind the place
 * that the key would have, among others if it is no match.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/table/table.h"

struct search;

struct search_query {
	enum table_way way;
	const char *key;	/* UTF-8; borrowed for search_new() only */
	size_t key_len;		/* 0 matches every key by prefix, suffix, ... */
	unsigned int distance;	/* fuzzy: 1 or 2; or 3, which is for queries of
				   8 characters and more, and of keys for those
				   that begin with the same two */
	size_t limit;		/* 1 to 1000 */
	/* Only what is behind this key; UTF-8, at most TABLE_KEY_MAX bytes;
	 * borrowed as key is.  NULL or of 0 bytes: all there is. */
	const char *after;
	size_t after_len;
	bool by_weight;		/* prefix, substring, words and text: the
				   weightiest first */
	bool fill;		/* fuzzy: up to the limit with keys that begin
				   with the query, then with those that have
				   all of its words, or one, or nearly begin
				   with it; keys with such initials are first */
};

struct search_match {
	const struct table *table;
	table_id id;
	unsigned int distance;	/* fuzzy */
	unsigned int like;	/* fuzzy: of those, less is more alike */
	size_t order;		/* the search's own */
};

enum search_result {
	SEARCH_DONE,
	SEARCH_MORE,		/* call again */
	SEARCH_BAD,		/* a wrong value; see search_why() */
	SEARCH_LOST,		/* no table has the key "after"; see there */
	SEARCH_LATE,		/* its budget is used up */
	SEARCH_FAILED		/* out of memory */
};

/*
 * Begin a search.
 *
 * tables  n of them; those that do not allow the way only hide; the array
 *         is copied, the tables must outlive the search
 *
 * Returns the search, owned by the caller, search_free(); NULL when out of
 * memory.
 */
struct search *search_new(const struct table *const *tables, size_t n,
    const struct search_query *query);

/*
 * Work on it.
 *
 * slice_us  for about so long, in microseconds
 *
 * Returns the state of it; only after SEARCH_MORE there is a next call.
 */
enum search_result search_step(struct search *, int64_t slice_us);

/*
 * What was found, after SEARCH_DONE.
 *
 * list  set to the matches, at most limit; borrowed from the search
 * more  whether there are more than those
 *
 * Returns how many.
 */
size_t search_matches(const struct search *, const struct search_match **list,
    bool *more);

/*
 * What is wrong, after SEARCH_BAD and SEARCH_LOST: a short text without full
 * stop; borrowed from the search.
 */
const char *search_why(const struct search *);

/*
 * About how many bytes of memory it holds, which grows by each step.
 */
size_t search_held(const struct search *);

/*
 * Free a search, finished or not.  NULL is allowed.
 */
void search_free(struct search *);

#endif
