/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ESCAPE_H
#define ESCAPE_H

/*
 * Untrusted bytes made fit for a log, a terminal or a field of one line.
 *
 * Printable UTF-8 stays as it is.  The rest is spelled so that nothing moves
 * the cursor, ends the line, changes the direction of writing or is lost:
 *
 *	\\ \n \r \t	backslash, newline, carriage return, TAB
 *	\x1b		other control characters below U+0080
 *	\xff		a byte that is no part of valid UTF-8
 *	\u{9b}		C1 controls (U+0080 to U+009F), line and paragraph
 *			separator (U+2028, U+2029), the characters that embed,
 *			override or isolate a direction (U+202A to U+202E,
 *			U+2066 to U+2069), and the byte order mark (U+FEFF),
 *			which nobody sees
 *
 * What comes out is valid UTF-8 on one line without TAB, and tells exactly
 * what went in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, with the NUL, that are enough for any len bytes. */
#define ESCAPE_SIZE(len) (4 * (len) + 1)

/*
 * Spell src in dst.
 *
 * dst, cap  where to; NUL-terminated if cap is not 0.  When it is too small,
 *           the text ends before the first character or escape that does not
 *           fit whole.  NULL with cap 0 just counts
 * src, len  any bytes
 *
 * Returns the bytes that the whole text has, without the NUL: all of it is in
 * dst only when that is less than cap.
 */
size_t escape(char *dst, size_t cap, const void *src, size_t len);

/*
 * Take one character of UTF-8 from the start of src.
 *
 * src, len  len is at least 1
 * cp        set when not 0 is returned
 *
 * Returns its bytes, 1 to 4; 0 when src does not start with a character:
 * overlong and cut forms, surrogates and what lies above U+10FFFF are none.
 */
size_t escape_utf8(const void *src, size_t len, uint32_t *cp);

/*
 * How many bytes from the start of src on are printable ASCII but '\\', which
 * escape() leaves as they are: 0 to len.
 */
size_t escape_plain_len(const void *src, size_t len);

/*
 * Is all of src valid UTF-8?
 */
bool escape_is_utf8(const void *src, size_t len);

/*
 * Does escape() leave the character as it is?
 */
bool escape_is_plain(uint32_t cp);

#endif
