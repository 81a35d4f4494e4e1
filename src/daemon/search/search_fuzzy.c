/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys within some edits of the query (edits.h), the most alike first.
 *
 * The sorted keys are walked like a tree: a key has the rows of what it has
 * in common with the one before, and behind a dead end the walk goes to the
 * next key that has not got it.  Where no edit is left, only a few
 * characters can follow, so that is the next key with one of those.  Where
 * the suffix array tells a few keys that may match, only those are read.
 *
 * Else it tells which keys end as the query does, from some place in it on:
 * all keys whose last edit is before that are among these.  So the walk may
 * keep the last edit for behind that place, and there are far fewer ways to
 * go at its beginning, where it is widest.
 *
 * Each distance is a pass of its own, of which the most alike are kept
 * (search_near.c): near ones often are enough.
 */

#include "config.h"

#include "daemon/edits/edits.h"
#include "daemon/edits/like.h"
#include "daemon/search/search_way.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* So many hits of seeds are as fast as the walk; by distance.  And so many
 * keys that end alike. */
static const size_t fuzzy_hits_most[EDITS_MAX + 1] = { 0, 200, 1000, 0 };
#define FUZZY_ENDS_MOST	200
#define FUZZY_ENDS_PART	8	/* if they are more than one of so many of that,
				   no better place is looked for */

/* Of few keys, fewer: to read them all is quick, too. */
#define FUZZY_KEYS_A_HIT	8

#define SEEDS_CHARS	2	/* the least in a piece of the query */

/* The longest distance is for what begins with these characters only. */
#define FUZZY_SURE	2
#define FUZZY_LONG	8	/* and where these are */

struct search_fuzzy {
	struct edits edits;
	unsigned int pass;	/* the distance that is looked for */
	enum { FUZZY_BEGIN, FUZZY_HITS, FUZZY_WALK } phase;
	bool none;		/* no key here is near by edits */
	bool seeds;		/* the hits are all there is to do */
	const uint8_t *read;	/* borrowed: the key of hits that the edits have
				   read, as far as edits_end() */
	size_t split;		/* of the edits, for the walk */
	struct search_range ends;	/* keys that end as the query does from
					   there on; none if that is 0 */
	bool ends_known;	/* those are set for the table in hand */
};

struct seeds {
	struct search *search;
	const uint32_t *ends;
	size_t n;		/* characters */
	size_t left;		/* hits that are still worth it */
};

/* Add where characters from to to of a variant of the query are. */
static bool
seeds_add(struct seeds *seeds, const uint8_t *str, size_t from, size_t to)
{
	const struct index *index = seeds->search->index;
	struct search_hits *hits = &seeds->search->hits;
	struct search_range *range = &hits->ranges[hits->ranges_n];
	size_t offset = seeds->ends[from], len = seeds->ends[to] - offset;

	/* What all keys begin with is in all. */
	if (offset + len <= index->common &&
	    memcmp(index->text + offset, str + offset, len) == 0)
		return false;
	/* All of it is a whole key. */
	if (from == 0 && to == seeds->n)
		len++;
	range->offset = offset;
	range->n = index_suffixes_most(index, str + offset, len, seeds->left,
	    &range->lo);
	seeds->search->work += 1000;
	if (range->n > seeds->left)
		return false;
	seeds->left -= range->n;
	if (range->n > 0)
		hits->ranges_n++;
	return true;
}

/* Exchange the characters on both sides of a cut. */
static void
seeds_swap(const struct seeds *seeds, uint8_t *str, size_t cut)
{
	const uint8_t *key = seeds->search->key;
	const uint32_t *ends = seeds->ends;
	size_t before = ends[cut] - ends[cut - 1];
	size_t behind = ends[cut + 1] - ends[cut];

	memcpy(str + ends[cut - 1], key + ends[cut], behind);
	memcpy(str + ends[cut - 1] + behind, key + ends[cut - 1], before);
}

static bool
seeds_one(struct seeds *seeds, uint8_t *str)
{
	const uint8_t *key = seeds->search->key;
	size_t cut = seeds->n / 2;

	seeds_swap(seeds, str, cut);
	return seeds_add(seeds, key, 0, cut) &&
	    seeds_add(seeds, key, cut, seeds->n) &&
	    seeds_add(seeds, str, 0, seeds->n);
}

static bool
seeds_two(struct seeds *seeds, uint8_t *str)
{
	const uint8_t *key = seeds->search->key;
	size_t a = seeds->n / 3, b = seeds->n - a, n = seeds->n;

	if (!seeds_add(seeds, key, 0, a) || !seeds_add(seeds, key, a, b) ||
	    !seeds_add(seeds, key, b, n))
		return false;
	seeds_swap(seeds, str, a);
	if (!seeds_add(seeds, str, 0, b))
		return false;
	seeds_swap(seeds, str, b);
	if (!seeds_add(seeds, str, 0, n))
		return false;
	memcpy(str, key, seeds->ends[b - 1]);
	return seeds_add(seeds, str, a, n);
}

/*
 * Set hits.ranges to places in the suffix array where all keys within a small
 * distance of the query show up.
 *
 * Cut the query in one piece more than there may be edits: an edit changes
 * one piece, so that one at least is in the key as it was.  Only the
 * exchange of the two characters at a cut changes two.  Then the query with
 * those exchanged is one edit nearer, and of that, with two edits, either
 * the piece far from the cut or the two pieces at it together are in the
 * key; with one edit, or with both cuts so, it is the key.
 *
 * ends      bytes before each of the query's n characters, and all of them
 * distance  1 or 2
 * most      hits that are still worth it
 *
 * Returns false where that is not to be had, or there are more.
 */
static bool
find_seeds(struct search *search, const uint32_t *ends, size_t n,
    unsigned int distance, size_t most)
{
	struct seeds seeds = { search, ends, n, most };
	uint8_t *str;
	bool done;

	search->hits.ranges_n = 0;
	if (search->index->suffixes == NULL ||
	    n < SEEDS_CHARS * ((size_t)distance + 1) ||
	    (str = malloc(search->key_len + 1)) == NULL)
		return false;
	memcpy(str, search->key, search->key_len + 1);
	done = distance == 1 ? seeds_one(&seeds, str) :
	    seeds_two(&seeds, str);
	free(str);
	return done;
}

/* A key is one: see how alike it is. */
static enum search_result
fuzzy_found(struct search *search, uint32_t rank)
{
	const struct search_fuzzy *fuzzy = search->fuzzy;
	const struct edits *edits = &fuzzy->edits;
	unsigned int below = search_near_below(search, rank);
	unsigned int like = like_cost(edits_query(edits), edits->n,
	    edits->chars, edits->depth, below);

	search->work += 50 + 10 * (unsigned int)edits->depth;
	if (like >= below)
		return SEARCH_MORE;
	return search_near(search, rank, fuzzy->pass, like);
}

static enum search_result
fuzzy_walk(struct search *search)
{
	struct edits *edits = &search->fuzzy->edits;
	const struct index *index = search->index;

	while (search->lo < search->hi) {
		size_t len, next_len, end, same = 0, wrong_end = 0;
		const uint8_t *key = index_key(index, search->lo, &len), *to;
		uint32_t wrong = 0, next = search->lo + 1;

		edits->below = search_near_below(search, search->lo);
		if (!edits_read(edits, key, len, &wrong, &wrong_end)) {
			next = edits_skip(edits, index, next, key,
			    wrong, wrong_end);
		} else if (edits_is_match(edits)) {
			enum search_result result = fuzzy_found(search,
			    search->lo);

			if (result != SEARCH_MORE)
				return result;
		}
		search->lo = next;
		if (next >= search->hi)
			break;
		to = index_key(index, next, &next_len);
		end = edits_end(edits);
		if (next_len > end)
			next_len = end;
		while (same < next_len && key[same] == to[same])
			same++;
		edits_back(edits, same);
		if (search_tick(search, 100 + (unsigned int)same / 2))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

/*
 * Find the key that a place of the text is in, by its ends, which are near: its
 * rank and what that leads to are far, and most keys are looked at in vain.
 *
 * at    bytes of it before the place, at most
 * len   of it, at most; set
 *
 * Returns it, or NULL if it is longer.
 */
static const uint8_t *
fuzzy_key_at(const struct index *index, uint32_t pos, size_t at, size_t *len)
{
	const uint8_t *p = index->text + pos, *key = p, *end;
	size_t most = *len;

	while (key > index->text && key[-1] != INDEX_END) {
		if (at-- == 0)
			return NULL;
		key--;
	}
	at = (size_t)(p - key);
	if (at > most)
		return NULL;
	most = most - at + 1;
	if (most > index->text_len - pos)
		most = index->text_len - pos;
	if ((end = memchr(p, INDEX_END, most)) == NULL)
		return NULL;
	*len = (size_t)(end - key);
	return key;
}

/* Whether a key with a hit matches; most have it at a wrong place. */
static bool
fuzzy_test(struct search *search, uint32_t pos)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	const struct search_hits *hits = &search->hits;
	/* What the query has more of bytes, and the key. */
	size_t less = (size_t)fuzzy->edits.wide * fuzzy->pass;
	size_t more = 4 * (size_t)fuzzy->pass, len = search->key_len + more;
	size_t offset = hits->ranges[hits->range].offset;
	const uint8_t *key = fuzzy_key_at(search->index, pos, offset + more,
	    &len);
	size_t same = 0, end, wrong_end;
	uint32_t wrong;

	if (key == NULL || search->key_len > len + less ||
	    offset > (size_t)(search->index->text + pos - key) + less)
		return false;
	/* Those at one end mostly begin alike, too. */
	end = edits_end(&fuzzy->edits);
	if (end > len)
		end = len;
	while (same < end && key[same] == fuzzy->read[same])
		same++;
	edits_back(&fuzzy->edits, same);
	fuzzy->read = key;
	search->work += 5 * (unsigned int)(len - same);
	return edits_read(&fuzzy->edits, key, len, &wrong, &wrong_end) &&
	    edits_is_match(&fuzzy->edits);
}

static enum search_result
fuzzy_hits(struct search *search)
{
	const struct index *index = search->index;
	uint32_t pos;

	while (search_hits_place_next(&search->hits, index->suffixes, &pos)) {
		enum search_result result;

		if (fuzzy_test(search, pos) && (result = fuzzy_found(search,
		    index_rank(index, pos))) != SEARCH_MORE)
			return result;
		if (search_tick(search, 10))
			return SEARCH_MORE;
	}
	return SEARCH_DONE;
}

static size_t
fuzzy_most(const struct search *search, size_t most)
{
	size_t few = search->index->n / FUZZY_KEYS_A_HIT;

	return few < most ? few : most;
}

/*
 * Find the last place in the query from which on few keys end as it does, and
 * those; it is the same in each pass.
 */
static void
fuzzy_find_ends(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	size_t low = 0, high = fuzzy->edits.n;
	size_t most = fuzzy_most(search, FUZZY_ENDS_MOST);

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2, n, lo;
		uint32_t offset = fuzzy->edits.ends[middle];

		/* The byte behind the query's last is the keys' end. */
		n = index_suffixes_most(search->index, search->key + offset,
		    search->key_len - offset + 1, most, &lo);
		search->work += 1000;
		if (n > most) {
			high = middle;
			continue;
		}
		low = middle;
		fuzzy->ends = (struct search_range){ lo, n, offset };
		if (n > most / FUZZY_ENDS_PART)
			break;
	}
	fuzzy->split = low;
	fuzzy->ends_known = true;
}

/* Read those keys; the walk keeps its last edit for behind that place. */
static void
fuzzy_plan_ends(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	struct search_hits *hits = &search->hits;

	if (!fuzzy->ends_known)
		fuzzy_find_ends(search);
	hits->ranges_n = fuzzy->split > 0;
	hits->ranges[0] = fuzzy->ends;
}

/* Decide how to go about a pass. */
static void
fuzzy_plan(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;

	fuzzy->phase = FUZZY_WALK;
	fuzzy->edits.last = fuzzy->pass;
	fuzzy->edits.split = 0;
	search->lo = 0;
	search->hi = search->index->n;
	search->hits.range = 0;
	search->hits.at = 0;
	if (fuzzy->pass == EDITS_MAX) {
		size_t len = fuzzy->edits.ends[FUZZY_SURE];

		search->lo = index_seek(search->index, search->key, len,
		    false, 0);
		search->hi = index_seek(search->index, search->key, len,
		    true, search->lo);
	} else if (search->index->suffixes != NULL) {
		fuzzy->phase = FUZZY_HITS;
		fuzzy->seeds = find_seeds(search, fuzzy->edits.ends,
		    fuzzy->edits.n, fuzzy->pass, fuzzy_most(search,
		    fuzzy_hits_most[fuzzy->pass]));
		if (!fuzzy->seeds)
			fuzzy_plan_ends(search);
	}
	edits_start(&fuzzy->edits);
}

static enum search_result
fuzzy_pass(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;

	if (fuzzy->phase == FUZZY_BEGIN)
		fuzzy_plan(search);
	if (fuzzy->phase == FUZZY_HITS) {
		enum search_result result = fuzzy_hits(search);

		if (result != SEARCH_DONE || fuzzy->seeds)
			return result;
		fuzzy->phase = FUZZY_WALK;
		fuzzy->edits.split = fuzzy->split;
		edits_start(&fuzzy->edits);
	}
	return fuzzy_walk(search);
}

/* The key itself; of equal ones, what a lookup finds is more alike. */
static enum search_result
fuzzy_exact(struct search *search)
{
	struct table_entry entry;
	uint32_t first = SEARCH_NO_RANK, rank;

	if (table_find(search->tables[search->at], (const char *)search->key,
	    search->key_len, &entry) != TABLE_NO_ID)
		first = index_seek(search->index, search->key,
		    search->key_len, false, 0);
	while ((rank = search_equals_next(search, first)) != SEARCH_NO_RANK) {
		unsigned int like = rank != search->equals.first;
		enum search_result result;

		/* Nor is any that follows it. */
		if (!search_near_may(search, rank, like))
			break;
		result = search_near(search, rank, 0, like);
		if (result != SEARCH_MORE || search_tick(search, 10))
			return result;
	}
	return SEARCH_DONE;
}

/*
 * Find out how far the key to go on after is, and how alike, where it stands:
 * that is its place among those of all tables.
 */
static enum search_result
fuzzy_place_after(struct search *search)
{
	struct edits *edits = &search->fuzzy->edits;
	const struct search_after *after = &search->after;
	struct search_near *near = &search->near;
	enum search_result result;
	size_t wrong_end;
	uint32_t wrong;

	near->placed = true;
	near->after_distance = UINT_MAX;
	result = search_compare_as(search, search->tables[after->at]);
	/* Nothing is as far as what is too long to be near. */
	if (result != SEARCH_MORE || search->key_len / 4 > after->key_len +
	    search->distance)
		return result;
	if (edits_set(edits, search->key, search->key_len,
	    after->key_len) == -1)
		return SEARCH_FAILED;
	edits->split = 0;
	for (edits->last = 1; edits->last <= search->distance; edits->last++) {
		edits_start(edits);
		if (!edits_read(edits, after->key, after->key_len,
		    &wrong, &wrong_end) ||
		    !edits_is_within(edits, edits->last))
			continue;
		near->after_distance = edits_is_match(edits) ?
		    edits->last : 0;
		near->after_like = near->after_distance == 0 ?
		    !search_after_is_found(search) :
		    like_cost(edits_query(edits), edits->n, edits->chars,
		    edits->depth, UINT_MAX);
		break;
	}
	return SEARCH_MORE;
}

static enum search_result
search_fuzzy_begin(struct search *search)
{
	const struct index *index = search->index;

	if (search->fuzzy == NULL &&
	    (search->fuzzy = calloc(1, sizeof(*search->fuzzy))) == NULL)
		return SEARCH_FAILED;
	if (search->after.plain != NULL && !search->near.placed) {
		if (fuzzy_place_after(search) == SEARCH_FAILED)
			return SEARCH_FAILED;
		search_compare_as(search, search->tables[search->at]);
	}
	search_near_start(search);
	search->fuzzy->phase = FUZZY_BEGIN;
	search->fuzzy->pass = 0;
	search->fuzzy->ends_known = false;
	/* A character has a byte at least, in keys, and at most four. */
	search->fuzzy->none = !(table_ways(search->tables[search->at]) &
	    TABLE_WAY(TABLE_FUZZY)) ||
	    search->key_len > 4 * (index->key_max + search->distance);
	if (search->fuzzy->none)
		return search->fill.wanted ? SEARCH_MORE : SEARCH_DONE;
	return edits_set(&search->fuzzy->edits, search->key,
	    search->key_len, index->key_max) == 0 ? SEARCH_MORE :
	    SEARCH_FAILED;
}

/* Begin the next pass, if there is one: by edits, then what fills up. */
static bool
fuzzy_next(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;
	unsigned int most = fuzzy->none ? 0 : search->distance;

	if (search_near_end(search))
		return false;
	if (most == EDITS_MAX && fuzzy->edits.n < FUZZY_LONG)
		most--;
	fuzzy->pass++;
	if (fuzzy->pass > most && fuzzy->pass <= EDITS_MAX)
		fuzzy->pass = EDITS_MAX + 1;
	if (fuzzy->pass > EDITS_MAX && (!search->fill.wanted ||
	    fuzzy->pass - EDITS_MAX > SEARCH_FILL_STAGES))
		return false;
	fuzzy->phase = FUZZY_BEGIN;
	search_near_start(search);
	return true;
}

static enum search_result
fuzzy_work(struct search *search)
{
	struct search_fuzzy *fuzzy = search->fuzzy;

	if (fuzzy->pass == 0 && !search->fill.wanted)
		return fuzzy_exact(search);
	if (fuzzy->pass > 0 && fuzzy->pass <= EDITS_MAX)
		return fuzzy_pass(search);
	if (fuzzy->phase == FUZZY_BEGIN) {
		search_fill_start(search, fuzzy->pass == 0 ?
		    SEARCH_FILL_BEFORE : (enum search_fill_stage)
		    (fuzzy->pass - EDITS_MAX - 1));
		fuzzy->phase = FUZZY_WALK;
	}
	return search_fill_work(search);
}

static enum search_result
search_fuzzy_work(struct search *search)
{
	do {
		enum search_result result = fuzzy_work(search);

		if (result != SEARCH_DONE)
			return result;
	} while (fuzzy_next(search));
	return SEARCH_DONE;
}

static void
search_fuzzy_end(struct search *search)
{
	if (search->fuzzy == NULL)
		return;
	edits_clear(&search->fuzzy->edits);
	free(search->fuzzy);
}

const struct search_way search_fuzzy = {
	.begin = search_fuzzy_begin,
	.work = search_fuzzy_work,
	.end = search_fuzzy_end
};
