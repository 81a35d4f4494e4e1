/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INDEX_WORDS_PRIVATE_H
#define INDEX_WORDS_PRIVATE_H

/*
 * Words in the making: the keys are shared out, each share's words are
 * gathered and sorted by one thread, and in the end all are merged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/index/index_words.h"

#define BLOCK_WORDS	16
#define LONG_BYTES	15	/* what half a byte cannot tell */
#define LIST_SKIP	128
#define LIST_SKIP_BYTES	8
#define LIST_NUMBER_MAX	10	/* bytes of a number */
#define LIST_HEAD_MAX	30	/* of those before skips and gaps */

struct index_item;

/* Bytes that become more. */
struct index_bytes {
	uint8_t *p;		/* owned */
	size_t len, room;
};

/* Lists of groups of one size. */
struct index_level {
	uint64_t *starts;	/* owned: in groups */
	size_t n, room;
};

struct index_words {
	struct index_bytes words, groups;
	uint64_t *blocks;	/* owned: where they start in words */
	size_t blocks_n, blocks_room;
	struct index_level levels[INDEX_LEVELS];
	uint32_t n;		/* different words */
};

/* A word, and in which keys it is. */
struct index_gathered {
	size_t text;		/* where its bytes are */
	uint32_t len, hash;
	uint32_t n, first, last;	/* ranks */
	uint32_t head, tail;	/* blocks of gaps; 0: none */
	uint32_t used, room;	/* bytes of the last one */
};

/* The words of a share of all keys. */
struct index_gather {
	const uint32_t *order;	/* borrowed: keys by what is taken for their
				   ranks; NULL: as they are */
	struct index_bytes text;	/* of the words */
	struct index_gathered *words;	/* owned */
	size_t n, room;
	uint32_t *slots;	/* owned: numbers of words, from 1 */
	size_t slots_n;
	uint32_t *units;	/* owned: blocks of gaps */
	size_t units_n, units_room;
	struct index_item *items;	/* owned: by the order of words */
	struct index_bytes plain, folded;	/* an answer */
};

/* A gathered word's ranks that are walked. */
struct index_reader {
	const struct index_gather *gather;
	uint32_t left, rank;
	uint32_t block, used, room;
};

/*
 * Make room for more bytes behind those that are there.
 *
 * Returns 0, or -1 with errno.
 */
int index_bytes_reserve(struct index_bytes *, size_t more);

/*
 * Put a number where there is room for it.
 *
 * Returns its bytes.
 */
size_t index_number_put(uint8_t *, uint64_t);

/*
 * Gather the words of keys, and sort them.
 *
 * gather    zeroed, but for its order
 * from, to  ranks
 * answers   also those of the answers
 *
 * Returns 0, or -1 with errno.
 */
int index_gather_run(struct index_gather *, const struct index *,
    const struct table *, uint32_t from, uint32_t to, bool answers);

void index_gather_clear(struct index_gather *);

/*
 * Walk the ranks of a word.  The first is set, and left says how many there
 * are behind it.
 */
void index_reader_init(struct index_reader *, const struct index_gather *,
    const struct index_gathered *);
void index_reader_next(struct index_reader *);

/*
 * Make the words of what was gathered.
 *
 * gathers  n of them, in the order of ranks
 * keys     of all
 *
 * Returns them, owned by the caller, index_words_free(); or NULL.
 */
struct index_words *index_words_new(const struct index_gather *gathers,
    size_t n, uint32_t keys);

/*
 * NULL is allowed.
 */
void index_words_free(struct index_words *);

#endif
