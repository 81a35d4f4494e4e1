/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One pass over the bytes: what is plain is copied, in runs where it is ASCII,
 * anything else is spelled in ASCII.  No allocation, no locale: the text is
 * UTF-8 whatever the environment says.
 */

#include "config.h"

#include "escape.h"

#include <stdio.h>
#include <string.h>

#define ESCAPE_UNIT_MAX 16	/* "\u{10ffff}" and its NUL */

/* The same in each of eight bytes; the high bits of all. */
#define ESCAPE_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define ESCAPE_HIGH ESCAPE_EACH(0x80)

size_t
escape_utf8(const void *src, size_t len, uint32_t *cp)
{
	/* The least that a form of so many bytes may stand for. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = src;
	uint32_t c = p[0];
	size_t n;

	if (c < 0x80) {
		*cp = c;
		return 1;
	}
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	c &= 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return n;
}

/* Whether some of eight bytes are zero: its high bit in each that is. */
static uint64_t
zero_bytes(uint64_t word)
{
	return ~(((word & ~ESCAPE_HIGH) + ~ESCAPE_HIGH) | word | ~ESCAPE_HIGH);
}

/* Whether all of eight bytes are ASCII that is left alone. */
static bool
is_plain_word(uint64_t word)
{
	/* Below 0x20 the subtraction borrows; so it does behind such a byte. */
	return ((word | (word - ESCAPE_EACH(0x20))) & ESCAPE_HIGH) == 0 &&
	    zero_bytes(word ^ ESCAPE_EACH('\\')) == 0 &&
	    zero_bytes(word ^ ESCAPE_EACH(0x7f)) == 0;
}

size_t
escape_plain_len(const void *src, size_t len)
{
	const unsigned char *p = src, *end = p + len;
	uint64_t word;

	for (; (size_t)(end - p) >= sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if (!is_plain_word(word))
			break;
	}
	while (p < end && *p >= 0x20 && *p < 0x7f && *p != '\\')
		p++;
	return (size_t)(p - (const unsigned char *)src);
}

bool
escape_is_utf8(const void *src, size_t len)
{
	const unsigned char *p = src;
	uint32_t cp;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if ((n = escape_plain_len(p, len)) > 0)
			continue;
		if ((n = escape_utf8(p, len, &cp)) == 0)
			return false;
	}
	return true;
}

bool
escape_is_plain(uint32_t cp)
{
	if (cp < 0x20 || cp == '\\' || (cp >= 0x7f && cp <= 0x9f))
		return false;
	return !(cp >= 0x2028 && cp <= 0x202e) &&
	    !(cp >= 0x2066 && cp <= 0x2069) && cp != 0xfeff;
}

/*
 * Spell what src starts with.
 *
 * unit  filled with *unit_len bytes
 *
 * Returns the bytes of src that this stands for, at least 1.
 */
static size_t
escape_unit(char unit[ESCAPE_UNIT_MAX], size_t *unit_len,
    const unsigned char *src, size_t len)
{
	static const char from[] = "\\\n\r\t", to[] = "\\nrt";
	const char *named;
	uint32_t cp = 0;
	size_t n = escape_utf8(src, len, &cp);
	int written;

	if (n > 0 && escape_is_plain(cp)) {
		memcpy(unit, src, n);
		*unit_len = n;
		return n;
	}
	if (n == 1 && cp != 0 && (named = strchr(from, (int)cp)) != NULL)
		written = snprintf(unit, ESCAPE_UNIT_MAX, "\\%c",
		    to[named - from]);
	else if (n <= 1)
		written = snprintf(unit, ESCAPE_UNIT_MAX, "\\x%02x", *src);
	else
		written = snprintf(unit, ESCAPE_UNIT_MAX, "\\u{%x}",
		    (unsigned int)cp);
	*unit_len = (size_t)written;
	return n > 0 ? n : 1;
}

size_t
escape(char *dst, size_t cap, const void *src, size_t len)
{
	const unsigned char *p = src;
	char unit[ESCAPE_UNIT_MAX];
	size_t n, total = 0, unit_len, written = 0;
	bool full = cap == 0;

	for (; len > 0; p += n, len -= n) {
		if ((n = escape_plain_len(p, len)) > 0) {
			total += n;
			if (full)
				continue;
			full = n >= cap - written;
			unit_len = full ? cap - written - 1 : n;
			memcpy(dst + written, p, unit_len);
			written += unit_len;
			continue;
		}
		n = escape_unit(unit, &unit_len, p, len);
		total += unit_len;
		full = full || unit_len >= cap - written;
		if (full)
			continue;
		memcpy(dst + written, unit, unit_len);
		written += unit_len;
	}
	if (cap > 0)
		dst[written] = '\0';
	return total;
}
