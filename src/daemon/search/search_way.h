/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_WAY_H
#define SEARCH_WAY_H

/*
 * The inside of a search, for the ways to search.
 *
 * search.c goes through the tables; a way of searching finds the ranks of
 * matches in one table's index, in the order that search.h promises, and
 * hands each to search_push().  It counts its work, in units of about a
 * nanosecond, and stops when search_tick() says so, to be called again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/index/index_private.h"
#include "daemon/search/search.h"
#include "daemon/search/search_hits.h"

struct search;
struct search_fuzzy;
struct search_regex;
struct search_words;
struct search_weight;

/* How a way works. */
struct search_way {
	/* For each table; returns SEARCH_MORE, or why not. */
	enum search_result (*begin)(struct search *);
	/* SEARCH_DONE: no more in this table, or enough. */
	enum search_result (*work)(struct search *);
	void (*end)(struct search *);	/* once; NULL: nothing to free */
	/*
	 * As work, in a round before: push the key that is the value, or all
	 * that are equal to it, if they are matches.  NULL: there is no such
	 * round.
	 */
	enum search_result (*itself)(struct search *);
	bool is_first;		/* nor with one table, where that key is first
				   by its bytes, unless several are equal */
};

/* What is found one after the other by substring and suffix. */
enum search_group {
	SEARCH_BEGINS,		/* keys that begin with it */
	SEARCH_WORDS,		/* where it is at a word's start */
	SEARCH_REST
};

/* The key that a search goes on after. */
struct search_after {
	uint8_t *plain;		/* owned: as it was asked for; NULL: none */
	size_t plain_len;
	uint8_t *folded;	/* owned: once a table needs it */
	size_t folded_len;
	bool marks;		/* it is without marks */
	bool found;		/* these are set: */
	bool is_value;		/* it is the value, which has its own round */
	size_t at;		/* the table that it stands in */
	const uint8_t *key;	/* as that one compares; one of the above */
	size_t key_len;
};

/* Of keys that are equal to the value, as they are compared, those that are to
 * be pushed: first what a lookup of it finds, then the others by their bytes. */
struct search_equals {
	bool begun;		/* these are set, of the table in hand: */
	bool own;		/* the first is pushed, or not wanted */
	uint32_t first;		/* its rank */
	uint32_t at, end;	/* of the others */
};

/* What is behind the key to go on after, by distance; search_near.c. */
struct search_near {
	size_t from;		/* of the list that is of the pass in hand */
	uint32_t behind;	/* search_after_rank(), for it */
	bool placed;		/* these are set: */
	unsigned int after_distance;	/* of that key from the query */
	unsigned int after_like;
};

/* Of the query, at most: for what near keys are filled up with. */
#define SEARCH_FILL_MAX		256	/* bytes */
#define SEARCH_FILL_ROOM	(SEARCH_FILL_MAX + 4)	/* with an edit */
#define SEARCH_FILL_WORDS	SEARCH_RANGES

enum search_fill_stage {
	SEARCH_FILL_PREFIX,	/* keys that begin with the query */
	SEARCH_FILL_WORDS_ALL,	/* that have all of its words */
	SEARCH_FILL_WORDS_ONE,	/* one of them */
	SEARCH_FILL_NEARLY,	/* that nearly begin with it */
	SEARCH_FILL_INITIAL,	/* whose initials begin with it */
	SEARCH_FILL_STAGES,
	SEARCH_FILL_BEFORE	/* whose initials it is; before all near ones */
};

/* Which edit of the query is tried; search_fill.c. */
enum search_fill_edit {
	SEARCH_FILL_LEAVE_OUT,
	SEARCH_FILL_EXCHANGE,
	SEARCH_FILL_REPLACE,
	SEARCH_FILL_INSERT
};

struct search_fill {
	bool wanted;
	enum search_fill_stage stage;
	struct {
		size_t at, len;
	} words[SEARCH_FILL_WORDS];
	unsigned int n;
	uint32_t initials[INDEX_INITIALS];
	unsigned int initials_n;	/* 0: it is none */
	/* The query with an edit, and which is next.  It lies behind the search
	 * where it is wanted: others shall be small. */
	uint8_t *edited;
	size_t edited_len;
	enum search_fill_edit edit;
	size_t at;		/* where in the query */
	uint32_t child;		/* the first key that has some character there;
				   all are before children */
	uint32_t children;
	uint32_t end;		/* of those that may have the edit */
};

struct search {
	const struct search_way *way;
	const struct table **tables;	/* n of them, borrowed; behind this */
	size_t n;
	size_t at;		/* the table that is searched */
	bool begun;		/* that one is */
	bool apart;		/* the key that is the value has a round */
	bool itself;		/* that is the one in hand */
	const struct index *index;	/* of it */
	enum table_way wanted;
	size_t first;		/* of list that is from the table in hand */
	bool table_more;	/* fuzzy: a table has more than the limit */
	struct search_equals equals;
	struct search_near near;
	struct search_fill fill;
	size_t limit;
	unsigned int distance;
	const uint8_t *key;	/* as the table compares */
	size_t key_len;
	uint8_t *plain;		/* behind those: as it was asked for; and
				   0xff */
	size_t plain_len;
	/* Owned: once a table needs it, the second one if that drops marks;
	 * and 0xff. */
	uint8_t *folded[2];
	size_t folded_len[2];
	struct search_after after;
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
	uint32_t begin;		/* the first key that begins with the value */
	enum search_group group;
	struct search_hits hits;
	struct search_fuzzy *fuzzy;	/* owned by search_fuzzy.c */
	struct search_regex *regex;	/* owned by search_regex.c */
	struct search_words *words;	/* owned by search_words.c */
	struct search_weight *weight;	/* owned by search_weight.c */
	const char *why;	/* static, or in regex */
};

extern const struct search_way search_exact, search_prefix, search_suffix;
extern const struct search_way search_substring, search_fuzzy, search_regex;
extern const struct search_way search_words;

/* Bytes of a value that is looked for by words. */
#define SEARCH_VALUE_MAX	4096
extern const struct search_way search_weight;	/* of those that can */

/*
 * Whether it is for words.
 */
static inline bool
search_is_for_words(const struct search *search)
{
	return search->wanted == TABLE_WORDS || search->wanted == TABLE_TEXT;
}

/*
 * Begin with words or text by weight, in a table that weighs, from a place in
 * that order on; then search_words works.
 *
 * Returns SEARCH_MORE; SEARCH_DONE where the value has no words, so that what
 * matches are the keys that begin with it, which are not looked for; SEARCH_BAD
 * or SEARCH_FAILED.
 */
enum search_result search_words_begin_weighed(struct search *, uint32_t place);

/*
 * The bytes that searching by weight holds.
 */
size_t search_weight_held(const struct search *);

/*
 * How the weightiest matches of a prefix are found; tests change it, so that
 * each way to them is taken.
 */
struct search_weight_tuning {
	uint32_t follow_most;	/* places that are followed from the first on */
	uint32_t follow_part;	/* if one key of so many matches, at least 1 */
	uint32_t look_most;	/* so many matches are looked at at once */
};
extern struct search_weight_tuning search_weight_tuning;

/*
 * About how many bytes it holds.
 */
size_t search_words_held(const struct search_words *);

/*
 * Keep the key to go on after, which is copied.
 *
 * after  zeroed
 *
 * Returns 0, or -1 when out of memory.
 */
int search_after_init(struct search_after *after, const char *key, size_t len);
void search_after_clear(struct search_after *);

/*
 * Find the table where it stands; there is one to go on after.
 *
 * Returns SEARCH_MORE; SEARCH_LOST; SEARCH_FAILED.
 */
enum search_result search_after_find(struct search *);

/*
 * The rank of the key that stands for it, in the table in hand, where that has
 * it: of keys that are equal to it the one that a lookup finds.
 */
uint32_t search_after_own(const struct search *, uint32_t rank);

/*
 * Whether it is, of keys that are equal to the value in the table in which it
 * stands, the one that a lookup of the value finds; the value is set as that
 * table compares it.
 */
bool search_after_is_found(const struct search *);

/*
 * Whether it stands in the table in hand, among others than the value: then
 * only some matches of that are behind it.
 */
static inline bool
search_is_after(const struct search *search)
{
	return search->after.plain != NULL && !search->after.is_value &&
	    search->after.at == search->at;
}

/*
 * The first rank whose key's bytes are behind its own.
 */
uint32_t search_after_seek(const struct search *);

/*
 * The same; 0 where it does not stand in the table in hand.
 */
static inline uint32_t
search_after_rank(const struct search *search)
{
	return search_is_after(search) ? search_after_seek(search) : 0;
}

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
	return search->limit - search->found + 1;
}

/*
 * The value as a table compares keys.
 *
 * Returns SEARCH_MORE; SEARCH_DONE when it is too long for any key there;
 * SEARCH_FAILED.
 */
enum search_result search_value_as(struct search *, const struct table *,
    const uint8_t **value, size_t *len);

/*
 * Set the key that is searched for to that, or to a pattern as it is; it
 * returns the same.
 */
enum search_result search_compare_as(struct search *, const struct table *);

/*
 * Whether the key of a rank, which there need not be, is some bytes.
 */
static inline bool
search_is_key(const struct index *index, uint32_t rank, const uint8_t *p,
    size_t len)
{
	const uint8_t *key;
	size_t key_len;

	if (rank >= index->n)
		return false;
	key = index_key(index, rank, &key_len);
	return key_len == len && memcmp(key, p, len) == 0;
}

/*
 * The rank of a key in the table in hand, of equal ones the first;
 * SEARCH_NO_RANK where it is none.
 */
uint32_t search_rank_of(const struct search *, const uint8_t *key,
    size_t len);
#define SEARCH_NO_RANK	UINT32_MAX

/*
 * Of the keys that are equal to the one of a rank, which is their first, the
 * rank of that which a lookup finds.
 *
 * own, len  what is looked up, as it was asked for
 */
uint32_t search_rank_own(const struct search *, uint32_t rank,
    const uint8_t *own, size_t len);

/*
 * The next one of the keys that are equal to the value, behind the key to go on
 * after.
 *
 * first  the rank of the first of them, or SEARCH_NO_RANK
 *
 * Returns its rank, or SEARCH_NO_RANK.
 */
uint32_t search_equals_next(struct search *, uint32_t first);

/*
 * Push the keys that are equal to the value.
 *
 * Returns SEARCH_DONE, or why not.
 */
enum search_result search_equals(struct search *, uint32_t first);

/*
 * Push the key that is the value, if there is one: what struct search_way has
 * as itself, where each such key matches.
 */
enum search_result search_itself(struct search *);

/*
 * Whether a table before the one in hand has the key of an entry: what a
 * lookup of it as it is shown would find there.
 *
 * Returns 1 or 0; -1 when out of memory.
 */
int search_is_hidden(struct search *, table_id id);

/*
 * Make room for one more match.
 *
 * Returns 0, or -1 when out of memory.
 */
int search_reserve(struct search *);

/*
 * Fuzzy matches: those of the table in hand, each distance from the nearest on
 * begun by the first and ended by the last, which returns whether the limit is
 * passed, so that none farther is of interest; or where the list is filled up,
 * reached.
 *
 * search_near_may() is whether one of some rank, as alike, is of interest.
 *
 * search_near_below() is the cost (like.h) below which a match of some rank is
 * of interest, or one behind it; UINT_MAX: at all costs.  search_near() takes a
 * match, in any order, and perhaps not for the first time; it returns
 * SEARCH_MORE or SEARCH_FAILED.
 */
void search_near_start(struct search *);
unsigned int search_near_below(const struct search *, uint32_t rank);
enum search_result search_near(struct search *, uint32_t rank,
    unsigned int distance, unsigned int like);
bool search_near_end(struct search *);
bool search_near_may(const struct search *, uint32_t rank, unsigned int like);

/*
 * Fill up with what is near in other ways than by edits: the stages follow
 * each other, each between search_near_start() and search_near_end(), one of
 * them before all edits.  search_fill_work() returns as a way's work does.
 */
void search_fill_start(struct search *, enum search_fill_stage);
enum search_result search_fill_work(struct search *);

/*
 * Each table gave its nearest: leave the nearest of all of them.
 */
void search_near_merge(struct search *);

/*
 * Add a match, if no earlier table hides it.
 *
 * Returns SEARCH_MORE; SEARCH_DONE when that is enough; SEARCH_FAILED.
 */
enum search_result search_push(struct search *, table_id id,
    unsigned int distance);

#endif
