/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The words of all shares as one dictionary.  What groups have is written
 * beside it: each word's ranks are marked in a map, which a whole group's are
 * read from.
 */

#include "config.h"

#include "daemon/index/index_words_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/index/index_private.h"
#include "daemon/thread/crew.h"
#include "daemon/thread/pace.h"

/* The ranks of a group in the making; a bit of some for each word of many. */
struct merge_map {
	uint64_t *many;		/* owned */
	uint64_t *some;		/* owned */
};

struct merge {
	const struct index_gather *gathers;
	size_t n;
	size_t at[CREW_MAX];	/* the next word of each */
	uint32_t keys;
	struct index_words *words;
	struct merge_map maps[INDEX_LEVELS];
	struct index_bytes gaps, skips;	/* of a list in the making */
	uint32_t list_n;
	uint32_t list_first, list_last;
	const uint8_t *before;	/* the word before */
	size_t before_len;
	uint32_t before_rank;	/* its first */
};

static const uint8_t *
merge_word(const struct merge *merge, size_t i, size_t *len)
{
	const struct index_gather *gather = &merge->gathers[i];
	const struct index_gathered *word;

	word = &gather->words[gather->items[merge->at[i]].id];
	*len = word->len;
	return gather->text.p + word->text;
}

/* The gather with the next word of all, or SIZE_MAX. */
static size_t
merge_least(const struct merge *merge)
{
	const uint8_t *least = NULL;
	size_t least_len = 0, found = SIZE_MAX;

	for (size_t i = 0; i < merge->n; i++) {
		const uint8_t *word;
		size_t len;
		int c = -1;

		if (merge->at[i] == merge->gathers[i].n)
			continue;
		word = merge_word(merge, i, &len);
		if (least != NULL)
			c = memcmp(word, least, len < least_len ? len :
			    least_len);
		if (c < 0 || (c == 0 && len < least_len)) {
			least = word;
			least_len = len;
			found = i;
		}
	}
	return found;
}

static void
map_add(struct merge_map *map, uint32_t rank)
{
	map->many[rank / 64] |= UINT64_C(1) << rank % 64;
	map->some[rank / 4096] |= UINT64_C(1) << rank / 64 % 64;
}

static int
list_add(struct merge *merge, uint32_t rank)
{
	struct index_bytes *gaps = &merge->gaps;

	if (merge->list_n > 0) {
		if (index_bytes_reserve(gaps, LIST_NUMBER_MAX) == -1)
			return -1;
		gaps->len += index_number_put(gaps->p + gaps->len,
		    rank - merge->list_last - 1);
	}
	if (merge->list_n > 0 && merge->list_n % LIST_SKIP == 0) {
		const uint32_t skip[2] = { rank, (uint32_t)gaps->len };

		if (index_bytes_reserve(&merge->skips, sizeof(skip)) == -1)
			return -1;
		memcpy(merge->skips.p + merge->skips.len, skip, sizeof(skip));
		merge->skips.len += sizeof(skip);
		pace();
	}
	if (merge->list_n++ == 0)
		merge->list_first = rank;
	merge->list_last = rank;
	return 0;
}

/* Write the list that was made, and forget it. */
static int
list_end(struct merge *merge, struct index_bytes *out, uint64_t first)
{
	size_t len = merge->skips.len + merge->gaps.len;

	if (index_bytes_reserve(out, LIST_HEAD_MAX + len) == -1)
		return -1;
	out->len += index_number_put(out->p + out->len, merge->list_n);
	out->len += index_number_put(out->p + out->len, first);
	if (merge->list_n > 1) {
		out->len += index_number_put(out->p + out->len, len);
		if (merge->skips.len > 0)
			memcpy(out->p + out->len, merge->skips.p,
			    merge->skips.len);
		out->len += merge->skips.len;
		memcpy(out->p + out->len, merge->gaps.p, merge->gaps.len);
		out->len += merge->gaps.len;
	}
	merge->gaps.len = merge->skips.len = 0;
	merge->list_n = 0;
	return 0;
}

/* Make a list of a map, which is empty then. */
static int
map_list(struct merge *merge, struct merge_map *map, struct merge_map *next)
{
	for (uint32_t i = 0; i <= merge->keys / 4096; i++) {
		uint64_t some = map->some[i];

		for (; some != 0; some &= some - 1) {
			uint32_t at = i * 64 +
			    (uint32_t)__builtin_ctzll(some);
			uint64_t many = map->many[at];

			for (; many != 0; many &= many - 1) {
				uint32_t rank = at * 64 +
				    (uint32_t)__builtin_ctzll(many);

				if (list_add(merge, rank) == -1)
					return -1;
				if (next != NULL)
					map_add(next, rank);
			}
			map->many[at] = 0;
		}
		map->some[i] = 0;
	}
	return 0;
}

static int
level_add(struct index_level *level, uint64_t start)
{
	if (level->n == level->room) {
		size_t room = level->room + level->room / 2 + 4;
		uint64_t *starts = reallocarray(level->starts, room,
		    sizeof(*starts));

		if (starts == NULL)
			return -1;
		level->starts = starts;
		level->room = room;
	}
	level->starts[level->n++] = start;
	return 0;
}

/* A word has been added: write the groups that are whole now. */
static int
merge_groups(struct merge *merge)
{
	struct index_words *words = merge->words;
	uint64_t whole = INDEX_GROUP;

	for (unsigned int i = 0; i < INDEX_LEVELS && words->n % whole == 0 &&
	    merge->maps[i].many != NULL; i++, whole *= INDEX_GROUP) {
		struct merge_map *map = &merge->maps[i];
		bool more = i + 1 < INDEX_LEVELS && map[1].many != NULL;

		if (level_add(&words->levels[i], words->groups.len) == -1 ||
		    map_list(merge, map, more ? map + 1 : NULL) == -1 ||
		    list_end(merge, &words->groups, merge->list_first) == -1)
			return -1;
		pace();
	}
	return 0;
}

/* A block starts with the next word. */
static int
merge_block(struct merge *merge)
{
	struct index_words *words = merge->words;

	if (words->blocks_n == words->blocks_room) {
		size_t room = words->blocks_room + words->blocks_room / 2 + 16;
		uint64_t *blocks = reallocarray(words->blocks, room,
		    sizeof(*blocks));

		if (blocks == NULL)
			return -1;
		words->blocks = blocks;
		words->blocks_room = room;
	}
	words->blocks[words->blocks_n++] = words->words.len;
	merge->before_len = 0;
	merge->before_rank = 0;
	pace();
	return 0;
}

/* Write a word's bytes: those that differ from the word before. */
static int
merge_bytes(struct merge *merge, const uint8_t *word, size_t len)
{
	struct index_bytes *out = &merge->words->words;
	size_t shared = 0, own;
	uint8_t *start;

	while (shared < len && shared < merge->before_len &&
	    word[shared] == merge->before[shared])
		shared++;
	own = len - shared;
	if (index_bytes_reserve(out, 1 + 2 * LIST_NUMBER_MAX + own) == -1)
		return -1;
	start = out->p + out->len++;
	*start = (uint8_t)((shared < LONG_BYTES ? shared : LONG_BYTES) << 4 |
	    (own < LONG_BYTES ? own : LONG_BYTES));
	if (shared >= LONG_BYTES)
		out->len += index_number_put(out->p + out->len,
		    shared - LONG_BYTES);
	if (own >= LONG_BYTES)
		out->len += index_number_put(out->p + out->len,
		    own - LONG_BYTES);
	memcpy(out->p + out->len, word + shared, own);
	out->len += own;
	merge->before = word;
	merge->before_len = len;
	return 0;
}

/* Collect the ranks that a gather has of the word at hand. */
static int
merge_ranks(struct merge *merge, size_t i)
{
	const struct index_gather *gather = &merge->gathers[i];
	struct merge_map *map = &merge->maps[0];
	struct index_reader reader;

	index_reader_init(&reader, gather, &gather->words[
	    gather->items[merge->at[i]++].id]);
	for (;;) {
		if (list_add(merge, reader.rank) == -1)
			return -1;
		if (map->many != NULL)
			map_add(map, reader.rank);
		if (reader.left == 0)
			return 0;
		index_reader_next(&reader);
	}
}

/* Write the next word, the least of a gather's. */
static int
merge_one(struct merge *merge, size_t least)
{
	struct index_words *words = merge->words;
	size_t len, other_len;
	const uint8_t *word = merge_word(merge, least, &len), *other;
	int64_t change;

	if (words->n == UINT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if ((words->n % BLOCK_WORDS == 0 && merge_block(merge) == -1) ||
	    merge_bytes(merge, word, len) == -1)
		return -1;
	for (size_t i = least; i < merge->n; i++) {
		if (merge->at[i] == merge->gathers[i].n)
			continue;
		other = merge_word(merge, i, &other_len);
		if (other_len == len && memcmp(other, word, len) == 0 &&
		    merge_ranks(merge, i) == -1)
			return -1;
	}
	change = (int64_t)merge->list_first - merge->before_rank;
	merge->before_rank = merge->list_first;
	if (list_end(merge, &words->words, change < 0 ?
	    (uint64_t)-change * 2 - 1 : (uint64_t)change * 2) == -1)
		return -1;
	words->n++;
	return merge_groups(merge);
}

/* Maps, for the groups that there may be. */
static int
merge_maps(struct merge *merge)
{
	size_t most = 0, whole = INDEX_GROUP;

	for (size_t i = 0; i < merge->n; i++)
		most += merge->gathers[i].n;
	for (unsigned int i = 0; i < INDEX_LEVELS && most >= whole;
	    i++, whole *= INDEX_GROUP) {
		struct merge_map *map = &merge->maps[i];

		map->many = calloc((size_t)merge->keys / 64 + 1,
		    sizeof(*map->many));
		map->some = calloc((size_t)merge->keys / 4096 + 1,
		    sizeof(*map->some));
		if (map->many == NULL || map->some == NULL)
			return -1;
	}
	return 0;
}

/* Let go of the memory that was for more. */
static void
bytes_shrink(struct index_bytes *bytes)
{
	uint8_t *p = realloc(bytes->p, bytes->len + 1);

	if (p == NULL)
		return;
	bytes->p = p;
	bytes->room = bytes->len + 1;
}

struct index_words *
index_words_new(const struct index_gather *gathers, size_t n, uint32_t keys)
{
	struct merge merge = { .gathers = gathers, .n = n, .keys = keys };
	struct index_words *words = calloc(1, sizeof(*words));
	int rc = -1;
	size_t least;

	merge.words = words;
	if (words == NULL || merge_maps(&merge) == -1)
		goto end;
	while ((least = merge_least(&merge)) != SIZE_MAX)
		if (merge_one(&merge, least) == -1)
			goto end;
	bytes_shrink(&words->words);
	bytes_shrink(&words->groups);
	rc = 0;
end:
	free(merge.gaps.p);
	free(merge.skips.p);
	for (unsigned int i = 0; i < INDEX_LEVELS; i++) {
		free(merge.maps[i].many);
		free(merge.maps[i].some);
	}
	if (rc == 0)
		return words;
	index_words_free(words);
	return NULL;
}
