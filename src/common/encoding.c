/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Guesses, for messages only: nothing is ever converted by them.
 */

#include "config.h"

#include "encoding.h"

#include <string.h>

#define UTF16_MIN	8	/* bytes that tell without a mark */

static const char latin1[] =
    "not UTF-8, but perhaps Latin-1 (iconv -f latin1 -t utf-8)";
static const char windows[] =
    "not UTF-8, but perhaps Windows-1252 (iconv -f windows-1252 -t utf-8)";

bool
encoding_has_mark(const void *text, size_t len)
{
	return len >= ENCODING_MARK_LEN &&
	    memcmp(text, "\xef\xbb\xbf", ENCODING_MARK_LEN) == 0;
}

const char *
encoding_utf16(const void *text, size_t len)
{
	const unsigned char *p = text;
	size_t zeros[2] = { 0, 0 };

	if (len > ENCODING_LOOK)
		len = ENCODING_LOOK;
	len -= len % 2;
	if (len >= 2 && (p[0] ^ p[1]) == 1 && (p[0] & p[1]) == 0xfe)
		return "UTF-16, not UTF-8 (iconv -f utf-16 -t utf-8)";
	if (len < UTF16_MIN)
		return NULL;
	for (size_t i = 0; i < len; i++)
		zeros[i % 2] += p[i] == 0;
	if (zeros[0] == 0 && zeros[1] == len / 2)
		return "UTF-16, not UTF-8 (iconv -f utf-16le -t utf-8)";
	if (zeros[0] == len / 2 && zeros[1] == 0)
		return "UTF-16, not UTF-8 (iconv -f utf-16be -t utf-8)";
	return NULL;
}

/*
 * Whether text goes on with what only UTF-8 that was damaged has: a character
 * of several bytes, or its beginning; or with no character of Windows-1252.
 */
static bool
is_damaged(const unsigned char *p, size_t len)
{
	if (p[0] < 0xa0)
		return strchr("\x81\x8d\x8f\x90\x9d", p[0]) != NULL;
	return p[0] >= 0xc2 && len > 1 && (p[1] & 0xc0) == 0x80;
}

const char *
encoding_not_utf8(const void *text, size_t len)
{
	const unsigned char *p = text;
	const char *what = encoding_utf16(text, len);

	if (what != NULL)
		return what;
	what = latin1;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x80)
			continue;
		if (is_damaged(p + i, len - i))
			return "not UTF-8";
		/* There Latin-1 has control characters. */
		if (p[i] < 0xa0)
			what = windows;
	}
	return what;
}
