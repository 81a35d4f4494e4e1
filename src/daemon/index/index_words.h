/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INDEX_WORDS_H
#define INDEX_WORDS_H

/*
 * In which keys a word is: a dictionary of all different words in the order
 * of their bytes, and with each the ranks of its keys, rising.  Words have
 * numbers, their places in that order.
 *
 * For those who look for all words with some beginning, which may be very
 * many, there are the ranks of whole groups of words, too: each
 * INDEX_GROUP words, and each INDEX_GROUP groups, and so on, so that the
 * ranks of any number of words are those of a few hundred lists at most.
 *
 *	words	blocks of BLOCK_WORDS words, each of them:
 *		  a byte	bytes that it begins with as the one before
 *				does, times 16, and bytes that are its own;
 *				either 15 where it is more, and then follow
 *		  numbers	what it is more, one or both
 *		  bytes		its own
 *		  list		the first rank as its difference to the one
 *				before; of a block's first, to 0
 *	groups	lists, the first rank as it is
 *
 *	list	number		of ranks, at least 1
 *		number		the first rank
 *	 	number		bytes that follow; only of more than 1 rank
 *		skips		of each LIST_SKIP-th but the first rank: itself,
 *				and where in the gaps the next one's is, as
 *				two uint32_t
 *		gaps		numbers: the ranks that are left out before
 *				the next one
 *
 * Numbers are of 7 bits a byte, the lowest first; those with a sign have it
 * as their lowest bit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a longer word only so many bytes count. */
#define INDEX_WORD_MAX	1024

#define INDEX_GROUP	256
#define INDEX_LEVELS	3	/* of groups: the largest of 2^24 words */
#define INDEX_NO_RANK	UINT32_MAX

/* The most lists whose ranks any words have together. */
#define INDEX_COVER_MAX	(2 * INDEX_LEVELS * (INDEX_GROUP - 1) + INDEX_GROUP)

struct index;
struct index_words;
struct table;

/* A list that is walked; borrowed from the index. */
struct index_cursor {
	uint32_t rank;		/* INDEX_NO_RANK: it has ended */
	uint32_t left;		/* behind this one */
	uint32_t n;		/* of all */
	const uint8_t *next;
	const uint8_t *skips;
	const uint8_t *gaps;
};

/*
 * How many bytes of a word count: all, mostly.
 */
size_t index_word_len(const uint8_t *word, size_t len);

/*
 * Which words of the dictionary are the same as a word, or begin with it.
 *
 * lo, hi  set to the numbers of the first, and behind the last
 *
 * Returns whether there are any.
 */
bool index_words_find(const struct index_words *, const uint8_t *word,
    size_t len, bool begins, uint32_t *lo, uint32_t *hi);

/*
 * The lists that have all ranks of some words.
 *
 * lo, hi   numbers of words, at least one
 * cursors  with room for INDEX_COVER_MAX; set to the start of each
 *
 * Returns how many.
 */
size_t index_words_cover(const struct index_words *, uint32_t lo,
    uint32_t hi, struct index_cursor *cursors);

/*
 * Go on to the next rank.
 */
void index_cursor_next(struct index_cursor *);

/*
 * Go on to the first rank that is not less than another, if the cursor is not
 * there yet.
 */
void index_cursor_seek(struct index_cursor *, uint32_t rank);

/*
 * Go on to the first rank that is not less than an end, and set the bits of
 * those before it.
 *
 * bits   the lowest of the first is that of a start, which the cursor is not
 *        before
 *
 * Returns how many.
 */
uint32_t index_cursor_mark(struct index_cursor *, uint64_t *bits,
    uint32_t start, uint32_t end);

/*
 * The bytes that they take; NULL: none.
 */
size_t index_words_memory(const struct index_words *);

#endif
