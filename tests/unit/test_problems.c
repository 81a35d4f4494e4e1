/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines that tell what is wrong, in an order that an administrator can work
 * through.
 */

#include "config.h"

#include "daemon/base/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scarce.h"

/* Print and forget them. */
static void
expect(struct problems *problems, const char *expected)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	problems_print(problems, f);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
	problems_clear(problems);
	assert_int_equal(problems->n, 0);
	assert_int_equal(problems->dropped, 0);
}

static void
lines_name_their_place(void **state)
{
	struct problems p = PROBLEMS_INIT;

	(void)state;
	expect(&p, "");
	problems_add(&p, "F", 7, "%s %d", "wrong", 1);
	expect(&p, "F:7: wrong 1\n");
	problems_add(&p, "F", 0, "wrong");
	expect(&p, "F: wrong\n");
	problems_add(&p, NULL, 7, "wrong");
	expect(&p, "wrong\n");
}

static void
lines_are_sorted_within_their_file(void **state)
{
	struct problems p = PROBLEMS_INIT;
	char b[] = "B";

	(void)state;
	problems_add(&p, b, 5, "first");
	problems_add(&p, "A", 9, "x");
	problems_add(&p, "B", 3, "x");
	*b = 'X';		/* the name was copied */
	problems_add(&p, "B", 5, "second");
	problems_add(&p, "A", 0, "x");
	problems_add(&p, "B", 5, "third");
	problems_add(&p, "C", 1, "x");
	problems_add(&p, "B", 4, "x");
	problems_add(&p, "A", 10, "x");
	expect(&p, "B:3: x\nB:4: x\nB:5: first\nB:5: second\nB:5: third\n"
	    "A: x\nA:9: x\nA:10: x\nC:1: x\n");
}

static void
what_stands_alone_stays_where_it_came(void **state)
{
	struct problems p = PROBLEMS_INIT;

	(void)state;
	problems_add(&p, "A", 1, "x");
	problems_add(&p, NULL, 0, "first");
	problems_add(&p, NULL, 0, "second");
	problems_add(&p, "B", 1, "x");
	problems_add(&p, "A", 2, "x");
	expect(&p, "A:1: x\nA:2: x\nfirst\nsecond\nB:1: x\n");
}

static void
a_line_stays_a_line(void **state)
{
	struct problems p = PROBLEMS_INIT;

	(void)state;
	problems_add(&p, "a\nb", 1, "%s", "c\r\n\x1b[2J\xff\xc3\xa4");
	expect(&p, "a\\nb:1: c\\r\\n\\x1b[2J\\xff\xc3\xa4\n");
}

static void
too_many_are_just_counted(void **state)
{
	struct problems p = PROBLEMS_INIT;
	char *text;
	size_t len, lines = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	for (unsigned int i = 0; i < PROBLEMS_MAX + 23; i++)
		problems_add(&p, NULL, 0, "x");
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_int_equal(p.dropped, 23);
	problems_print(&p, f);
	fclose(f);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, PROBLEMS_MAX + 1);
	assert_string_equal(text + len - 12, "and 23 more\n");
	free(text);
	problems_clear(&p);
	/* And again from the start. */
	problems_add(&p, "F", 1, "x");
	expect(&p, "F:1: x\n");
}

/* So that those of others are told, too; and by their lines. */
static void
a_file_has_its_first_lines_told(void **state)
{
	struct problems p = PROBLEMS_INIT;

	(void)state;
	for (unsigned int i = 9208; i > 1; i--)
		problems_add(&p, "w\n.tsv", i, "x");
	problems_add(&p, "B", 7, "y");
	problems_add(&p, "w\n.tsv", 1, "first");
	problems_more(&p, "B", 0);
	assert_int_equal(problems_count(&p), 9209);
	expect(&p, "w\\n.tsv:1: first\nw\\n.tsv:2: x\nw\\n.tsv:3: x\n"
	    "w\\n.tsv:4: x\nw\\n.tsv:5: x\nw\\n.tsv:6: x\n"
	    "w\\n.tsv:7: x\nw\\n.tsv:8: x\nw\\n.tsv:9: x\n"
	    "w\\n.tsv:10: x\nand 9,198 more in w\\n.tsv\nB:7: y\n");
	problems_more(&p, "C", 1);
	problems_more(&p, "C", 999998);
	expect(&p, "and 999,999 more in C\n");
}

/* What is told at another's line is counted for itself. */
static void
what_has_no_lines_is_told_at_anothers(void **state)
{
	struct problems p = PROBLEMS_INIT;

	(void)state;
	problems_add(&p, "F", 8, "behind");
	for (unsigned int i = 0; i < PROBLEMS_FILE_MAX + 1; i++) {
		problems_add_of(&p, "a.cdb", "F", 7, "a.cdb: %u", i);
		problems_add_of(&p, "b.cdb", "F", 7, "b.cdb: %u", i);
	}
	problems_more(&p, "a.cdb", 1000);
	problems_add(&p, "F", 7, "here");
	problems_add(&p, "F", 6, "before");
	assert_int_equal(problems_count(&p), 1025);
	expect(&p, "F:6: before\n"
	    "F:7: a.cdb: 0\nF:7: b.cdb: 0\nF:7: a.cdb: 1\nF:7: b.cdb: 1\n"
	    "F:7: a.cdb: 2\nF:7: b.cdb: 2\nF:7: a.cdb: 3\nF:7: b.cdb: 3\n"
	    "F:7: a.cdb: 4\nF:7: b.cdb: 4\nF:7: a.cdb: 5\nF:7: b.cdb: 5\n"
	    "F:7: a.cdb: 6\nF:7: b.cdb: 6\nF:7: a.cdb: 7\nF:7: b.cdb: 7\n"
	    "F:7: a.cdb: 8\nF:7: b.cdb: 8\nF:7: a.cdb: 9\nF:7: b.cdb: 9\n"
	    "and 1,001 more in a.cdb\nand 1 more in b.cdb\n"
	    "F:7: here\nF:8: behind\n");
}

/* Its start names what it is about, and its end says what would help. */
static void
a_long_message_is_cut_in_its_middle(void **state)
{
	struct problems p = PROBLEMS_INIT;
	char word[2001], expected[1200];

	(void)state;
	memset(word, 'x', 2000);
	word[2000] = '\0';
	problems_add(&p, "F", 1, "unknown \"%s\"; did you mean \"y\"?", word);
	snprintf(expected, sizeof(expected), "F:1: unknown \"%.591s...%.280s"
	    "\"; did you mean \"y\"?\n", word, word);
	expect(&p, expected);
	/* between characters */
	for (int i = 0; i < 1000; i++)
		memcpy(word + 2 * i, "\xc3\xa9", 2);
	for (int from = 0; from < 2; from++) {
		problems_add(&p, "F", 1, "%s", word + 2 * from);
		problems_add(&p, "F", 1, ".%s", word + 2 * from);
	}
	assert_int_equal(p.n, 4);
	for (size_t i = 0; i < p.n; i++)
		assert_null(strstr(p.list[i].text, "\\x"));
	problems_clear(&p);
	/* what just fits is whole */
	word[1000] = '\0';
	snprintf(expected, sizeof(expected), "%.1000s\n", word);
	problems_add(&p, NULL, 0, "%s", word);
	expect(&p, expected);
}

/* Something is wrong even when nobody can say what. */
static void
what_has_no_memory_is_counted(void **state)
{
	struct problems p = PROBLEMS_INIT;
	unsigned long failed, n = 0;
	long before = scarce_blocks();

	(void)state;
	assert_int_equal(problems_count(&p), 0);
	if (!scarce_works())
		skip();
	do {
		scarce_begin(++n, true);
		for (unsigned int i = PROBLEMS_FILE_MAX + 2; i > 0; i--)
			problems_add(&p, "F", i, "%s", "wrong");
		failed = scarce_end();
		assert_int_equal(problems_count(&p), PROBLEMS_FILE_MAX + 2);
		problems_clear(&p);
		assert_int_equal(problems_count(&p), 0);
	} while (failed > 0);
	assert_int_equal(scarce_blocks(), before);
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_name_their_place),
		cmocka_unit_test(lines_are_sorted_within_their_file),
		cmocka_unit_test(what_stands_alone_stays_where_it_came),
		cmocka_unit_test(a_line_stays_a_line),
		cmocka_unit_test(too_many_are_just_counted),
		cmocka_unit_test(a_file_has_its_first_lines_told),
		cmocka_unit_test(what_has_no_lines_is_told_at_anothers),
		cmocka_unit_test(a_long_message_is_cut_in_its_middle),
		cmocka_unit_test(what_has_no_memory_is_counted)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
