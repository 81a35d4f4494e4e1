/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_PLAIN_H
#define CORE_PLAIN_H

/*
 * Text that is the same inside and outside of a JSON string, as most is: ASCII
 * without quotes, backslashes and control characters.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define PLAIN_ONES	0x0101010101010101ull
#define PLAIN_HIGHS	0x8080808080808080ull

/* A high bit where one of 8 bytes is not plain; or where one before is not. */
static inline uint64_t
plain_marks(const char *p)
{
	uint64_t w, quote, slash;

	memcpy(&w, p, 8);
	quote = w ^ (PLAIN_ONES * '"');
	slash = w ^ (PLAIN_ONES * '\\');
	return ((w - PLAIN_ONES * 0x20) | (quote - PLAIN_ONES) |
	    (slash - PLAIN_ONES) | w) & PLAIN_HIGHS;
}

#ifdef __SSE2__
/* Bytes of 16 that are not plain: those from 0x80 on are negative. */
static inline __m128i
plain_marks_16(const char *p)
{
	__m128i w = _mm_loadu_si128((const __m128i *)(const void *)p);

	return _mm_or_si128(_mm_cmplt_epi8(w, _mm_set1_epi8(0x20)),
	    _mm_or_si128(_mm_cmpeq_epi8(w, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(w, _mm_set1_epi8('\\'))));
}

static inline bool
plain_is_long(const char *p, size_t len)
{
	const char *last = p + len - 16;
	__m128i marks = plain_marks_16(last);

	for (; p < last; p += 16)
		marks = _mm_or_si128(marks, plain_marks_16(p));
	return _mm_movemask_epi8(marks) == 0;
}
#else
static inline bool
plain_is_long(const char *p, size_t len)
{
	const char *last = p + len - 8;
	uint64_t marks = plain_marks(last);

	for (; p < last; p += 8)
		marks |= plain_marks(p);
	return marks == 0;
}
#endif

static inline bool
plain_is(const char *p, size_t len)
{
	if (len >= 16)
		return plain_is_long(p, len);
	if (len >= 8)
		return (plain_marks(p) | plain_marks(p + len - 8)) == 0;
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || (unsigned char)p[i] >= 0x80 ||
		    p[i] == '"' || p[i] == '\\')
			return false;
	return true;
}

#endif
