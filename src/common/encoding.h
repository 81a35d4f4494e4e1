/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ENCODING_H
#define ENCODING_H

/*
 * What text that should be UTF-8 is instead, as far as its bytes tell, and
 * what makes it UTF-8: so that nobody has to guess what an editor or a
 * spreadsheet has saved.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file's start that tell what it is; more are not looked at. */
#define ENCODING_LOOK	64

/* Bytes of a byte order mark in UTF-8. */
#define ENCODING_MARK_LEN	3

/*
 * Whether text begins with U+FEFF in UTF-8.
 */
bool encoding_has_mark(const void *text, size_t len);

/*
 * Whether a file is UTF-16: by a byte order mark, or since every second of
 * its first bytes is 0, and no other.  Such bytes are never UTF-8 without a
 * NUL.
 *
 * text  the file's start
 *
 * Returns what to say of it, a static string; or NULL.
 */
const char *encoding_utf16(const void *text, size_t len);

/*
 * What text that is not valid UTF-8 may be.
 *
 * text  a line or a word
 *
 * Returns what to say of it, a static string that says "not UTF-8", and
 * stands behind "is" as well as alone.
 */
const char *encoding_not_utf8(const void *text, size_t len);

#endif
