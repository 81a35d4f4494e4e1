/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_EDITS_H
#define SEARCH_EDITS_H

/*
 * Whether a key is within some edits of a query: a character inserted, left
 * out or replaced, or two neighbours exchanged, no character edited twice
 * (optimal string alignment).  A key is read character by character; so the
 * next one need not be read where it is as the one before.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edits_row;
struct index;

#define SEARCH_EDITS_MAX	3

struct search_edits {
	const uint8_t *key;	/* borrowed: the query, and a byte behind it */
	uint32_t *padded;	/* owned: its characters and some around */
	uint32_t *ends;		/* owned: bytes before each, n + 1 */
	size_t n;
	unsigned int wide;	/* bytes of its widest one */
	struct edits_row *rows;	/* owned */
	uint32_t *chars;	/* owned: those of the key, depth of them */
	size_t depth;		/* rows[0] to rows[depth] are set */
	uint8_t *target;	/* owned: a string to go to */
	size_t target_room;
	/* Set by the caller before search_edits_start(): */
	unsigned int last;	/* edits that there may be, from 1 */
	size_t split;		/* none but those before the last one may be
				   before this place in the query */
};

/*
 * Take a query, if it is not the one that was taken before.
 *
 * edits    zeroed at first
 * key_max  bytes of the longest key
 *
 * Returns 0, or -1 when out of memory.
 */
int search_edits_set(struct search_edits *edits, const uint8_t *key,
    size_t len, size_t key_max);

void search_edits_clear(struct search_edits *);

/*
 * The query's characters, n of them.
 */
const uint32_t *search_edits_query(const struct search_edits *);

/*
 * Begin with no character read.
 */
void search_edits_start(struct search_edits *);

/*
 * Read on in a key, of which depth characters are read.
 *
 * wrong      set to the character that led nowhere, and
 * wrong_end  to its end
 *
 * Returns whether the key's end was reached.
 */
bool search_edits_read(struct search_edits *, const uint8_t *key, size_t len,
    uint32_t *wrong, size_t *wrong_end);

/*
 * Keep of what was read the characters that lie in so many bytes.
 */
void search_edits_back(struct search_edits *, size_t same);

/*
 * The bytes of what was read.
 */
size_t search_edits_end(const struct search_edits *);

/*
 * Whether the key of all characters read is so many edits from the query at
 * most; whether it is just as many as there may be.
 */
bool search_edits_is_within(const struct search_edits *, unsigned int most);
bool search_edits_is_match(const struct search_edits *);

/*
 * The first rank from next on whose key need not have the dead end of one
 * before.
 *
 * wrong, wrong_end  as search_edits_read() set them for that key
 */
uint32_t search_edits_skip(struct search_edits *, const struct index *,
    uint32_t next, const uint8_t *key, uint32_t wrong, size_t wrong_end);

#endif
