/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_PRIVATE_H
#define SEARCH_PRIVATE_H

/*
 * The inside of a search.
 *
 * search.c goes through the tables; a way of searching finds the ranks of
 * matches in one table's index, in the order that search.h promises, and
 * hands each to search_push().  It counts its work, in units of about a
 * nanosecond, and stops when search_tick() says so, to be called again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/search/index_private.h"
#include "daemon/search/search.h"

struct search;
struct search_fuzzy;
struct search_regex;

/* How a way works. */
struct search_way {
	/* For each table; returns SEARCH_MORE, or why not. */
	enum search_result (*begin)(struct search *);
	/* SEARCH_DONE: no more in this table, or enough. */
	enum search_result (*work)(struct search *);
	void (*end)(struct search *);	/* once; NULL: nothing to free */
};

/* What is said of a key that may match. */
enum search_verdict {
	SEARCH_NO,
	SEARCH_YES,
	SEARCH_AGAIN,		/* the slice is over: ask again */
	SEARCH_TOO_LATE		/* it cannot be found out in time */
};

/* Part of the suffix array: where one string is found. */
struct search_range {
	size_t lo, n;
	size_t offset;		/* bytes before it in the query */
};

#define SEARCH_RANGES	6

#define SEARCH_PATTERN_MAX	1024	/* bytes of a regular expression */

/* Keys that hold a string, in their order: search_hits.c. */
struct search_hits {
	struct search_range ranges[SEARCH_RANGES];
	unsigned int ranges_n;
	unsigned int range;	/* at which one */
	size_t at;		/* and where in it */
	uint32_t from;		/* the rank that is the first of interest */
	size_t cut;		/* text from here on is not */
	uint32_t *ranks;	/* owned: found ones; and as much to sort */
	size_t n, room;
	size_t given;		/* of them, to search_push() */
	const uint8_t *str;	/* borrowed; NULL: ranges only */
	size_t str_len;
	size_t scan;		/* where in the text a scan is */
	size_t scan_end;	/* where it is given up */
	enum { SEARCH_HITS_SCAN, SEARCH_HITS_COLLECT, SEARCH_HITS_GIVE } phase;
	/* What else a key must be; NULL: nothing. */
	enum search_verdict (*test)(struct search *, uint32_t rank,
	    uint32_t pos);
};

struct search {
	const struct search_way *way;
	const struct table **tables;	/* owned: n of them, borrowed */
	size_t n;
	size_t at;		/* the table that is searched */
	bool begun;		/* that one is */
	const struct index *index;	/* of it */
	enum table_way wanted;
	size_t first;		/* of list that is from the table in hand */
	bool full;		/* fuzzy: the table in hand has more than limit */
	bool table_more;	/* fuzzy: a table was full */
	size_t limit;
	unsigned int distance;
	const uint8_t *key;	/* as the table compares */
	size_t key_len;
	uint8_t *plain;		/* owned: as it was asked for; and 0xff */
	size_t plain_len;
	uint8_t *folded;	/* owned: once a table needs it; and 0xff */
	size_t folded_len;
	char *hidden;		/* owned: room to fold a key in, or NULL */
	size_t hidden_room;
	struct search_match *list;	/* owned */
	size_t found, room;
	bool more;
	int64_t until;		/* end of the slice, in nanoseconds */
	int64_t now;		/* when the clock was looked at */
	int64_t spent;		/* in slices before */
	unsigned int work;	/* since the clock was looked at */
	unsigned int work_most;	/* then look again */
	uint32_t lo, hi;	/* ranks: what they are is the way's matter */
	struct search_hits hits;
	struct search_fuzzy *fuzzy;	/* owned by search_fuzzy.c */
	struct search_regex *regex;	/* owned by search_regex.c */
	const char *why;	/* static, or in regex */
};

extern const struct search_way search_prefix, search_suffix, search_substring;
extern const struct search_way search_fuzzy, search_regex;

/* Look at the clock after this much work, at most. */
#define SEARCH_WORK	20000

/*
 * Look at the clock, which sets now.
 *
 * Returns whether the slice is over.
 */
bool search_expired(struct search *);

/*
 * Count work.
 *
 * Returns whether the slice is over.
 */
static inline bool
search_tick(struct search *search, unsigned int work)
{
	search->work += work;
	return search->work >= search->work_most && search_expired(search);
}

/*
 * How many more matches are of interest: to the limit, and one.
 */
static inline size_t
search_want(const struct search *search)
{
	return search->limit - (search->found -
	    (search->wanted == TABLE_FUZZY ? search->first : 0)) + 1;
}

/*
 * Add a match, if no earlier table hides it.
 *
 * Returns SEARCH_MORE; SEARCH_DONE when that is enough; SEARCH_FAILED.
 */
enum search_result search_push(struct search *, table_id id,
    unsigned int distance);

/*
 * Prepare to find the keys that hold a string; the index has suffixes.
 *
 * str, len  at least 1 byte; borrowed until the table's end
 * test      of each such key, or NULL
 */
void search_hits_init(struct search *, const uint8_t *str, size_t len,
    enum search_verdict (*test)(struct search *, uint32_t, uint32_t));

/*
 * Prepare to find the keys in hits.ranges, which the caller has filled.
 */
void search_hits_init_ranges(struct search *,
    enum search_verdict (*test)(struct search *, uint32_t, uint32_t));

/*
 * Find them.
 *
 * distance  what to say of matches
 *
 * Returns as a way's work does.
 */
enum search_result search_hits_work(struct search *, unsigned int distance);

void search_hits_clear(struct search *);

/*
 * Read a character of UTF-8, whatever the bytes are; at least one of them.
 *
 * Returns its number; a wrong byte gets one that no character has.
 */
static inline uint32_t
search_char(const uint8_t **pp, const uint8_t *end)
{
	const uint8_t *p = *pp;
	uint32_t c = *p++;
	unsigned int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (c >= 0x80 && (more == 0 || (size_t)(end - p) < more)) {
		c |= 0x80000000;
	} else if (c >= 0x80) {
		c &= 0x3fu >> more;
		while (more-- > 0)
			c = c << 6 | (*p++ & 0x3f);
	}
	*pp = p;
	return c;
}

/*
 * A string that every match of a regular expression holds, if one can be
 * told for sure: search_literal.c.
 *
 * caseless   only ASCII, and made lower case
 * out        of len bytes
 * at_start   set: each match is at the start of the key, with the string
 *
 * Returns its length, 0 for none.
 */
size_t search_literal(const char *pattern, size_t len, bool caseless,
    uint8_t *out, bool *at_start);

/* Seeds of fuzzy matches in the suffix array: search_seeds.c. */

/*
 * Fill hits.ranges with places of which each key within a distance of the
 * query has at least one.
 *
 * ends, n  bytes of the query before each of its n characters, and all
 * most     hits: beyond this it is not worth it
 *
 * Returns whether it was done.
 */
bool search_seeds(struct search *, const uint32_t *ends, size_t n,
    unsigned int distance, size_t most);

#endif
