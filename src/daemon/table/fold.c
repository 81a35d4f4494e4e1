/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Unicode's canonical caseless match (definition D145): decompose, fold,
 * compose.  Folding without decomposing first would tell apart the spellings
 * of the few letters whose marks fold to letters (U+0345).
 */

#include "config.h"

#include "daemon/table/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_UTF8PROC
#include <utf8proc.h>

/* Characters that need no memory but the stack's. */
#define STACK_CHARS	512

/*
 * One pass of utf8proc.
 *
 * chars    of cap characters and one more; where it is too small, a larger
 *          one from malloc(3) takes its place
 * out_len  set when 0 is returned, with UTF-8 in *chars
 */
static int
pass(const char *text, size_t len, int options, utf8proc_int32_t **chars,
    size_t cap, size_t *out_len)
{
	utf8proc_ssize_t n;

	n = utf8proc_decompose((const utf8proc_uint8_t *)text,
	    (utf8proc_ssize_t)len, *chars, (utf8proc_ssize_t)cap,
	    (utf8proc_option_t)options);
	if (n > (utf8proc_ssize_t)cap) {
		*chars = reallocarray(NULL, (size_t)n + 1, sizeof(**chars));
		if (*chars == NULL)
			return -1;
		n = utf8proc_decompose((const utf8proc_uint8_t *)text,
		    (utf8proc_ssize_t)len, *chars, n,
		    (utf8proc_option_t)options);
	}
	if (n >= 0)
		n = utf8proc_reencode(*chars, n, (utf8proc_option_t)options);
	if (n < 0)
		return -1;
	*out_len = (size_t)n;
	return 0;
}

static int
fold_unicode(const char *text, size_t len, char *out, size_t *out_len)
{
	utf8proc_int32_t first[STACK_CHARS + 1], second[STACK_CHARS + 1];
	utf8proc_int32_t *apart = first, *folded = second;
	size_t apart_len;
	int error;

	error = pass(text, len, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &apart,
	    STACK_CHARS, &apart_len);
	if (error == 0)
		error = pass((const char *)apart, apart_len, UTF8PROC_STABLE |
		    UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD, &folded,
		    STACK_CHARS, out_len);
	if (error == 0 && *out_len > FOLD_ROOM(len))
		error = -1;
	if (error == 0)
		memcpy(out, folded, *out_len);
	if (apart != first)
		free(apart);
	if (folded != second)
		free(folded);
	return error;
}

bool
fold_available(void)
{
	return true;
}

int
fold(const char *text, size_t len, char *out, size_t *out_len)
{
	unsigned char all = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		all |= c;
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	if (all >= 0x80)
		return fold_unicode(text, len, out, out_len);
	*out_len = len;
	return 0;
}

#else

bool
fold_available(void)
{
	return false;
}

int
fold(const char *text, size_t len, char *out, size_t *out_len)
{
	(void)text;
	(void)len;
	(void)out;
	(void)out_len;
	return -1;
}

#endif
