/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words: where they start and end, in any script.
 */

#include "config.h"

#include "daemon/table/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/table/fold.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* In marks: '[' where a word starts, ']' where one ends, '.' elsewhere; one
 * for each byte of the text, and one for its end. */
static const struct {
	struct text text;
	const char *marks;
	bool unicode;		/* not known without libutf8proc */
} rows[] = {
	{ TEXT(""), ".", false },
	{ TEXT("a"), "[]", false },
	{ TEXT("New York"), "[..][...]", false },
	{ TEXT("York, New"), "[...].[..]", false },
	{ TEXT("az09AZ"), "[.....]", false },
	{ TEXT("@`/:[{"), ".......", false },
	{ TEXT("a-b_c"), "[][][]", false },
	{ TEXT("a\0b"), "[][]", false },
	{ TEXT(" x "), ".[].", false },
	/* Zürich, and with a mark of its own */
	{ TEXT("Z\xc3\xbcrich"), "[......]", false },
	{ TEXT("Zu\xcc\x88rich"), "[.......]", false },
	/* a dash, an ideographic space, a rabbit: no part of a word */
	{ TEXT("a\xe2\x80\x93z"), "[]..[]", true },
	{ TEXT("\xe6\x9d\xb1\xe3\x80\x80\xe4\xba\xac"), "[..]..[..]", true },
	{ TEXT("x\xf0\x9f\x90\xb0y"), "[]...[]", true },
	/* a superscript and a Roman numeral are numbers */
	{ TEXT("x\xc2\xb2\xe2\x85\xa7"), "[.....]", false },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *text = rows[i].text.p;
		size_t len = rows[i].text.len;

		assert_int_equal(strlen(rows[i].marks), len + 1);
		if (rows[i].unicode && !fold_available())
			continue;
		for (size_t at = 0; at <= len; at++) {
			char mark = rows[i].marks[at];

			if (at < len && (text[at] & 0xc0) == 0x80)
				continue;
			if (at < len && word_starts(text, len, at) !=
			    (mark == '['))
				fail_msg("row %zu: start at %zu", i, at);
			if (word_ends(text, len, at) !=
			    (mark == ']'))
				fail_msg("row %zu: end at %zu", i, at);
		}
	}
}

/* The same words, one after the other. */
static void
test_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *marks = rows[i].marks;
		size_t len = rows[i].text.len, start, end = 0, at = 0;

		if (rows[i].unicode && !fold_available())
			continue;
		while (word_next(rows[i].text.p, len, &start, &end)) {
			at += strcspn(marks + at, "[");
			assert_int_equal(start, at);
			at += strcspn(marks + at, "]");
			assert_int_equal(end, at);
		}
		assert_int_equal(end, len);
		assert_null(strchr(marks + at, '['));
	}
}

static void
test_no_characters(void **state)
{
	size_t start, end = 0;

	(void)state;
	assert_false(word_has(0x110000));
	assert_false(word_has(UINT32_MAX));
	assert_false(word_has(0));
	assert_true(word_has('a'));
	/* wrong bytes are read no further than they go */
	assert_false(word_starts("\xf0", 1, 0));
	assert_false(word_ends("\x80", 1, 1));
	assert_false(word_next("\xf0\x9f", 2, &start, &end));
	assert_int_equal(end, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_no_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
