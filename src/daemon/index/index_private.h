/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INDEX_PRIVATE_H
#define INDEX_PRIVATE_H

/*
 * The inside of an index, for those that search in it.
 *
 * A key's rank is its place in the order of bytes, from 0; where keys are equal
 * as they are compared, in the order of the bytes that their files have.  All
 * keys lie in that order in one text, each followed by INDEX_END, which is no
 * byte of UTF-8: so a suffix of a key is a string of the text that ends with
 * it, and no match goes beyond its key.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/index/index.h"

#define INDEX_END	0xff

/* Places in the suffix array that are counted together. */
#define INDEX_STARTS	512

/* 64 bytes of the text: where keys start, and how many did before. */
struct index_block {
	uint64_t starts;
	uint32_t before;
};

/* Every so many keys have a sample: all of them fit a processor's cache. */
#define INDEX_SAMPLE	8

struct index {
	uint8_t *text;		/* owned */
	size_t text_len;
	uint32_t *starts;	/* owned: by rank, and the text's end */
	uint32_t n;		/* keys */
	uint8_t *ids;		/* owned: by rank, id_size bytes each */
	unsigned int id_size;
	size_t key_max;		/* bytes of the longest key */
	size_t common;		/* bytes that all keys begin with */
	bool equals;		/* some keys are equal, as they are compared */
	uint64_t *samples;	/* owned: 8 bytes behind those of some keys */
	uint32_t samples_n;
	int32_t *suffixes;	/* owned: the suffix array; NULL: none */
	struct index_block *blocks;	/* owned; with suffixes */
	/* Owned, with suffixes: where a key starts, or a word in one; a bit for
	 * each byte of the text, and for each suffix. */
	uint64_t *marks;
	uint64_t *word_starts;
	uint32_t *starts_before;	/* of the latter, by INDEX_STARTS */
	struct index_words *words;	/* owned: of keys; NULL: none */
	struct index_words *texts;	/* owned: of keys and answers; NULL */
	struct index_weights *weights;	/* owned; NULL: no key has one */
	struct index_initials *initials;	/* owned, with suffixes */
	/* Owned: the same as words and texts, but of keys' places by weight
	 * for their ranks; NULL, too, where there are no weights. */
	struct index_words *weighed_words, *weighed_texts;
};

/* The order of keys by weight: a key's place in it, from 0, and where the least
 * places are. */
#define INDEX_FAN	16	/* places that one of the next level is of */
#define INDEX_HEIGHT	8	/* 16^8 are more than there are ranks */
struct index_weights {
	uint32_t *order;	/* owned: ranks by place; of equal weights the
				   first is first */
	uint32_t *levels[INDEX_HEIGHT];	/* owned: places by rank; then the
					   least of each INDEX_FAN of them, and
					   so on */
	uint32_t sizes[INDEX_HEIGHT];
	unsigned int levels_n;
};

struct index_initials;

/* What sorts: seven bytes of a string and how many they are, and its id. */
struct index_item {
	uint64_t word;
	uint64_t id;
};

static inline const uint8_t *
index_key(const struct index *index, uint32_t rank, size_t *len)
{
	uint32_t start = index->starts[rank];

	*len = index->starts[rank + 1] - start - 1;
	return index->text + start;
}

static inline table_id
index_id(const struct index *index, uint32_t rank)
{
	const uint8_t *p = index->ids + (size_t)rank * index->id_size;
	table_id id = 0;

	for (unsigned int i = 0; i < index->id_size; i++)
		id |= (table_id)p[i] << 8 * i;
	return id;
}

/* Which key a byte of the text belongs to; with suffixes only. */
static inline uint32_t
index_rank(const struct index *index, uint32_t pos)
{
	const struct index_block *block = index->blocks + pos / 64;
	uint64_t upto = UINT64_MAX >> (63 - pos % 64);

	return block->before +
	    (uint32_t)__builtin_popcountll(block->starts & upto) - 1;
}

/*
 * Order the keys of a table that weighs by that, when all else is there.
 *
 * Returns 0, or -1 when out of memory.
 */
int index_weigh(struct index *, const struct table *);

/* NULL is allowed. */
void index_weights_free(struct index_weights *);
size_t index_weights_memory(const struct index_weights *);

/*
 * The least place among ranks from lo up to hi; UINT32_MAX where there is
 * none.
 */
uint32_t index_least(const struct index_weights *, uint32_t lo, uint32_t hi);

/*
 * Which places in the suffix array are where a key or a word starts: some from
 * one on, before an end.
 *
 * n  set to how many that are, 1 to 64
 *
 * Returns a bit for each, the lowest for the first.
 */
static inline uint64_t
index_starts_at(const struct index *index, size_t at, size_t end, size_t *n)
{
	uint64_t bits = index->word_starts[at / 64] >> at % 64;

	*n = 64 - at % 64;
	if (*n > end - at) {
		*n = end - at;
		bits &= UINT64_MAX >> (64 - *n);
	}
	return bits;
}

/*
 * Fill marks and what follows it, once there are suffixes.
 *
 * Returns 0, or -1 when out of memory.
 */
int index_fill_starts(struct index *);

/*
 * How many of n places in the suffix array, from lo on, are such.
 */
size_t index_count_starts(const struct index *, size_t lo, size_t n);

/*
 * A place from one on, before or at an end, before which there is none; the
 * same one if it is not one in INDEX_STARTS.
 */
size_t index_skip_starts(const struct index *, size_t at, size_t end);

/*
 * Whether a string, which may be longer than the key by its INDEX_END, is in a
 * key where that starts, or a word; with suffixes only.
 */
bool index_starts_in(const struct index *, uint32_t rank, const uint8_t *str,
    size_t len);

/* Seen as numbers, eight bytes compare as strings do. */
static inline uint64_t
index_word(const uint8_t *p, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < 8; i++)
		word = word << 8 | (i < len ? p[i] : 0);
	return word;
}

/* Bytes of the character there; the text is UTF-8. */
static inline size_t
index_char_len(const uint8_t *text, size_t len, size_t at)
{
	size_t end = at + 1;

	while (end < len && (text[end] & 0xc0) == 0x80)
		end++;
	return end - at;
}

/* The character there, as a number of its own. */
static inline uint32_t
index_char(const uint8_t *text, size_t len, size_t at)
{
	uint32_t c = 0;

	for (size_t n = index_char_len(text, len, at); n > 0; n--)
		c = c << 8 | text[at++];
	return c;
}

/* So many initials of a key's words count; words of so many characters are
 * small. */
#define INDEX_INITIALS		5
#define INDEX_INITIALS_SMALL	3

/*
 * The initials of a key: of its first word, and of others that have more than
 * one character.
 *
 * small     of small words, too
 * initials  set to the first of them, as index_char() tells them
 *
 * Returns how many there are; INDEX_INITIALS + 1 if there are more than that.
 */
unsigned int index_initials(const struct index *, uint32_t rank, bool small,
    uint32_t initials[INDEX_INITIALS]);

/*
 * Find keys by their initials, 2 or more, with small words or without.
 *
 * initials  n of them, 2 to INDEX_INITIALS
 * whole     of keys that have no more
 * lo, hi    set to the places, from one on and before another, of ranks;
 *           some of those have other initials, and some are there twice.
 *           When whole, they are rising
 */
void index_initials_find(const struct index *, const uint32_t *initials,
    unsigned int n, bool whole, uint32_t *lo, uint32_t *hi);
uint32_t index_initials_rank(const struct index *, uint32_t at);

/*
 * Gather them, once there is the text.
 *
 * Returns 0, or -1 when out of memory.
 */
int index_fill_initials(struct index *);

/* NULL is allowed. */
void index_initials_free(struct index_initials *);
size_t index_initials_memory(const struct index_initials *);

/* Gives the string of an id, and its length. */
typedef const uint8_t *index_string(const void *arg, uint64_t id,
    size_t *len);

/*
 * Sort items by the bytes of their strings.
 *
 * string  passed arg
 * second  likewise: of those whose strings are equal, others, which differ;
 *         NULL: all strings do
 * skip    bytes that all strings begin with
 *
 * Returns 0, or -1 with errno.
 */
int index_sort(index_string *string, index_string *second, const void *arg,
    struct index_item *items, size_t n, size_t skip);

/*
 * The first rank behind one whose key is not equal to that one's.
 */
uint32_t index_behind(const struct index *, uint32_t rank);

/*
 * The first rank from from on, and before to, whose key is not less than a
 * string; to if there is none.
 *
 * past  greater, too, than all keys that begin with the string
 */
uint32_t index_lower(const struct index *, const void *str, size_t len,
    bool past, uint32_t from, uint32_t to);

/*
 * The same to the last key, quickly, and if it is near, more so.
 */
uint32_t index_seek(const struct index *, const void *str, size_t len,
    bool past, uint32_t from);

/*
 * Where in the suffix array the suffixes are that begin with a string of at
 * least 1 byte.
 *
 * Returns how many there are, with lo set to the first.
 */
size_t index_suffixes(const struct index *, const void *str, size_t len,
    size_t *lo);

/*
 * The same, which costs less where there are more than so many: it may return
 * any number above that.
 */
size_t index_suffixes_most(const struct index *, const void *str, size_t len,
    size_t most, size_t *lo);

#endif
