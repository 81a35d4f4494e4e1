/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Configuration text to words.  Texts lie in memory of just their size.
 */

#include "config.h"

#include "daemon/lex/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roll.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ESCAPE	"wrong escape (a backslash is written twice)"
#define QUOTES	"the quotes are to be \""

/*
 * What the lexer makes of a text: a line each, "LINE <word> <word>", with a
 * quote before quoted words and '0' for NUL; then its problems.
 */
static char *
lex_all(const char *p, size_t len)
{
	struct problems problems = PROBLEMS_INIT;
	char *mem = malloc(len > 0 ? len : 1), *result;
	size_t result_len;
	FILE *f = open_memstream(&result, &result_len);
	struct lex lex;

	assert_non_null(mem);
	assert_non_null(f);
	memcpy(mem, p, len);
	lex_init(&lex, "F", mem, len, &problems);
	while (lex_next(&lex)) {
		assert_true(lex.n > 0);
		fprintf(f, "%u", lex.line);
		for (size_t i = 0; i < lex.n; i++) {
			const struct lex_word *w = &lex.words[i];

			fprintf(f, " %s<", w->quoted ? "\"" : "");
			for (size_t j = 0; j < w->len; j++)
				fputc(w->text[j] != '\0' ? w->text[j] : '0',
				    f);
			assert_int_equal(w->text[w->len], '\0');
			fputc('>', f);
		}
		fputc('\n', f);
	}
	assert_false(lex_next(&lex));
	lex_clear(&lex);
	problems_print(&problems, f);
	problems_clear(&problems);
	fclose(f);
	free(mem);
	return result;
}

static void
check(const struct text *text, const char *expected)
{
	char *result = lex_all(text->p, text->len);

	if (strcmp(result, expected) != 0)
		fail_msg("%s\ngives\n%s\ninstead of\n%s", text->p, result,
		    expected);
	free(result);
}

struct row {
	struct text text;
	const char *expected;
};

static void
check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&rows[i].text, rows[i].expected);
}

static void
words_are_separated_by_blanks(void **state)
{
	static const struct row rows[] = {
		{ TEXT(""), "" }, { TEXT("\n\n  \n\t\n"), "" },
		{ TEXT("a"), "1 <a>\n" }, { TEXT("a\n"), "1 <a>\n" },
		{ TEXT("listen 127.0.0.1 65432\n"),
		    "1 <listen> <127.0.0.1> <65432>\n" },
		{ TEXT(" \ta\t b  \nc\n"), "1 <a> <b>\n2 <c>\n" },
		{ TEXT("\n\na\n\nb"), "3 <a>\n5 <b>\n" },
		{ TEXT("k=v =x y= a=b=c\n"), "1 <k=v> <=x> <y=> <a=b=c>\n" },
		{ TEXT("\xc3\xa4 \xf0\x9f\x90\xb0\n"),
		    "1 <\xc3\xa4> <\xf0\x9f\x90\xb0>\n" },
		{ TEXT("a'b' {c} $d\n"), "1 <a'b'> <{c}> <$d>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
comments_start_where_a_word_may(void **state)
{
	static const struct row rows[] = {
		{ TEXT("# a\n"), "" }, { TEXT("#"), "" },
		{ TEXT("  # a\nb # c \"d\n"), "2 <b>\n" },
		{ TEXT("a#b c# #d\n"), "1 <a#b> <c#>\n" },
		{ TEXT("a=#b\n"), "1 <a=#b>\n" },
		{ TEXT("\"#\" #\n"), "1 \"<#>\n" },
		{ TEXT("a # \xff\0\n"), "1 <a>\n" },
		/* A comment is not continued. */
		{ TEXT("a # b \\\nc\n"), "1 <a>\n2 <c>\n" },
		{ TEXT("# b \\\nc\n"), "2 <c>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
quoted_words_are_json_strings(void **state)
{
	static const struct row rows[] = {
		{ TEXT("\"\"\n"), "1 \"<>\n" },
		{ TEXT("answer \"a b\" \"c\"\n"),
		    "1 <answer> \"<a b> \"<c>\n" },
		{ TEXT("\"\\\"\\\\\\/\\u00e4\\ud83d\\udc30\"\n"),
		    "1 \"<\"\\/\xc3\xa4\xf0\x9f\x90\xb0>\n" },
		{ TEXT("\"a\\u0000b\"\n"), "1 \"<a0b>\n" },
		{ TEXT("\"\xf0\x9f\x90\xb0 # \\\\\"\n"),
		    "1 \"<\xf0\x9f\x90\xb0 # \\>\n" },
		{ TEXT("type=\"a b\" x\n"), "1 <type=a b> <x>\n" },
		{ TEXT("type=\"\"\n"), "1 <type=>\n" },
		{ TEXT("a=b=\"c d\"\n"), "1 <a=b=c d>\n" },
		{ TEXT("=\"c d\"\n"), "1 <=c d>\n" },
		{ TEXT("type=\"a\\u0000b\"\n"), "1 <type=a0b>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
a_backslash_at_its_end_continues_a_line(void **state)
{
	static const struct row rows[] = {
		{ TEXT("a \\\nb\nc\n"), "1 <a> <b>\n3 <c>\n" },
		{ TEXT("a \\\n \\\n\\\n b \\\nc\nd"),
		    "1 <a> <b> <c>\n6 <d>\n" },
		{ TEXT("a \\\n"), "1 <a>\n" },
		{ TEXT("\\\na\n"), "1 <a>\n" },
		{ TEXT("a \\\n# comment\nb\n"), "1 <a>\n3 <b>\n" },
		{ TEXT("a \\\n\nb\n"), "1 <a>\n3 <b>\n" },
		{ TEXT("\"a\" \\\n\"b\"\n"), "1 \"<a> \"<b>\n" },
		/* Elsewhere it is a byte as any other. */
		{ TEXT("a\\b \\c d\\ e\n"), "1 <a\\b> <\\c> <d\\> <e>\n" },
		{ TEXT("\\\\\nb\n"), "1 <\\> <b>\n" },
		{ TEXT("a \\ \nb\n"), "1 <a> <\\>\n2 <b>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Outside of quotes is also right behind them. */
static void
a_backslash_behind_a_quote_continues_a_line(void **state)
{
	static const struct row rows[] = {
		{ TEXT("\"a\"\\\n\"b\"\n"), "1 \"<a> \"<b>\n" },
		{ TEXT("x=\"a\"\\\r\n \"b\"\nc\n"),
		    "1 <x=a> \"<b>\n3 <c>\n" },
		{ TEXT("\"a\"\\\n"), "1 \"<a>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
lines_may_end_in_cr_lf(void **state)
{
	static const struct row rows[] = {
		{ TEXT("a b\r\nc\r\n"), "1 <a> <b>\n2 <c>\n" },
		{ TEXT("\r\n\r\na\r\n"), "3 <a>\n" },
		{ TEXT("\"a\"\r\n\"b\"\r\n"), "1 \"<a>\n2 \"<b>\n" },
		{ TEXT("a # c\r\nb\r\n"), "1 <a>\n2 <b>\n" },
		{ TEXT("a \\\r\nb\r\nc"), "1 <a> <b>\n3 <c>\n" },
		{ TEXT("x=\"a\"\r\n"), "1 <x=a>\n" },
		{ TEXT("a\r"), "1 <a>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct row rows[] = {
		{ TEXT("\"a\nb\n"), "2 <b>\nF:1: unfinished string\n" },
		{ TEXT("a \"\n"), "F:1: unfinished string\n" },
		{ TEXT("\n\"\\x\"\nb\n"), "3 <b>\nF:2: " ESCAPE "\n" },
		{ TEXT("\"\t\"\n"), "F:1: control character in a string\n" },
		{ TEXT("\"\\ud800\"\n"),
		    "F:1: half a surrogate pair in a string\n" },
		{ TEXT("\"\xff\"\n"), "F:1: " LATIN1 "\n" },
		{ TEXT("\xff\nb\n"), "2 <b>\nF:1: " LATIN1 "\n" },
		{ TEXT("a\xc3 b\n"), "F:1: " LATIN1 "\n" },
		{ TEXT("\"\xe9\" \xc3\xa9\n"), "F:1: not UTF-8\n" },
		{ TEXT("\x80\n"), "F:1: " WINDOWS "\n" },
		{ TEXT("a\0b\nb\n"), "2 <b>\nF:1: a NUL byte\n" },
		{ TEXT("\0"), "F:1: a NUL byte\n" },
		{ TEXT("a\"b\"\n"), "F:1: a quote inside a word\n" },
		{ TEXT("\"a\"b\n"),
		    "F:1: something right behind a closing quote\n" },
		{ TEXT("\"a\"\"b\"\n"),
		    "F:1: something right behind a closing quote\n" },
		{ TEXT("\"a\"=b\n"),
		    "F:1: something right behind a closing quote\n" },
		{ TEXT("\"a\"#b\n"),
		    "F:1: something right behind a closing quote\n" },
		/* A wrong line is passed over whole, with what continues it. */
		{ TEXT("x\"y \\\n z\nb\n\"c\n"), "3 <b>\n"
		    "F:1: a quote inside a word\nF:4: unfinished string\n" },
		{ TEXT("a \\\n x\"y z\nb\n"), "3 <b>\n"
		    "F:1: a quote inside a word\n" },
		{ TEXT("x\"y \\\r\n z\r\nb\n"), "3 <b>\n"
		    "F:1: a quote inside a word\n" },
		{ TEXT("\"\\x\" a \"b\" \\\n z\nb\n"), "3 <b>\n"
		    "F:1: " ESCAPE "\n" },
		{ TEXT("x\"y c=\"#\" d# \\\n z\nb\n"), "3 <b>\n"
		    "F:1: a quote inside a word\n" },
		{ TEXT("x\"y \\"), "F:1: a quote inside a word\n" },
		/* Those of other configurations, and of text programs. */
		{ TEXT("a 'b' c\nd\n"), "2 <d>\nF:1: " QUOTES "\n" },
		{ TEXT("a \xe2\x80\x9c" "b c\xe2\x80\x9d\n"),
		    "F:1: " QUOTES "\n" },
		{ TEXT("\xe2\x80\x9e" "b\xe2\x80\x9d\n"),
		    "F:1: " QUOTES "\n" },
		{ TEXT("'tis ' \"'a'\" b=\"'\" rock'n'roll\n"),
		    "1 <'tis> <'> \"<'a'> <b='> <rock'n'roll>\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* One line for each file, whatever it has. */
static void
a_file_that_is_not_utf8_is_named(void **state)
{
	static const struct row rows[] = {
		{ TEXT("\xef\xbb\xbf" "a b\nc\n"), "1 <a> <b>\n2 <c>\n"
		    "F:1: a byte order mark before the first word\n" },
		{ TEXT("\xef\xbb\xbf" "x\"y z \\\nb\n"), "F:1: a byte order "
		    "mark before the first word\n"
		    "F:1: a quote inside a word\n" },
		{ TEXT("\xef\xbb\xbf\"a\"\n"), "1 \"<a>\n"
		    "F:1: a byte order mark before the first word\n" },
		{ TEXT("\xff\xfe" "a\0\n\0" "b\0\n\0"), "F:1: UTF-16, not "
		    "UTF-8 (iconv -f utf-16 -t utf-8)\n" },
		{ TEXT("\xfe\xff\0a\0\n\0b\0\n"), "F:1: UTF-16, not "
		    "UTF-8 (iconv -f utf-16 -t utf-8)\n" },
		{ TEXT("a\0\n\0" "b\0\n\0"), "F:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16le -t utf-8)\n" },
		{ TEXT("\0a\0\n\0b\0\n"), "F:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16be -t utf-8)\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* What a wrong line does not continue is read, and its problems are told. */
static void
a_wrong_line_takes_no_other_one_with_it(void **state)
{
	static const struct row rows[] = {
		/* in quotes */
		{ TEXT("\"a \\\nb\n"), "2 <b>\nF:1: unfinished string\n" },
		{ TEXT("\"a \\\n\"b \\\n"), "F:1: unfinished string\n"
		    "F:2: unfinished string\n" },
		{ TEXT("\"\\x\" \"a \\\nb\n"),
		    "2 <b>\nF:1: " ESCAPE "\n" },
		{ TEXT("\"\\x\" \"a\\\" \\\nb\n"),
		    "2 <b>\nF:1: " ESCAPE "\n" },
		{ TEXT("x\"y z=\"a \\\nb\n"),
		    "2 <b>\nF:1: a quote inside a word\n" },
		/* in a comment */
		{ TEXT("x\"y # c \\\nb\n"),
		    "2 <b>\nF:1: a quote inside a word\n" },
		{ TEXT("x\"y # c \\\r\nb\n"),
		    "2 <b>\nF:1: a quote inside a word\n" },
		{ TEXT("\"\\x\" #\"c\" \\\n\"b\"c\n"), "F:1: " ESCAPE "\n"
		    "F:2: something right behind a closing quote\n" },
		{ TEXT("a\"b \\\n # c \\\nd\n"),
		    "3 <d>\nF:1: a quote inside a word\n" },
		{ TEXT("a\"b \\\n# c \\\nd\n"),
		    "3 <d>\nF:1: a quote inside a word\n" }
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
words_are_taken_up_to_their_cap(void **state)
{
	char text[4 * LEX_WORDS_MAX];
	struct text whole = { text, 2 * LEX_WORDS_MAX };
	char *result;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : ' ';
	result = lex_all(whole.p, whole.len);
	assert_int_equal(strlen(result), 2 + 4 * LEX_WORDS_MAX);
	free(result);
	whole.len++;
	check(&whole, "F:1: too many words\n");
}

/* Any text ends, and whatever comes out has come in. */
static void
random_texts_do_no_harm(void **state)
{
	static const char bytes[] = "ab \t\n\r\"\"\\\\#=u0\0\xc3\xa4";
	char text[48];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)round % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = bytes[roll(sizeof(bytes) - 1)];
		free(lex_all(text, len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_separated_by_blanks),
		cmocka_unit_test(comments_start_where_a_word_may),
		cmocka_unit_test(quoted_words_are_json_strings),
		cmocka_unit_test(a_backslash_at_its_end_continues_a_line),
		cmocka_unit_test(a_backslash_behind_a_quote_continues_a_line),
		cmocka_unit_test(lines_may_end_in_cr_lf),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(a_file_that_is_not_utf8_is_named),
		cmocka_unit_test(a_wrong_line_takes_no_other_one_with_it),
		cmocka_unit_test(words_are_taken_up_to_their_cap),
		cmocka_unit_test(random_texts_do_no_harm)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
