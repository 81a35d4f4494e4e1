/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words, by the categories of libutf8proc.
 */

#include "config.h"

#include "daemon/table/word.h"

#ifdef HAVE_UTF8PROC
#include <utf8proc.h>
#endif

#define WORD_CHAR_MAX	0x10ffff
#define WORD_NO_CHAR	UINT32_MAX

static bool
word_has_ascii(uint32_t c)
{
	return c - '0' <= 9 || (c | 0x20) - 'a' <= 'z' - 'a';
}

bool
word_has(uint32_t c)
{
	if (c < 0x80)
		return word_has_ascii(c);
	if (c > WORD_CHAR_MAX)
		return false;
#ifdef HAVE_UTF8PROC
	switch ((int)utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return true;
	default:
		return false;
	}
#else
	return true;
#endif
}

/* Bytes behind the first one of a character. */
static inline unsigned int
word_more(uint32_t c)
{
	return c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

/* The character at a place; the text is UTF-8, as all keys are. */
static uint32_t
word_char(const uint8_t *p, const uint8_t *end)
{
	uint32_t c = *p;
	unsigned int more = word_more(c);

	if (c < 0x80)
		return c;
	if (more == 0 || (size_t)(end - p) <= more)
		return WORD_NO_CHAR;
	c &= 0x3fu >> more;
	while (more-- > 0)
		c = c << 6 | (*++p & 0x3f);
	return c;
}

static bool
word_at(const uint8_t *text, size_t len, size_t at)
{
	return at < len && word_has(word_char(text + at, text + len));
}

static bool
word_before(const uint8_t *text, size_t at)
{
	size_t start = at;

	if (at == 0)
		return false;
	do
		start--;
	while (start > 0 && (text[start] & 0xc0) == 0x80);
	return word_has(word_char(text + start, text + at));
}

bool
word_starts(const void *text, size_t len, size_t at)
{
	return word_at(text, len, at) && !word_before(text, at);
}

bool
word_ends(const void *text, size_t len, size_t at)
{
	return word_before(text, at) && !word_at(text, len, at);
}

/* Whether the character there is part of a word, with its bytes told. */
static inline bool
word_take(const uint8_t *p, const uint8_t *end, size_t *bytes)
{
	uint32_t c;

	*bytes = 1;
	if (*p < 0x80)
		return word_has_ascii(*p);
	if ((c = word_char(p, end)) == WORD_NO_CHAR)
		return false;
	*bytes = word_more(*p) + 1;
	return word_has(c);
}

bool
word_next(const void *text, size_t len, size_t *start, size_t *end)
{
	const uint8_t *p = text, *last = p + len;
	size_t at = *end, bytes;

	while (at < len && !word_take(p + at, last, &bytes))
		at += bytes;
	*start = at;
	while (at < len && word_take(p + at, last, &bytes))
		at += bytes;
	*end = at;
	return *start < at;
}
