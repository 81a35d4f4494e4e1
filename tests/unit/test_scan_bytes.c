/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which bytes may stand in a string: UTF-8 as RFC 3629 has it, and nothing
 * that must be escaped, at any place of the steps of eight bytes that the
 * scanner takes.  What is UTF-8 is decided by plain.c.
 */

#include "config.h"

#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain.h"
#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Put a number into n bytes, though it be too large or too small for them. */
static void
encode(uint32_t c, size_t n, uint8_t *p)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0, 0xf8, 0xfc };

	for (size_t i = n; i-- > 1; c >>= 6)
		p[i] = (uint8_t)(0x80 | (c & 0x3f));
	p[0] = (uint8_t)(lead[n] | c);
}

/*
 * Check some bytes alone, and in a string between other ones.  The bytes must
 * not hold a quote or backslash.
 */
static void
check(const uint8_t *bytes, size_t len, size_t before, size_t after)
{
	size_t size = before + len + after, expected, control = 0;
	uint8_t *mem = malloc(size + 2);
	struct appmsg_str str;
	struct scan scan;

	assert_non_null(mem);
	memset(mem, 'x', size + 2);
	memcpy(mem + 1 + before, bytes, len);
	expected = plain_utf8(mem + 1, size);
	assert_int_equal(scan_utf8(mem + 1, size), expected);
	while (control < size && mem[1 + control] >= 0x20)
		control++;
	mem[0] = mem[size + 1] = '"';
	scan_init(&scan, mem, size + 2);
	if (expected == size && control == size) {
		assert_int_equal(scan_string(&scan, &str), SCAN_OK);
		assert_int_equal(str.len, size);
		assert_int_equal(str.flags, 0);
	} else {
		assert_int_equal(scan_string(&scan, &str), SCAN_ERROR);
		assert_string_equal(scan.why, control < expected ?
		    "control character in a string" : "not UTF-8");
	}
	free(mem);
}

/* Bytes that stand on both sides of each border that RFC 3629 draws. */
static const uint8_t edges[] = {
	0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe1, 0xff
};

static void
every_first_byte_with_every_edge_is_told(void **state)
{
	(void)state;
	for (int lead = 0x80; lead < 256; lead++)
		for (size_t i = 0; i < COUNT(edges); i++)
			for (size_t j = 0; j < COUNT(edges); j++)
				for (size_t k = 0; k < COUNT(edges); k++) {
					const uint8_t p[] = { (uint8_t)lead,
					    edges[i], edges[j], edges[k] };

					/* Shorter: once is enough. */
					if (j == 0 && k == 0)
						check(p, 2, 0, 0);
					if (k == 0)
						check(p, 3, 1, 0);
					check(p, 4, 0, 0);
					check(p, 4, 7, 9);
				}
}

static void
every_first_byte_alone_is_told(void **state)
{
	(void)state;
	for (int lead = 0; lead < 256; lead++) {
		const uint8_t p[] = { (uint8_t)lead };

		if (lead == '"' || lead == '\\')
			continue;
		for (size_t before = 0; before <= 24; before++) {
			check(p, 1, before, 0);
			check(p, 1, before, 1);
			check(p, 1, before, 8);
		}
	}
}

static void
every_code_point_is_told_from_what_is_none(void **state)
{
	uint8_t p[4];

	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

		encode(c, n, p);
		assert_int_equal(scan_utf8(p, n), good ? n : 0);
		for (size_t cut = 1; cut < n; cut++)
			assert_int_equal(scan_utf8(p, cut), 0);
	}
}

static void
characters_at_the_edges_are_taken_at_every_place(void **state)
{
	static const uint32_t at[] = {
		0x20, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xd800,
		0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfdd0, 0xfeff, 0xfffd,
		0xffff, 0x10000, 0x3ffff, 0x40000, 0xfffff, 0x100000,
		0x10ffff, 0x110000, 0x13ffff, 0x140000, 0x1fffff
	};
	uint8_t p[4];

	(void)state;
	for (size_t i = 0; i < COUNT(at); i++)
		for (uint32_t c = at[i] - 1; c <= at[i] + 1; c++) {
			size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 :
			    c < 0x10000 ? 3 : 4;

			if (c < 0x20 || c == '"' || c > 0x1fffff)
				continue;
			encode(c, n, p);
			for (size_t before = 0; before <= 17; before++)
				for (size_t after = 0; after <= 9; after++)
					for (size_t cut = 1; cut <= n; cut++)
						check(p, cut, before, after);
		}
}

/* Every number that needs fewer bytes, in all larger forms there ever were. */
static void
overlong_forms_are_refused(void **state)
{
	static const uint32_t end[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };
	uint8_t p[6];

	(void)state;
	for (size_t n = 2; n <= 6; n++)
		for (uint32_t c = 0; c < (n <= 4 ? end[n - 1] : 0x11000);
		    c += c < 0x900 ? 1 : 13) {
			encode(c, n, p);
			assert_int_equal(plain_utf8(p, n), 0);
			check(p, n, 0, 0);
			check(p, n, 3, 5);
		}
}

/* Pairs of UTF-16 in UTF-8, which is CESU-8 and no UTF-8. */
static void
encoded_surrogates_are_refused(void **state)
{
	uint8_t p[6];

	(void)state;
	for (uint32_t high = 0xd800; high <= 0xdbff; high += 31)
		for (uint32_t low = 0xdc00; low <= 0xdfff; low += 31) {
			encode(high, 3, p);
			encode(low, 3, p + 3);
			check(p, 6, 0, 0);
			check(p, 6, 2, 8);
		}
}

static void
the_good_bytes_before_a_bad_one_are_counted(void **state)
{
	static const char text[] =
	    "0123456789\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb0zz0123456789";
	size_t len = sizeof(text) - 1;
	char *mem = malloc(len);

	(void)state;
	assert_non_null(mem);
	assert_int_equal(scan_utf8(text, 0), 0);
	assert_int_equal(scan_utf8(text, len), len);
	for (size_t at = 0; at < len; at++) {
		memcpy(mem, text, len);
		mem[at] = '\xff';
		assert_int_equal(scan_utf8(mem, len),
		    plain_utf8((const uint8_t *)mem, len));
		assert_true(scan_utf8(mem, len) <= at);
		assert_int_equal(scan_utf8(text, at),
		    plain_utf8((const uint8_t *)text, at));
	}
	free(mem);
}

/*
 * Strings are scanned eight bytes at a time: each byte at each place of such
 * a step, with everything that may stand around it.
 */
static void
every_byte_is_seen_at_every_place(void **state)
{
	static const char around[] = { ' ', '!', '#', '[', ']', 'x', '\x7f' };
	char text[64];

	(void)state;
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at <= 24; at++) {
			for (size_t i = 0; i < sizeof(around); i++) {
				struct appmsg_str str;
				struct scan scan;

				text[0] = '"';
				memset(text + 1, around[i], 40);
				text[1 + at] = (char)c;
				text[41] = '"';
				scan_init(&scan, text, 42);
				if (c == '"') {
					assert_int_equal(scan_string(&scan,
					    &str), SCAN_OK);
					assert_int_equal(str.len, at);
					assert_ptr_equal(scan.p,
					    text + at + 2);
				} else if (c >= 0x20 && c < 0x80 &&
				    c != '\\') {
					assert_int_equal(scan_string(&scan,
					    &str), SCAN_OK);
					assert_int_equal(str.len, 40);
					assert_int_equal(str.flags, 0);
				} else {
					assert_int_equal(scan_string(&scan,
					    &str), SCAN_ERROR);
					assert_non_null(scan.why);
				}
			}
		}
	}
}

static void
every_pair_of_plain_bytes_is_plain(void **state)
{
	char text[12] = "\"abcdefgh\"";
	struct appmsg_str str;
	struct scan scan;

	(void)state;
	for (int a = 0x20; a < 0x80; a++)
		for (int b = 0x20; b < 0x80; b++) {
			if (a == '"' || a == '\\' || b == '"' || b == '\\')
				continue;
			for (size_t at = 1; at < 8; at++) {
				memcpy(text, "\"abcdefgh\"", 10);
				text[at] = (char)a;
				text[at + 1] = (char)b;
				scan_init(&scan, text, 10);
				assert_int_equal(scan_string(&scan, &str),
				    SCAN_OK);
				assert_int_equal(str.len, 8);
			}
		}
}

static void
escapes_are_taken_at_every_place(void **state)
{
	static const char *const inside[] = {
		"\\\"", "\\\\", "\\u0022", "\\ud83d\\udc30",
		"\\/\\b\\f\\n\\r\\t"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(inside); i++)
		for (size_t before = 0; before <= 24; before++)
			for (size_t after = 0; after <= 9; after++) {
				size_t len = before + strlen(inside[i]) +
				    after;
				struct appmsg_str str;
				struct scan scan;
				char text[64];

				memset(text, 'x', sizeof(text));
				text[0] = '"';
				memcpy(text + 1 + before, inside[i],
				    strlen(inside[i]));
				text[1 + len] = '"';
				scan_init(&scan, text, len + 2);
				assert_int_equal(scan_string(&scan, &str),
				    SCAN_OK);
				assert_int_equal(str.len, len);
				assert_int_equal(str.flags,
				    APPMSG_STR_ESCAPED);
				scan_init(&scan, text, len + 1);
				assert_int_equal(scan_string(&scan, &str),
				    SCAN_ERROR);
			}
}

/* Characters of all lengths, and what is none, in any order. */
static size_t
memcspn(const char *p, size_t len, const char *reject)
{
	size_t n = 0;

	while (n < len && strchr(reject, p[n]) == NULL)
		n++;
	return n;
}

static size_t
put_fragment(char *to)
{
	static const char *const fragments[] = {
		"a", "aaaaaaaaa", "\xc3\xa9", "\xdf\xbf", "\xe0\xa0\x80",
		"\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xf0\x90\x80\x80", "\xf0\x9f\x90\xb6",
		"\xf4\x8f\xbf\xbf", "\"", "\\n", "\x1f",
		/* wrong */
		"\x80", "\xc0\x80", "\xc3", "\xe0\x9f\x80", "\xed\xa0\x80",
		"\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf0\x9f\x90", "\xf5\x80\x80\x80", "\xff"
	};
	enum { ALL = sizeof(fragments) / sizeof(*fragments), RIGHT = 11 };
	const char *f = fragments[roll(roll(40) == 0 ? ALL : RIGHT)];
	size_t len = strlen(f);

	memcpy(to, f, len);
	return len;
}

/* They are taken many at a time, whatever they are and wherever they end. */
static void
long_mixtures_are_judged_as_their_characters(void **state)
{
	char text[256 + 16];

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t len = 1, wanted = 1 + roll(200), good;
		struct appmsg_str str;
		struct scan scan;

		text[0] = '"';
		while (len < wanted)
			len += put_fragment(text + len);
		good = plain_utf8((const uint8_t *)text, len);
		assert_int_equal(scan_utf8(text, len), good);
		scan_init(&scan, text, len);
		if (scan_string(&scan, &str) == SCAN_OK) {
			assert_in_range(str.len + 2, 2, good);
			assert_int_equal(text[str.len + 1], '"');
		} else if (good < len && memcspn(text + 1, good - 1,
		    "\"\\\x1f") == good - 1) {
			assert_string_equal(scan.why, "not UTF-8");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_first_byte_with_every_edge_is_told),
		cmocka_unit_test(every_first_byte_alone_is_told),
		cmocka_unit_test(every_code_point_is_told_from_what_is_none),
		cmocka_unit_test(
		    characters_at_the_edges_are_taken_at_every_place),
		cmocka_unit_test(overlong_forms_are_refused),
		cmocka_unit_test(encoded_surrogates_are_refused),
		cmocka_unit_test(the_good_bytes_before_a_bad_one_are_counted),
		cmocka_unit_test(every_byte_is_seen_at_every_place),
		cmocka_unit_test(every_pair_of_plain_bytes_is_plain),
		cmocka_unit_test(escapes_are_taken_at_every_place),
		cmocka_unit_test(long_mixtures_are_judged_as_their_characters)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
