/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Folding: what becomes equal, what does not, and that nothing outgrows its
 * room or folds twice.
 */

#include "config.h"

#include "daemon/table/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/builder/builder.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	struct text text, folded;
} rows[] = {
	{ TEXT(""), TEXT("") },
	{ TEXT("morpheus"), TEXT("morpheus") },
	{ TEXT("MorPHEUS"), TEXT("morpheus") },
	{ TEXT("@AZ[`az{"), TEXT("@az[`az{") },
	{ TEXT("A\0B"), TEXT("a\0b") },
	{ TEXT("\xc3\x89\0A"), TEXT("\xc3\xa9\0a") },
	/* composed and not: e with acute */
	{ TEXT("\xc3\x89t\xc3\xa9"), TEXT("\xc3\xa9t\xc3\xa9") },
	{ TEXT("E\xcc\x81te\xcc\x81"), TEXT("\xc3\xa9t\xc3\xa9") },
	/* one letter that becomes two: sharp s, small and capital */
	{ TEXT("stra\xc3\x9f""e"), TEXT("strasse") },
	{ TEXT("STRA\xe1\xba\x9e""E"), TEXT("strasse") },
	/* final sigma */
	{ TEXT("\xce\x9f\xce\xa3"), TEXT("\xce\xbf\xcf\x83") },
	{ TEXT("\xce\xbf\xcf\x82"), TEXT("\xce\xbf\xcf\x83") },
	/* the Kelvin sign */
	{ TEXT("\xe2\x84\xaa"), TEXT("k") },
	/* no compatibility: a ligature is folded, a superscript stays */
	{ TEXT("x\xc2\xb2"), TEXT("x\xc2\xb2") },
	/* alpha, iota below, acute: in both orders, and composed */
	{ TEXT("\xce\xb1\xcd\x85\xcc\x81"), TEXT("\xce\xac\xce\xb9") },
	{ TEXT("\xce\xb1\xcc\x81\xcd\x85"), TEXT("\xce\xac\xce\xb9") },
	{ TEXT("\xe1\xbe\xb4"), TEXT("\xce\xac\xce\xb9") },
	{ TEXT("\xf0\x9f\x90\xb0"), TEXT("\xf0\x9f\x90\xb0") },
};

static void
test_rows(void **state)
{
	(void)state;
	if (!fold_available())
		skip();
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[512];
		size_t len;

		assert_int_equal(fold(rows[i].text.p, rows[i].text.len, out,
		    &len), 0);
		assert_int_equal(len, rows[i].folded.len);
		assert_memory_equal(out, rows[i].folded.p, len);
	}
}

static const struct {
	struct text text, folded;
} rows_marks[] = {
	{ TEXT("Morpheus"), TEXT("morpheus") },
	{ TEXT("Z\xc3\xbcrich"), TEXT("zurich") },
	{ TEXT("Zu\xcc\x88rich"), TEXT("zurich") },
	{ TEXT("S\xc3\xa3o Tom\xc3\xa9"), TEXT("sao tome") },
	{ TEXT("\xc5\x81\xc3\xb3""d\xc5\xba"), TEXT("lodz") },
	{ TEXT("\xc3\x98rsted \xc3\x90 \xc3\x9e\xc3\xb3r"),
	    TEXT("orsted d thor") },
	{ TEXT("\xc3\x86r\xc3\xb8 \xc5\x92uvre"), TEXT("aero oeuvre") },
	{ TEXT("stra\xc3\x9f""e"), TEXT("strasse") },
	/* a dot above, and none: all are the same */
	{ TEXT("\xc4\xb0i\xc4\xb1I"), TEXT("iiii") },
	/* two marks on one letter */
	{ TEXT("Vi\xe1\xbb\x87t"), TEXT("viet") },
	/* Greek and Cyrillic */
	{ TEXT("\xce\xac\xce\xb9"), TEXT("\xce\xb1\xce\xb9") },
	{ TEXT("\xd0\x81\xd0\xb6"), TEXT("\xd0\xb5\xd0\xb6") },
	/* vowels of Devanagari, and of Thai, are marks that stay */
	{ TEXT("\xe0\xa4\x95\xe0\xa5\x81"), TEXT("\xe0\xa4\x95\xe0\xa5\x81") },
	{ TEXT("\xe0\xb8\x81\xe0\xb8\xb4"), TEXT("\xe0\xb8\x81\xe0\xb8\xb4") },
	/* a mark of no letter stays */
	{ TEXT("\xcc\x88x"), TEXT("\xcc\x88x") },
};

static void
test_marks_are_dropped(void **state)
{
	(void)state;
	if (!fold_available())
		skip();
	for (size_t i = 0; i < COUNT(rows_marks); i++) {
		char out[512], again[512];
		size_t len, again_len;

		assert_int_equal(fold_marks(rows_marks[i].text.p,
		    rows_marks[i].text.len, out, &len), 0);
		assert_int_equal(len, rows_marks[i].folded.len);
		assert_memory_equal(out, rows_marks[i].folded.p, len);
		assert_int_equal(fold_marks(out, len, again, &again_len), 0);
		assert_int_equal(again_len, len);
		assert_memory_equal(again, out, len);
	}
}

static size_t
put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Folded once and twice; returns the first one's length. */
static size_t
check_twice(const char *text, size_t len, char *once)
{
	char twice[512];
	size_t once_len, twice_len;

	assert_int_equal(fold(text, len, once, &once_len), 0);
	assert_int_equal(fold(once, once_len, twice, &twice_len), 0);
	if (once_len != twice_len || memcmp(once, twice, once_len) != 0)
		fail_msg("folded twice: %.*s, %.*s, %.*s", (int)len, text,
		    (int)once_len, once, (int)twice_len, twice);
	return once_len;
}

/* TABLE_ENTRY_ROOM() and the segments of files count on three times. */
static void
test_every_character(void **state)
{
	static const char *const behind[] = { "", "\xcd\x85",
	    "\xcd\x85\xcc\x81", "\xcc\x87", "\xcc\x81\xcd\x85",
	    "\xcc\x88\xcc\x81" };

	(void)state;
	if (!fold_available())
		skip();
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		for (size_t i = 0; i < COUNT(behind); i++) {
			char text[32], once[512];
			size_t len = put(text, c), n;

			memcpy(text + len, behind[i], strlen(behind[i]));
			len += strlen(behind[i]);
			n = check_twice(text, len, once);
			if (n > 3 * len || len > FOLD_OF_MOST(n))
				fail_msg("U+%04x: %zu bytes become %zu",
				    (unsigned int)c, len, n);
			/* Few characters change with what follows. */
			if (c >= 0x20000)
				break;
		}
	}
}

/* More than fits the stack. */
static void
test_long(void **state)
{
	size_t n = 5000, len;
	char *text, *out;

	(void)state;
	if (!fold_available())
		skip();
	text = malloc(2 * n);
	out = malloc(FOLD_ROOM(2 * n));
	assert_non_null(text);
	assert_non_null(out);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, "\xc3\x84", 2);
	assert_int_equal(fold(text, 2 * n, out, &len), 0);
	assert_int_equal(len, 2 * n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(out + 2 * i, "\xc3\xa4", 2);
	free(text);
	free(out);
}

/* Of two classes by turns: their order is found, however many there are. */
static void
test_marks(void **state)
{
	static const size_t numbers[] = { 1, 15, 16, 17, 300, 400000 };

	(void)state;
	if (!fold_available())
		skip();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		size_t n = numbers[i], len = 4 * n + 1, out_len;
		char *text = malloc(len), *out = malloc(FOLD_ROOM(len));

		assert_non_null(text);
		assert_non_null(out);
		text[0] = 'Q';
		for (size_t j = 0; j < n; j++)
			memcpy(text + 1 + 4 * j, j % 2 == 0 ?
			    "\xcc\x81\xcc\x96" : "\xcc\x80\xcc\x97", 4);
		assert_int_equal(fold(text, len, out, &out_len), 0);
		assert_int_equal(out_len, len);
		assert_int_equal(out[0], 'q');
		for (size_t j = 0; j < n; j++) {
			assert_memory_equal(out + 1 + 2 * j, j % 2 == 0 ?
			    "\xcc\x96" : "\xcc\x97", 2);
			assert_memory_equal(out + 1 + 2 * (n + j), j % 2 == 0 ?
			    "\xcc\x81" : "\xcc\x80", 2);
		}
		free(text);
		free(out);
	}
}

static void
test_without_library(void **state)
{
	char out[FOLD_ROOM(1)];
	size_t len;

	(void)state;
	assert_int_equal(fold("A", 1, out, &len), fold_available() ? 0 : -1);
}

/* Each character, with a letter before and a mark behind it: once is enough. */
static void
test_every_character_without_marks(void **state)
{
	(void)state;
	if (!fold_available())
		skip();
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		char text[16], out[FOLD_ROOM(16)], again[FOLD_ROOM(16)];
		size_t len = 1, out_len, again_len;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		text[0] = 'A';
		len += put(text + len, c);
		len += put(text + len, 0x301);
		assert_int_equal(fold_marks(text, len, out, &out_len), 0);
		assert_true(out_len <= FOLD_ROOM(len));
		assert_int_equal(fold_marks(out, out_len, again,
		    &again_len), 0);
		assert_int_equal(again_len, out_len);
		assert_memory_equal(again, out, out_len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_marks_are_dropped),
		cmocka_unit_test(test_every_character_without_marks),
		cmocka_unit_test(test_without_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
