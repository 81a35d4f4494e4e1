/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How wide texts are on a terminal, where they are folded and cut, and what
 * completes what is typed.
 */

#include "config.h"

#include "client/interactive/cells.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/interactive/choices.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define MANY 100	/* cells */

/* What a function prints of a text. */
static char *
printed(size_t (*print)(FILE *, const char *, size_t, size_t),
    const char *text, size_t len, size_t max, size_t *width)
{
	char *out = NULL;
	size_t out_len;
	FILE *file = open_memstream(&out, &out_len);

	assert_non_null(file);
	*width = print(file, text, len, max);
	fclose(file);
	return out;
}

static void
expect(const char *text, size_t len, const char *shown, size_t width)
{
	size_t took;
	char *out = printed(cells_print_cut, text, len, MANY, &took);

	assert_string_equal(out, shown);
	assert_int_equal(took, width);
	assert_int_equal(cells_width(text, len, MANY), width);
	free(out);
}

static void
characters_take_their_cells(void **state)
{
	(void)state;
	expect("", 0, "", 0);
	expect("plain", 5, "plain", 5);
	expect("\346\235\261\344\272\254", 6, "\346\235\261\344\272\254", 4);
	expect("e\314\201t\303\251", 6, "e\314\201t\303\251", 3);
	expect("\360\237\222\215", 4, "\360\237\222\215", 2);
	/* What is escaped takes what the escape does. */
	expect("\033[m\t\\", 5, "\\x1b[m\\t\\\\", 10);
	expect("\0\377", 2, "\\x00\\xff", 8);
	expect("\342\200\256", 3, "\\u{202e}", 8);
	/* And what the locale knows nothing of. */
	expect("\363\260\200\200" "\315\270", 6, "\363\260\200\200\\u{378}",
	    8);
}

static void
a_character_has_not_all_marks(void **state)
{
	char text[1 + 2 * 10], shown[64] = "a";
	size_t width;
	char *out;

	(void)state;
	text[0] = 'a';
	for (size_t i = 0; i < 10; i++)
		memcpy(text + 1 + 2 * i, "\314\201", 2);
	for (size_t i = 0; i < 8; i++)
		strcat(shown, "\314\201");
	strcat(shown, "\\u{301}\\u{301}");
	out = printed(cells_print_cut, text, sizeof(text), MANY, &width);
	assert_string_equal(out, shown);
	assert_int_equal(width, 15);
	assert_false(cells_is_escaped(text, sizeof(text)));
	assert_true(cells_is_escaped(text, sizeof(text) - 4));
	assert_true(cells_is_escaped("\033", 1));
	free(out);
}

static void
what_is_cut_has_a_mark(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *shown;
		size_t width;
	} rows[] = {
		{ "abc", 3, "abc", 3 },
		{ "abcd", 3, "ab\342\200\246", 3 },
		{ "abcd", 1, "\342\200\246", 1 },
		{ "abcd", 0, "", 0 },
		/* Neither a wide character nor an escape is halved. */
		{ "a\346\235\261b", 3, "a\342\200\246", 2 },
		{ "a\033b", 4, "a\342\200\246", 2 }
	};
	size_t width;
	char *out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		out = printed(cells_print_cut, rows[i].text,
		    strlen(rows[i].text), rows[i].max, &width);
		assert_string_equal(out, rows[i].shown);
		assert_int_equal(width, rows[i].width);
		free(out);
	}
	out = printed(cells_print_typed, "\\m\033", 3, MANY, &width);
	assert_string_equal(out, "\\m\\x1b");
	assert_int_equal(width, 6);
	assert_int_equal(cells_typed_width("\\m\033", 3, MANY), 6);
	assert_int_equal(cells_width("abcd", 4, 3), 4);
	free(out);
}

static void
lines_are_folded_behind_blanks(void **state)
{
	static const struct {
		const char *text;
		size_t max, len, width;
	} rows[] = {
		{ "", 5, 0, 0 },
		{ "abc", 5, 3, 3 },
		{ "abc def", 5, 4, 4 },
		{ "abcde fgh", 5, 5, 5 },	/* the blank is the next line's */
		{ "a bcdefgh", 5, 5, 5 },	/* the blank is too far away */
		{ "\346\235\261\344\272\254", 3, 3, 2 },
		{ "\346\235\261", 1, 3, 2 },	/* has no place, and is taken */
		{ "\033x", 2, 1, 4 }
	};
	size_t len, width;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		len = cells_fold(rows[i].text, strlen(rows[i].text),
		    rows[i].max, &width);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(width, rows[i].width);
	}
}

/* What some words have in common, up to a NULL. */
static void
expect_common(const char *common, ...)
{
	struct choices choices = { .n = 0 };
	const char *word;
	va_list ap;

	va_start(ap, common);
	while ((word = va_arg(ap, const char *)) != NULL)
		assert_int_equal(choices_add(&choices, word, strlen(word)), 0);
	va_end(ap);
	assert_int_equal(choices_common(&choices), strlen(common));
	choices_clear(&choices);
	assert_int_equal(choices.n, 0);
}

static void
words_have_a_start_in_common(void **state)
{
	(void)state;
	expect_common("", NULL);
	expect_common("word", "word", NULL);
	expect_common("Ber", "Bergen", "Berlin", "Bern", NULL);
	expect_common("", "a", "b", NULL);
	expect_common("", "a", "", NULL);
	expect_common("a", "ab", "a", NULL);
	/* Only whole characters, and such as can be typed. */
	expect_common("x", "x\303\244", "x\303\245", NULL);
	expect_common("\303\244", "\303\244x", "\303\244y", NULL);
	expect_common("tab", "tab\tkey", NULL);
	expect_common("a", "a\342\200\256b", "a\342\200\256c", NULL);
	expect_common("a\\b", "a\\b", NULL);
}

static void
characters_are_counted(void **state)
{
	(void)state;
	assert_int_equal(choices_count("", 0), 0);
	assert_int_equal(choices_count("a\303\244\346\235\261", 6), 3);
	assert_int_equal(choices_count("\377a", 2), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_take_their_cells),
		cmocka_unit_test(a_character_has_not_all_marks),
		cmocka_unit_test(what_is_cut_has_a_mark),
		cmocka_unit_test(lines_are_folded_behind_blanks),
		cmocka_unit_test(words_have_a_start_in_common),
		cmocka_unit_test(characters_are_counted)
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
