/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FOLD_H
#define FOLD_H

/*
 * Keys made comparable: NFC and case folding (libutf8proc).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for any folded key of len bytes. */
#define FOLD_ROOM(len)	((size_t)12 * (len) + 16)

/* Text of more bytes than this does not fold to len bytes; or where marks are
 * dropped, has more of them than any letter of a language. */
#define FOLD_OF_MOST(len)	((size_t)8 * (len))

/*
 * Fold UTF-8 text: case folding, then NFC, so that two texts that a person
 * would call the same but for case and composition become equal; idempotent.
 *
 * text, len  valid UTF-8; may hold NUL
 * out        of FOLD_ROOM(len) bytes
 * out_len    set when 0 is returned
 *
 * Returns 0, or -1 (out of memory, or built without libutf8proc).
 */
int fold(const char *text, size_t len, char *out, size_t *out_len);

/*
 * The same, and drop marks and strokes of Latin, Greek and Cyrillic letters:
 * the marks that follow those letters once these are decomposed; of letters
 * that are not, such as o with a stroke, the plain one is taken, or two.
 */
int fold_marks(const char *text, size_t len, char *out, size_t *out_len);

/*
 * One or the other.
 */
static inline int
fold_as(bool marks, const char *text, size_t len, char *out, size_t *out_len)
{
	return marks ? fold_marks(text, len, out, out_len) :
	    fold(text, len, out, out_len);
}

/*
 * The letter that a character shows, whatever its case and marks: the first
 * character of its canonical decomposition, in lower case.  Built without
 * libutf8proc, of ASCII only; others show themselves.
 */
uint32_t fold_letter(uint32_t c);

/*
 * Whether fold() can do anything: built with libutf8proc.
 */
bool fold_available(void);

#endif
