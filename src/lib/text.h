/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TEXT_H
#define TEXT_H

/*
 * The text encodings of contents, under the names that Python has for them,
 * and their way to UTF-8.  A fixed table of our own: no name that a client
 * chose ever reaches iconv_open(3).
 */

#include <stddef.h>
#include <stdint.h>

#include "appmsg.h"

enum text_encoding {
	TEXT_UNKNOWN = 0,
	TEXT_UTF8,
	TEXT_ASCII,
	TEXT_LATIN1,
	TEXT_UTF16,		/* with a byte order mark, as UTF32 */
	TEXT_UTF16LE,
	TEXT_UTF16BE,
	TEXT_UTF32,
	TEXT_UTF32LE,
	TEXT_UTF32BE
};

/*
 * The encoding that a content-encoding names, or TEXT_UNKNOWN.
 */
enum text_encoding text_encoding_find(const struct appmsg_str *name);

/*
 * The most bytes of UTF-8 that len bytes in an encoding can become.
 */
size_t text_utf8_max(enum text_encoding, size_t len);

/*
 * Write a character as UTF-8; half a surrogate pair comes out as the three
 * bytes it would have.
 *
 * out  of 4 bytes
 *
 * Returns where the next one goes.
 */
char *text_put_utf8(char *out, uint32_t c);

/*
 * Convert to UTF-8, strictly: no surrogates but in pairs of UTF-16, nothing
 * above U+10FFFF, nothing cut short; the encodings with a byte order mark
 * need it, the others take it for the character U+FEFF.
 *
 * in, in_len  any encoding but TEXT_UNKNOWN and TEXT_UTF8
 * out         of text_utf8_max() bytes
 * out_len     bytes written; set when 0 is returned
 *
 * Returns 0, or APPMSG_EILSEQ.
 */
int text_to_utf8(enum text_encoding, const void *in, size_t in_len, char *out,
    size_t *out_len);

#endif
