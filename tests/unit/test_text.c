/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Names of encodings, and every code point through every encoding.  Outputs
 * lie in memory of just the size that text_utf8_max() promises to be enough.
 */

#include "config.h"

#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static enum text_encoding
find(const char *name)
{
	const struct appmsg_str str = { name, strlen(name), 0 };

	return text_encoding_find(&str);
}

static void
encodings_have_the_names_that_python_has(void **state)
{
	static const struct {
		const char *name;
		enum text_encoding encoding;
	} rows[] = {
		{ "utf-8", TEXT_UTF8 }, { "UTF-8", TEXT_UTF8 },
		{ "utf_8", TEXT_UTF8 }, { "utf8", TEXT_UTF8 },
		{ "Utf8", TEXT_UTF8 }, { "U8", TEXT_UTF8 },
		{ "_-utf--_8-", TEXT_UTF8 },
		{ "us-ascii", TEXT_ASCII }, { "US_ASCII", TEXT_ASCII },
		{ "ascii", TEXT_ASCII }, { "ASCII", TEXT_ASCII },
		{ "646", TEXT_ASCII }, { "ANSI_X3.4-1968", TEXT_ASCII },
		{ "iso-8859-1", TEXT_LATIN1 }, { "ISO_8859-1", TEXT_LATIN1 },
		{ "iso8859-1", TEXT_LATIN1 }, { "latin-1", TEXT_LATIN1 },
		{ "Latin1", TEXT_LATIN1 }, { "L1", TEXT_LATIN1 },
		{ "cp819", TEXT_LATIN1 },
		{ "utf-16", TEXT_UTF16 }, { "UTF16", TEXT_UTF16 },
		{ "utf-16-le", TEXT_UTF16LE }, { "UTF_16_LE", TEXT_UTF16LE },
		{ "utf-16le", TEXT_UTF16LE }, { "utf-16-be", TEXT_UTF16BE },
		{ "UTF-16BE", TEXT_UTF16BE },
		{ "utf-32", TEXT_UTF32 }, { "utf32", TEXT_UTF32 },
		{ "utf-32-le", TEXT_UTF32LE }, { "utf-32le", TEXT_UTF32LE },
		{ "utf-32-be", TEXT_UTF32BE }, { "UTF-32BE", TEXT_UTF32BE }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (find(rows[i].name) != rows[i].encoding)
			fail_msg("%s", rows[i].name);
}

static void
other_names_are_unknown(void **state)
{
	static const char *const rows[] = {
		"", " ", "-", "utf-7", "utf-9", "utf-88", "utf-8-sig",
		"utf-16-xe", "utf-64", "utf-8x", "xutf-8", "utf 8 8",
		"iso-8859-2", "iso-8859-15", "latin-2", "cp1252", "koi8-r",
		"binary", "rot13", "idna", "unicode_escape", "UTF-8//IGNORE",
		"UTF-8//TRANSLIT", "../utf-8.so", "\xc3\xbctf-8",
		"utf-8\xef\xbc\x98", "u t f 8",
		"utf-8                                                      x",
		"utf888888888888888888888888888888888888888888888888888888"
	};
	const struct appmsg_str nul = { "utf-8\0", 6, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (find(rows[i]) != TEXT_UNKNOWN)
			fail_msg("%s", rows[i]);
	assert_int_equal(text_encoding_find(&nul), TEXT_UNKNOWN);
}

/* No name is so long that it does harm. */
static void
names_of_any_length_are_looked_up(void **state)
{
	char *name = malloc(70000);

	(void)state;
	assert_non_null(name);
	for (size_t len = 0; len < 300; len++) {
		struct appmsg_str str = { name, len, 0 };

		for (int c = 0; c < 3; c++) {
			memset(name, "a-\xff"[c], len);
			assert_int_equal(text_encoding_find(&str),
			    TEXT_UNKNOWN);
		}
	}
	memset(name, 'u', 70000);
	assert_int_equal(text_encoding_find(&(struct appmsg_str){ name, 70000,
	    0 }), TEXT_UNKNOWN);
	free(name);
}

static void
names_may_have_escapes(void **state)
{
	static const char eight[] = "utf\\u002d8", lone[] = "utf-8\\ud800";
	struct appmsg_str str = { eight, sizeof(eight) - 1,
	    APPMSG_STR_ESCAPED };

	(void)state;
	assert_int_equal(text_encoding_find(&str), TEXT_UTF8);
	str = (struct appmsg_str){ lone, sizeof(lone) - 1,
	    APPMSG_STR_ESCAPED | APPMSG_STR_LONE };
	assert_int_equal(text_encoding_find(&str), TEXT_UNKNOWN);
}

/* Put a code point in UTF-8, UTF-16 or UTF-32; returns its bytes. */
static size_t
put(enum text_encoding encoding, uint32_t c, uint8_t *p)
{
	bool big = encoding == TEXT_UTF16BE || encoding == TEXT_UTF32BE;
	unsigned int units[2] = { c, 0 };
	size_t n = 1, size = 1;

	switch (encoding) {
	case TEXT_UNKNOWN:
	case TEXT_ASCII:
	case TEXT_LATIN1:
		p[0] = (uint8_t)c;
		return 1;
	case TEXT_UTF8:
		n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		for (size_t i = n; i-- > 1; c >>= 6)
			p[i] = (uint8_t)(0x80 | (c & 0x3f));
		p[0] = (uint8_t)(n == 1 ? c : ((0xf0u << (4 - n)) & 0xff) | c);
		return n;
	case TEXT_UTF16:
	case TEXT_UTF16LE:
	case TEXT_UTF16BE:
		size = 2;
		if (c >= 0x10000 && c <= 0x10ffff) {
			n = 2;
			units[0] = 0xd800 + ((c - 0x10000) >> 10);
			units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		break;
	case TEXT_UTF32:
	case TEXT_UTF32LE:
	case TEXT_UTF32BE:
		size = 4;
		break;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < size; j++)
			p[i * size + j] = (uint8_t)(units[i] >>
			    8 * (big ? size - 1 - j : j));
	return n * size;
}

/*
 * Convert bytes in memory of their size into memory of text_utf8_max().
 *
 * Returns what text_to_utf8() does; out gets at most 64 bytes.
 */
static int
convert(enum text_encoding encoding, const void *bytes, size_t len,
    uint8_t *out, size_t *out_len)
{
	size_t max = text_utf8_max(encoding, len);
	uint8_t *in = malloc(len > 0 ? len : 1);
	char *to = malloc(max > 0 ? max : 1);
	int error;

	assert_non_null(in);
	assert_non_null(to);
	memcpy(in, bytes, len);
	*out_len = 4711;
	error = text_to_utf8(encoding, in, len, to, out_len);
	if (error == 0) {
		assert_true(*out_len <= max);
		assert_true(*out_len <= 64);
		memcpy(out, to, *out_len);
	} else {
		assert_int_equal(error, APPMSG_EILSEQ);
	}
	free(in);
	free(to);
	return error;
}

static void
check(enum text_encoding encoding, const void *bytes, size_t len,
    const void *utf8, size_t utf8_len)
{
	uint8_t out[64];
	size_t out_len;

	assert_int_equal(convert(encoding, bytes, len, out, &out_len), 0);
	assert_int_equal(out_len, utf8_len);
	assert_memory_equal(out, utf8, utf8_len);
}

static void
check_refused(enum text_encoding encoding, const void *bytes, size_t len)
{
	uint8_t out[64];
	size_t out_len;

	assert_int_equal(convert(encoding, bytes, len, out, &out_len),
	    APPMSG_EILSEQ);
}

static void
every_byte_of_ascii_and_latin_1_is_converted(void **state)
{
	uint8_t utf8[4];

	(void)state;
	for (uint32_t c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;
		size_t len = put(TEXT_UTF8, c, utf8);

		check(TEXT_LATIN1, &byte, 1, utf8, len);
		if (c < 0x80)
			check(TEXT_ASCII, &byte, 1, utf8, len);
		else
			check_refused(TEXT_ASCII, &byte, 1);
	}
	check_refused(TEXT_ASCII, "0123456789\x80", 11);
	check_refused(TEXT_ASCII, "\xff""0123456789", 11);
}

static void
every_code_point_is_converted(void **state)
{
	static const enum text_encoding encodings[] = {
		TEXT_UTF16LE, TEXT_UTF16BE, TEXT_UTF32LE, TEXT_UTF32BE
	};
	uint8_t wide[4], utf8[4];

	(void)state;
	for (size_t i = 0; i < COUNT(encodings); i++) {
		for (uint32_t c = 0; c <= 0x10ffff; c++) {
			size_t len = put(encodings[i], c, wide), out_len;
			char out[12];
			int error = text_to_utf8(encodings[i], wide, len, out,
			    &out_len);

			if (c >= 0xd800 && c <= 0xdfff) {
				assert_int_equal(error, APPMSG_EILSEQ);
				continue;
			}
			assert_int_equal(error, 0);
			assert_int_equal(out_len, put(TEXT_UTF8, c, utf8));
			assert_memory_equal(out, utf8, out_len);
			assert_true(out_len <= text_utf8_max(encodings[i],
			    len));
		}
	}
}

static void
what_is_above_unicode_is_refused(void **state)
{
	static const uint32_t above[] = {
		0x110000, 0x110001, 0x1fffff, 0x200000, 0x7fffffff,
		0x80000000, 0x80000041, 0xffffffff, 0x41000000
	};
	uint8_t wide[4];

	(void)state;
	for (size_t i = 0; i < COUNT(above); i++) {
		check_refused(TEXT_UTF32LE, wide, put(TEXT_UTF32LE, above[i],
		    wide));
		check_refused(TEXT_UTF32BE, wide, put(TEXT_UTF32BE, above[i],
		    wide));
	}
}

static void
surrogates_are_taken_in_pairs_only(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\xd8\x00", 2 }, { "\xdb\xff", 2 }, { "\xdc\x00", 2 },
		{ "\xdf\xff", 2 }, { "\xd8\x00\x00\x41", 4 },
		{ "\x00\x41\xd8\x00", 4 }, { "\xd8\x00\xd8\x00", 4 },
		{ "\xdc\x00\xd8\x00", 4 }, { "\xd8\x00\xdb\xff", 4 },
		{ "\xd8\x00\xe0\x00", 4 }, { "\xdc\x00\xdc\x00", 4 },
		{ "\xd8\x00\xd8\x00\xdc\x00", 6 },
		{ "\xd8\x00\xdc\x00\xdc\x00", 6 }, { "\xd8\x00\xdc", 3 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char little[8];

		check_refused(TEXT_UTF16BE, rows[i].bytes, rows[i].len);
		if (rows[i].len % 2 != 0)
			continue;
		for (size_t j = 0; j < rows[i].len; j++)
			little[j] = rows[i].bytes[j ^ 1];
		check_refused(TEXT_UTF16LE, little, rows[i].len);
	}
	check(TEXT_UTF16BE, "\xd8\x3d\xdc\x30", 4, "\xf0\x9f\x90\xb0", 4);
	check(TEXT_UTF16LE, "\x3d\xd8\x30\xdc", 4, "\xf0\x9f\x90\xb0", 4);
}

static void
units_that_are_cut_are_refused(void **state)
{
	static const char zeros[16] = { 0 };

	(void)state;
	for (size_t len = 0; len <= sizeof(zeros); len++) {
		if (len % 2 == 0) {
			check(TEXT_UTF16LE, zeros, len, zeros, len / 2);
			check(TEXT_UTF16BE, zeros, len, zeros, len / 2);
		} else {
			check_refused(TEXT_UTF16LE, zeros, len);
			check_refused(TEXT_UTF16BE, zeros, len);
		}
		if (len % 4 == 0) {
			check(TEXT_UTF32LE, zeros, len, zeros, len / 4);
			check(TEXT_UTF32BE, zeros, len, zeros, len / 4);
		} else {
			check_refused(TEXT_UTF32LE, zeros, len);
			check_refused(TEXT_UTF32BE, zeros, len);
		}
	}
}

static void
a_byte_order_mark_is_needed_where_it_tells_the_order(void **state)
{
	(void)state;
	check(TEXT_UTF16, "\xff\xfe\x41\x00", 4, "A", 1);
	check(TEXT_UTF16, "\xfe\xff\x00\x41", 4, "A", 1);
	check(TEXT_UTF16, "\xff\xfe", 2, "", 0);
	check(TEXT_UTF16, "\xfe\xff", 2, "", 0);
	check(TEXT_UTF32, "\xff\xfe\0\0\x41\0\0\0", 8, "A", 1);
	check(TEXT_UTF32, "\0\0\xfe\xff\0\0\0\x41", 8, "A", 1);
	check(TEXT_UTF32, "\xff\xfe\0\0", 4, "", 0);
	check(TEXT_UTF32, "\0\0\xfe\xff", 4, "", 0);
	/* None, half of one, one of the other size, or swapped ones. */
	check_refused(TEXT_UTF16, "", 0);
	check_refused(TEXT_UTF16, "\x41\x00", 2);
	check_refused(TEXT_UTF16, "\xff", 1);
	check_refused(TEXT_UTF16, "\xfe", 1);
	check_refused(TEXT_UTF16, "\xff\xff", 2);
	check_refused(TEXT_UTF16, "\xef\xbb\xbf\x41", 4);
	check_refused(TEXT_UTF16, "\xff\xfe\x41", 3);
	check_refused(TEXT_UTF32, "", 0);
	check_refused(TEXT_UTF32, "\xff\xfe", 2);
	check_refused(TEXT_UTF32, "\xff\xfe\0", 3);
	check_refused(TEXT_UTF32, "\xfe\xff\0\0", 4);
	check_refused(TEXT_UTF32, "\0\0\xff\xfe", 4);
	check_refused(TEXT_UTF32, "\x41\0\0\0", 4);
	check_refused(TEXT_UTF32, "\xff\xfe\0\0\x41", 5);
}

static void
elsewhere_the_mark_is_a_character(void **state)
{
	static const char mark[] = "\xef\xbb\xbf";

	(void)state;
	check(TEXT_UTF16LE, "\xff\xfe", 2, mark, 3);
	check(TEXT_UTF16BE, "\xfe\xff", 2, mark, 3);
	check(TEXT_UTF32LE, "\xff\xfe\0\0", 4, mark, 3);
	check(TEXT_UTF32BE, "\0\0\xfe\xff", 4, mark, 3);
	/* A second one too, and the noncharacter that a swapped one is. */
	check(TEXT_UTF16, "\xff\xfe\xff\xfe", 4, mark, 3);
	check(TEXT_UTF16LE, "\xfe\xff", 2, "\xef\xbf\xbe", 3);
}

/* The characters that need most room in UTF-8. */
static void
the_room_promised_is_enough(void **state)
{
	static const struct {
		enum text_encoding encoding;
		const char *unit;
		size_t len;
		size_t utf8_len;
	} rows[] = {
		{ TEXT_ASCII, "x", 1, 1 }, { TEXT_LATIN1, "\xff", 1, 2 },
		{ TEXT_UTF16LE, "\xff\xff", 2, 3 },
		{ TEXT_UTF16BE, "\xff\xff", 2, 3 },
		{ TEXT_UTF16BE, "\xdb\xff\xdf\xff", 4, 4 },
		{ TEXT_UTF32LE, "\xff\xff\x10\0", 4, 4 },
		{ TEXT_UTF32BE, "\0\x10\xff\xff", 4, 4 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char in[64];
		uint8_t out[64];
		size_t len = 0, out_len;

		for (size_t n = 0; n < 8; n++) {
			memcpy(in + len, rows[i].unit, rows[i].len);
			len += rows[i].len;
			assert_int_equal(convert(rows[i].encoding, in, len,
			    out, &out_len), 0);
			assert_int_equal(out_len,
			    (n + 1) * rows[i].utf8_len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodings_have_the_names_that_python_has),
		cmocka_unit_test(other_names_are_unknown),
		cmocka_unit_test(names_of_any_length_are_looked_up),
		cmocka_unit_test(names_may_have_escapes),
		cmocka_unit_test(every_byte_of_ascii_and_latin_1_is_converted),
		cmocka_unit_test(every_code_point_is_converted),
		cmocka_unit_test(what_is_above_unicode_is_refused),
		cmocka_unit_test(surrogates_are_taken_in_pairs_only),
		cmocka_unit_test(units_that_are_cut_are_refused),
		cmocka_unit_test(
		    a_byte_order_mark_is_needed_where_it_tells_the_order),
		cmocka_unit_test(elsewhere_the_mark_is_a_character),
		cmocka_unit_test(the_room_promised_is_enough)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
