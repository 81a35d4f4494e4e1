/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef EDITS_H
#define EDITS_H

/*
 * Whether a key is within some edits of a query: a character inserted, left
 * out or replaced, or two neighbours exchanged, no character edited twice
 * (optimal string alignment).  A key is read character by character; so the
 * next one need not be read where it is as the one before.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that are told apart. */
#define EDITS_MAX	3

struct edits_row;
struct index;

struct edits {
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
	size_t key_max;		/* bytes of the longest key */
	uint8_t reach[EDITS_MAX + 1];	/* by edits: diagonals on which a key's
					   end may be reached */
	/* Set by the caller before edits_start(): */
	unsigned int last;	/* edits that there may be, from 1 */
	size_t split;		/* none but those before the last one may be
				   before this place in the query */
	/* Set at any time: keys as far as there may be edits are no matches,
	 * unless they cost less (like.h); UINT_MAX: all are. */
	unsigned int below;
};

/*
 * Take a query, if it is not the one that was taken before.
 *
 * edits    zeroed at first
 * key_max  bytes of the longest key
 *
 * Returns 0, or -1 when out of memory.
 */
int edits_set(struct edits *edits, const uint8_t *key,
    size_t len, size_t key_max);

void edits_clear(struct edits *);

/*
 * The query's characters, n of them.
 */
const uint32_t *edits_query(const struct edits *);

/*
 * Begin with no character read, and with all costs.
 */
void edits_start(struct edits *);

/*
 * Read on in a key, of which depth characters are read.
 *
 * wrong      set to the character that led nowhere, and
 * wrong_end  to its end
 *
 * Returns whether the key's end was reached.
 */
bool edits_read(struct edits *, const uint8_t *key, size_t len,
    uint32_t *wrong, size_t *wrong_end);

/*
 * Keep of what was read the characters that lie in so many bytes.
 */
void edits_back(struct edits *, size_t same);

/*
 * The bytes of what was read.
 */
size_t edits_end(const struct edits *);

/*
 * Whether the key of all characters read is so many edits from the query at
 * most; whether it is just as many as there may be.
 */
bool edits_is_within(const struct edits *, unsigned int most);
bool edits_is_match(const struct edits *);

/*
 * The first rank from next on whose key need not have the dead end of one
 * before.
 *
 * wrong, wrong_end  as edits_read() set them for that key
 */
uint32_t edits_skip(struct edits *, const struct index *,
    uint32_t next, const uint8_t *key, uint32_t wrong, size_t wrong_end);

#endif
