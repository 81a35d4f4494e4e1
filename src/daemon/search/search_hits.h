/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_HITS_H
#define SEARCH_HITS_H

/*
 * Keys that hold a string, or one of a few, in the order of keys.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/search/search.h"

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

/* Which of the places where a string is. */
enum search_places {
	SEARCH_ANYWHERE,
	SEARCH_STARTS,		/* where a key or a word starts */
	SEARCH_INSIDE		/* elsewhere, in keys without the former */
};

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
	enum search_places places;
	size_t starts;		/* how many of them are the second kind */
	bool words;		/* words may start so */
	bool mixed;		/* and be in one key with places of the third,
				   which is to be looked at */
	uint32_t but, but_n;	/* so many ranks from one on are of none */
	bool whole;		/* ranks are all of the second */
	uint32_t *others;	/* owned: those, in order, when the third are
				   looked for; NULL: none, or not known */
	size_t others_n;
	size_t scan;		/* where in the text a scan is */
	size_t scan_end;	/* where it is given up */
	enum { SEARCH_HITS_SCAN, SEARCH_HITS_COLLECT, SEARCH_HITS_GIVE } phase;
	/* What else a key must be; NULL: nothing. */
	enum search_verdict (*test)(struct search *, uint32_t rank,
	    uint32_t pos);
};

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
 * In two steps, find a string, which says how many starts there are and what
 * may be; who knows better may set words, mixed and but.  Then prepare to find
 * those at some of the places, again and again.
 *
 * places  but SEARCH_ANYWHERE
 * from    the rank of the first of interest
 */
void search_hits_find(struct search *, const uint8_t *str, size_t len);
void search_hits_start(struct search *, enum search_places places,
    uint32_t from);

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
 * Walk the places in hits.ranges, for who looks at each himself; range is
 * that of the place until the next call.
 *
 * Returns whether there was one more, with pos set to where in the text.
 */
static inline bool
search_hits_place_next(struct search_hits *hits, const int32_t *suffixes,
    uint32_t *pos)
{
	for (; hits->range < hits->ranges_n; hits->range++, hits->at = 0) {
		const struct search_range *range = &hits->ranges[hits->range];

		if (hits->at < range->n) {
			*pos = (uint32_t)suffixes[range->lo + hits->at++];
			return true;
		}
	}
	return false;
}

#endif
