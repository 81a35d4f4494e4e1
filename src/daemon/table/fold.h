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

/* Text of more bytes than this does not fold to len bytes. */
#define FOLD_OF_MOST(len)	((size_t)4 * (len))

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
