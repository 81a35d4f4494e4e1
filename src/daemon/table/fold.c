/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Unicode's canonical caseless match (definition D145): decompose, fold,
 * compose.  Folding without decomposing first would tell apart the spellings
 * of the few letters whose marks fold to letters (U+0345).
 *
 * A peer chooses what is folded, and one letter may have thousands of marks.
 * To bring them into their order, utf8proc takes a time that grows with the
 * square of their number; so that is done here, and it finds them in order.
 */

#include "config.h"

#include "daemon/table/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_UTF8PROC
#include <utf8proc.h>

/* Enough for all characters that a text's are apart or folded to. */
#define CHARS_ROOM(len)	(2 * (len))

/* Characters that need no memory but the stack's. */
#define STACK_CHARS	512

/* So many marks in a row are sorted by counting. */
#define MARKS_MANY	32
#define MARK_CLASSES	256

static size_t
mark_class(utf8proc_int32_t c)
{
	return (size_t)utf8proc_get_property(c)->combining_class %
	    MARK_CLASSES;
}

/* Sort marks by their classes; those of one keep their order. */
static void
sort_marks(utf8proc_int32_t *marks, size_t n, utf8proc_int32_t *spare)
{
	size_t starts[MARK_CLASSES + 1] = { 0 };

	if (n < MARKS_MANY) {
		for (size_t i = 1; i < n; i++) {
			utf8proc_int32_t mark = marks[i];
			size_t j = i;

			for (; j > 0 && mark_class(marks[j - 1]) >
			    mark_class(mark); j--)
				marks[j] = marks[j - 1];
			marks[j] = mark;
		}
		return;
	}
	memcpy(spare, marks, n * sizeof(*marks));
	for (size_t i = 0; i < n; i++)
		starts[mark_class(spare[i]) + 1]++;
	for (size_t i = 1; i < MARK_CLASSES; i++)
		starts[i] += starts[i - 1];
	for (size_t i = 0; i < n; i++)
		marks[starts[mark_class(spare[i])]++] = spare[i];
}

/*
 * Decompose.
 *
 * chars, spare  of room characters each, and chars of one more
 * out_len       set when 0 is returned, with UTF-8 in chars
 */
static int
apart(const char *text, size_t len, utf8proc_int32_t *chars,
    utf8proc_int32_t *spare, size_t room, size_t *out_len)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
	const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
	utf8proc_ssize_t used, bytes;
	utf8proc_int32_t c;
	int boundary = 0;
	size_t n = 0;

	for (; len > 0; p += used, len -= (size_t)used) {
		utf8proc_ssize_t more;

		used = utf8proc_iterate(p, (utf8proc_ssize_t)len, &c);
		if (used <= 0)
			return -1;
		more = utf8proc_decompose_char(c, chars + n,
		    (utf8proc_ssize_t)(room - n), options, &boundary);
		if (more < 0 || (size_t)more > room - n)
			return -1;
		n += (size_t)more;
	}
	for (size_t i = 0, end; i < n; i = end + 1) {
		for (end = i; end < n && mark_class(chars[end]) > 0; end++)
			;
		sort_marks(chars + i, end - i, spare);
	}
	bytes = utf8proc_reencode(chars, (utf8proc_ssize_t)n, options);
	*out_len = (size_t)bytes;
	return bytes < 0 ? -1 : 0;
}

/* Fold and compose; the arguments are those of apart(). */
static int
together(const char *text, size_t len, utf8proc_int32_t *chars, size_t room,
    size_t *out_len)
{
	const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE |
	    UTF8PROC_CASEFOLD;
	utf8proc_ssize_t n;

	n = utf8proc_decompose((const utf8proc_uint8_t *)text,
	    (utf8proc_ssize_t)len, chars, (utf8proc_ssize_t)room, options);
	if (n < 0 || (size_t)n > room)
		return -1;
	n = utf8proc_reencode(chars, n, options);
	*out_len = (size_t)n;
	return n < 0 ? -1 : 0;
}

static int
fold_unicode(const char *text, size_t len, char *out, size_t *out_len)
{
	utf8proc_int32_t stack[2 * (STACK_CHARS + 1)], *first = stack, *second;
	utf8proc_int32_t *more = NULL;
	size_t room = CHARS_ROOM(len), apart_len;
	int error = -1;

	if (room > STACK_CHARS)
		first = more = reallocarray(NULL, room + 1,
		    2 * sizeof(*first));
	else
		room = STACK_CHARS;
	if (first == NULL)
		return -1;
	second = first + room + 1;
	if (apart(text, len, first, second, room, &apart_len) == 0)
		error = together((const char *)first, apart_len, second, room,
		    out_len);
	if (error == 0 && *out_len > FOLD_ROOM(len))
		error = -1;
	if (error == 0)
		memcpy(out, second, *out_len);
	free(more);
	return error;
}

/* Letters that Unicode does not decompose, folded, and what they become. */
static const struct {
	utf8proc_int32_t c;
	unsigned char plain[3];
} plain_letters[] = {
	{ 0xe6, "ae" }, { 0xf0, "d" }, { 0xf8, "o" }, { 0xfe, "th" },
	{ 0x111, "d" }, { 0x127, "h" }, { 0x131, "i" }, { 0x138, "k" },
	{ 0x142, "l" }, { 0x14b, "n" }, { 0x153, "oe" }, { 0x167, "t" },
	{ 0x180, "b" }, { 0x19a, "l" }, { 0x1b6, "z" }, { 0x1e5, "g" },
	{ 0x253, "b" }, { 0x257, "d" }, { 0x260, "g" }, { 0x268, "i" },
	{ 0x289, "u" }
};

/* Letters whose marks are dropped: of other scripts, marks are vowels. */
static bool
is_marked(utf8proc_int32_t c)
{
	return c < 0x530 || (c >= 0x1c80 && c < 0x1c90) ||
	    (c >= 0x1d00 && c < 0x1dc0) || (c >= 0x1e00 && c < 0x2000) ||
	    (c >= 0x2c60 && c < 0x2c80) || (c >= 0xa640 && c < 0xa6a0) ||
	    (c >= 0xa720 && c < 0xa800);
}

/* Put a character, or what it becomes; it is no shorter than that. */
static size_t
put_plain(utf8proc_int32_t *to, utf8proc_int32_t c)
{
	for (size_t i = 0; i < sizeof(plain_letters) /
	    sizeof(*plain_letters); i++) {
		const unsigned char *p = plain_letters[i].plain;

		if (plain_letters[i].c != c)
			continue;
		to[0] = p[0];
		to[1] = p[1];
		return p[1] != '\0' ? 2 : 1;
	}
	to[0] = c;
	return 1;
}

/*
 * Drop the marks of folded text.
 *
 * chars  of room and one more
 */
static int
drop_marks(char *text, size_t *len, utf8proc_int32_t *chars, size_t room)
{
	const utf8proc_option_t open = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
	const utf8proc_option_t shut = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	utf8proc_int32_t base = 0;
	utf8proc_ssize_t n, bytes;
	size_t kept = 0;

	n = utf8proc_decompose((const utf8proc_uint8_t *)text,
	    (utf8proc_ssize_t)*len, chars + room / 2,
	    (utf8proc_ssize_t)(room - room / 2), open);
	if (n < 0 || (size_t)n > room - room / 2)
		return -1;
	for (size_t i = 0; i < (size_t)n; i++) {
		utf8proc_int32_t c = chars[room / 2 + i];

		if (utf8proc_category(c) == UTF8PROC_CATEGORY_MN) {
			if (base != 0 && is_marked(base))
				continue;
		} else {
			base = c;
		}
		kept += put_plain(chars + kept, c);
	}
	bytes = utf8proc_reencode(chars, (utf8proc_ssize_t)kept, shut);
	if (bytes < 0)
		return -1;
	*len = (size_t)bytes;
	memcpy(text, chars, *len);
	return 0;
}

int
fold_marks(const char *text, size_t len, char *out, size_t *out_len)
{
	utf8proc_int32_t stack[STACK_CHARS + 1], *chars = stack, *more = NULL;
	size_t room = STACK_CHARS;
	bool plain = true;
	int error;

	if (fold(text, len, out, out_len) != 0)
		return -1;
	for (size_t i = 0; i < *out_len && plain; i++)
		plain = (unsigned char)out[i] < 0x80;
	if (plain)
		return 0;
	/* A byte is at most a character, and each may become two. */
	if (4 * *out_len > room) {
		room = 4 * *out_len;
		chars = more = reallocarray(NULL, room + 1, sizeof(*chars));
		if (chars == NULL)
			return -1;
	}
	error = drop_marks(out, out_len, chars, room);
	free(more);
	return error;
}

/* Of one beyond ASCII. */
static uint32_t
letter_unicode(uint32_t c)
{
	utf8proc_int32_t chars[8];
	int boundary = 0;

	if (c > 0x10ffff || utf8proc_decompose_char((utf8proc_int32_t)c,
	    chars, 8, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary) < 1)
		return c;
	return (uint32_t)utf8proc_tolower(chars[0]);
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

static uint32_t
letter_unicode(uint32_t c)
{
	return c;
}

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

int
fold_marks(const char *text, size_t len, char *out, size_t *out_len)
{
	return fold(text, len, out, out_len);
}

#endif

uint32_t
fold_letter(uint32_t c)
{
	if (c >= 0x80)
		return letter_unicode(c);
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}
