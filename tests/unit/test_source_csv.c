/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables from .csv files: the same outcome wherever they are cut and blocks
 * end, also of those that are wrong.
 */

#include "config.h"

#include "daemon/source/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/builder/builder.h"
#include "daemon/source/source_job.h"
#include "folder.h"
#include "loaded.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define STRAY	"a quote in a field that does not begin with one (quotes " \
	"stand doubled, and the field in quotes)"
#define MORE(mark)	" (a field with \"" mark "\" in it stands in quotes)\n"
#define WEIGHT	" is not an integer from 0 to 4294967295\n"
#define LONE_CR	"a carriage return without a newline behind it, outside of " \
	"quotes"

struct row {
	struct text file;
	const char *expected;
};

static void
expect_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		loaded_expect_always("a.csv", &rows[i].file, rows[i].expected);
}

static void
records_are_entries(void **state)
{
	static const struct row rows[] = {
		{ TEXT(""), "" },
		{ TEXT("a,1\n"), "1 a=1\n" },
		{ TEXT("a,1"), "1 a=1\n" },
		{ TEXT("a,\r\nb,2\r\n"), "1 a=\n2 b=2\n" },
		{ TEXT("a,1,x\nb,2,\n"), "1 a=1\n2 b=2\n" },
		{ TEXT("a,1\nb,2\n\n\r\n\n"), "1 a=1\n2 b=2\n" },
		{ TEXT("\"a\",\"1\"\n\"b\",\"\"\n\"c\",\"3\""),
		    "1 a=1\n2 b=\n3 c=3\n" },
		{ TEXT("\"a\"\"b\",\"\"\"\"\n\"\"\"\",\"\"\"x\"\"\"\n"),
		    "1 a\"b=\\\\\"\n2 \"=\\\\\"x\\\\\"\n" },
		{ TEXT("\"a\nb\",\"1\r\n\n2\"\r\nc,3\n\"d\",\",\"\n"),
		    "1 a\\nb=1\\\\r\\\\n\\\\n2\n5 c=3\n6 d=,\n" },
		{ TEXT(" a , 1 \n\\n,\\\t\n"),
		    "1  a = 1 \n2 \\\\n=\\\\\\\\\\\\t\n" },
		{ TEXT("\xc3\xa9,\xf0\x9f\x90\xb0\n"),
		    "1 \xc3\xa9=\xf0\x9f\x90\xb0\n" },
		{ TEXT("\xef\xbb\xbf" "a;1\n\xef\xbb\xbf,;2\n"),
		    "1 a=1\n2 \\u{feff},=2\n" },
		{ TEXT("\xef\xbb\xbf"), "" },
		{ TEXT("a;1,5\nb;2,5\n"), "1 a=1,5\n2 b=2,5\n" },
		{ TEXT("a\t1\n\"b\"\t2;3\n"), "1 a=1\n2 b=2;3\n" },
		{ TEXT("\"a;;;\",1\n"), "1 a;;;=1\n" },
		{ TEXT("sep=;\r\na;1\n"), "2 a=1\n" },
		{ TEXT("sep=|\na|1\n"), "2 a=1\n" },
		{ TEXT("sep=,1\n"), "1 sep==1\n" },
		/* a header that says so itself */
		{ TEXT("key,answer\na,1\n"), "2 a=1\n" },
		{ TEXT("id;\"answer\";key\n7;x;a\n\"8\n\";y;b\n"),
		    "2 a=x\n3 b=y\n" },
		{ TEXT("key,answer"), "" },
		{ TEXT("Key,Answer\na,1\n"), "1 Key=Answer\n2 a=1\n" },
		{ TEXT("a,a\nb,b\n"), "1 a=a\n2 b=b\n" },
	};

	(void)state;
	expect_rows(rows, COUNT(rows));
}

static void
what_is_wrong_has_its_line(void **state)
{
	static const struct row rows[] = {
		{ TEXT("a\n"), "a.csv:1: the answer is column 2, but with "
		    "\",\" between them there is 1; separator= says another "
		    "one\n" },
		{ TEXT("\na,1\n"), "a.csv:1: an empty line\n" },
		{ TEXT("a,1\n\nb,2\n"), "a.csv:2: an empty line\n" },
		{ TEXT("a,1\nb\nc,3,4\nd,4\n"),
		    "a.csv:2: 1 column, where the first record has 2" MORE(",")
		    "a.csv:3: 3 columns, where the first record has 2"
		    MORE(",") },
		{ TEXT("a,1\n,2\n"),
		    "a.csv:2: a key has 1 to 1024 bytes, not 0\n" },
		{ TEXT("a,1\nb,5\" pipe\nc,\"x\ny\"\nd,6\" pipe\n"),
		    "a.csv:2: " STRAY ", at byte 4\n"
		    "a.csv:5: " STRAY ", at byte 4\n" },
		{ TEXT("a,1\nb,\"x\" y\nc,3\nd,\"x\"\"\"y\"\n"),
		    "a.csv:2: text behind the closing quote of a field, at "
		    "byte 6\n"
		    "a.csv:4: text behind the closing quote of a field, at "
		    "byte 8\n" },
		{ TEXT("a,1\nb, \"2\"\n"),
		    "a.csv:2: " STRAY ", at byte 4\n" },
		{ TEXT("a,1\nb,\"2\nc,3\nd,\"4\"\ne,\n\nf\n"),
		    "a.csv:4: text behind the closing quote of a field, which "
		    "opened in line 2, at byte 4\n"
		    "a.csv:6: an empty line\n"
		    "a.csv:7: 1 column, where the first record has 2"
		    MORE(",") },
		{ TEXT("a,1\nb,\"2\nc,3\n"), "a.csv:2: a field in quotes "
		    "begins here that does not end, at byte 3\n" },
		{ TEXT("a,1\nb,\"2\"\"\nc,3\n"), "a.csv:2: a field in quotes "
		    "begins here that does not end, at byte 3\n" },
		{ TEXT("a,\"1\n"), "a.csv:1: a field in quotes "
		    "begins here that does not end, at byte 3\n" },
		{ TEXT("a;1\nb\"\"\n"), "a.csv:2: " STRAY ", at byte 2\n" },
		{ TEXT("a,1\nb,\r2\nc,3\r"),
		    "a.csv:2: " LONE_CR ", at byte 3\n"
		    "a.csv:3: " LONE_CR ", at byte 4\n" },
		{ TEXT("a,1\rb,2\r"), "a.csv:1: " LONE_CR ", at byte 4\n" },
		{ TEXT("a,1\nb,\0\n\"c\nd\0\",\n"),
		    "a.csv:2: a raw NUL, at byte 3\n"
		    "a.csv:4: a raw NUL, at byte 2\n" },
		{ TEXT("a,1\ncaf\xe9,2\nb,\"\n\x93\"\n"),
		    "a.csv:2: " LATIN1 ", at byte 4\n"
		    "a.csv:4: " WINDOWS ", at byte 1\n" },
		{ TEXT("a\0,\0" "1\0\n\0"), "a.csv:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16le -t utf-8)\n" },
		{ TEXT("a,1\n\"a\",2\n"), "a.csv:2: the key \"a\" was given "
		    "before, at a.csv:1" ONE "\n" },
		{ TEXT("key,answer,key\n"), "a.csv:1: columns 1 and 3 are "
		    "both named \"key\"\n" },
		{ TEXT("key,answer,\xe9\n"), "a.csv:1: the name of column 3 "
		    "is " LATIN1 "\n" },
		{ TEXT("key,answer,\"\n\0\"\n"), "a.csv:1: a raw NUL in the "
		    "name of column 3\n" },
		{ TEXT("a\"b,1\na\n"), "a.csv:1: " STRAY ", at byte 2\n" },
		{ TEXT("\"a\n\" b,1\na\n"), "a.csv:2: text behind the closing "
		    "quote of a field, at byte 2\n" },
	};

	(void)state;
	expect_rows(rows, COUNT(rows));
}

static void
columns_are_chosen(void **state)
{
	static char one[] = "1", two[] = "2", three[] = "3", name[] = "name",
	    text[] = "the text", all[] = "*", nmae[] = "nmae";
	static const struct {
		struct table_columns columns;
		struct row row;
	} rows[] = {
		{ { .key = two }, { TEXT("x,a,1\n"), "1 a=1\n" } },
		{ { .key = three, .answer = one }, { TEXT("1,x,a\n"),
		    "1 a=1\n" } },
		{ { .key = one, .answer = one }, { TEXT("a,x\n"), "1 a=a\n" } },
		{ { .key = three, .answer = one }, { TEXT("1,a\n"),
		    "a.csv:1: the key is column 3, but with \",\" between "
		    "them there are 2; separator= says another one\n" } },
		{ { .header = TABLE_HEADER_YES }, { TEXT("x,y\na,1\n"),
		    "2 a=1\n" } },
		{ { .header = TABLE_HEADER_YES, .key = two },
		    { TEXT("answer,x,key\n1,a,b\n"), "2 a=1\n" } },
		{ { .header = TABLE_HEADER_NO }, { TEXT("key,answer\na,1\n"),
		    "1 key=answer\n2 a=1\n" } },
		{ { .separator = ';' }, { TEXT("a,b,c;1\n"), "1 a,b,c=1\n" } },
		{ { .separator = ':' }, { TEXT("sep=;\na:1;2\n"),
		    "2 a=1;2\n" } },
		{ { .key = name, .answer = text },
		    { TEXT("the text,name\n1,a\n"), "2 a=1\n" } },
		{ { .key = name, .answer = text },
		    { TEXT("\"the text\",\"na\"\"me\",\"name\"\n1,x,a\n"),
		    "2 a=1\n" } },
		{ { .key = nmae }, { TEXT("id,name,text\n1,a,b\n"),
		    "a.csv:1: no column is named \"nmae\", which is to be "
		    "the key; did you mean \"name\"?\n" } },
		{ { .answer = text }, { TEXT("id,x\n1,a\n"),
		    "a.csv:1: no column is named \"the text\", which is to be "
		    "the answer\n" } },
		{ { .key = name }, { TEXT(""), "" } },
		{ { .weight = three }, { TEXT("a,1,7\nb,\"\"\"\",\"4294967295\""
		    "\nc,3,\nd,4,0\n"), "1 a=1 *7\n2 b=\\\\\" *4294967295\n"
		    "3 c=3\n4 d=4\n" } },
		{ { .weight = three }, { TEXT("a,1,-1\nb,1,4294967296\nc,1,1.0"
		    "\n\"d\",\"1\",\"x\"\n"),
		    "a.csv:1: the weight \"-1\"" WEIGHT
		    "a.csv:2: the weight \"4294967296\"" WEIGHT
		    "a.csv:3: the weight \"1.0\"" WEIGHT
		    "a.csv:4: the weight \"x\"" WEIGHT } },
		{ { .weight = name }, { TEXT("id,name,text\na,1,b\n"),
		    "2 a=1 *1\n" } },
		{ { .header = TABLE_HEADER_AUTO },
		    { TEXT("weight,answer,key\n5,1,a\n"), "2 a=1 *5\n" } },
		{ { .answer = all }, { TEXT("a\nx\n"),
		    "2 x={\\\\\"a\\\\\": \\\\\"x\\\\\"}\n" } },
		{ { .key = two, .answer = all },
		    { TEXT("\"q\"\"\",\xc3\xa9\n1,a\n\"\"\"\n\",b\\\n"),
		    "2 a={\\\\\"q\\\\\\\\\\\\\"\\\\\": \\\\\"1\\\\\", "
		    "\\\\\"\xc3\xa9\\\\\": \\\\\"a\\\\\"}\n"
		    "3 b\\\\={\\\\\"q\\\\\\\\\\\\\"\\\\\": "
		    "\\\\\"\\\\\\\\\\\\\"\\\\\\\\n\\\\\", "
		    "\\\\\"\xc3\xa9\\\\\": \\\\\"b\\\\\\\\\\\\\\\\\\\\\"}\n"
		    } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		loaded_columns = rows[i].columns;
		expect_rows(&rows[i].row, 1);
	}
}

/* What grows most: control characters in answers that are all columns. */
static void
there_is_room_for_the_worst(void **state)
{
	static char all[] = "*";
	char *text = malloc(300000), *p = text, escaped[6 * 40 + 1] = "";
	const char *path;
	struct problems problems;
	struct table_entry e;
	struct table *t;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 40; i++)
		strcat(escaped, "\x01");
	p += sprintf(p, "%s,b,c\n", escaped);
	for (int i = 0; i < 20000; i++)
		p += sprintf(p, "%d,,\n", i);
	p += sprintf(p, "%s,\x02,\x7f\n", escaped);
	loaded_columns.answer = all;
	path = folder_write_text("worst.csv", text);
	t = loaded_table(&path, 1, 1, &problems);
	assert_non_null(t);
	assert_int_equal(table_count(t), 20001);
	assert_true(table_find(t, "19999", 5, &e) != TABLE_NO_ID);
	assert_int_equal(e.value_len, strlen("{\\\"\\\": \\\"19999\\\", "
	    "\\\"b\\\": \\\"\\\", \\\"c\\\": \\\"\\\"}") + 7 * 40);
	table_unref(t);
	free(text);
}

/* Records longer than what is read at once, and than they may be. */
static void
records_may_be_long(void **state)
{
	size_t len = 600000;
	char *text = malloc(len + 100);
	const char *path;
	struct problems problems;
	struct table_entry e;
	struct table *t;

	(void)state;
	assert_non_null(text);
	memcpy(text, "a,\"", 3);
	memset(text + 3, '\n', len);
	strcpy(text + 3 + len, "\"\nb,2\n");
	path = folder_write_text("long.csv", text);
	t = loaded_table(&path, 1, 1, &problems);
	assert_non_null(t);
	assert_true(table_find(t, "a", 1, &e) != TABLE_NO_ID);
	assert_int_equal(e.value_len, 2 * len);
	table_unref(t);
	source_tuning.line_max = 500000;
	loaded_expect(path, 1, "long.csv:1: the first record has more than "
	    "500000 bytes; does a field in quotes not end?\n");
	memcpy(text, "b,2\na,\"", 7);
	path = folder_write_text("long.csv", text);
	loaded_expect(path, 1, "long.csv:2: the record has more than "
	    "500000 bytes; does a field in quotes not end?\n");
	source_tuning.part_min = 2;
	loaded_expect(path, 3, "long.csv:2: the record has more than "
	    "500000 bytes; does a field in quotes not end?\n");
	/* One that ends, however much of the file is read at once. */
	for (int quoted = 0; quoted <= 1; quoted++) {
		source_tuning.part_min = 1 << 20;
		memset(text, 'x', len);
		memcpy(text, quoted ? "b,2\na,\"" : "b,2\naa,", 7);
		strcpy(text + 500005, quoted ? "\"\nc,3\n" : "x\nc,3\n");
		path = folder_write_text("long.csv", text);
		loaded_expect(path, 1, "long.csv:2: the record has more than "
		    "500000 bytes\n");
		strcpy(text + 500003, quoted ? "\"\r\nc,3" : "x\r\nc,3");
		path = folder_write_text("long.csv", text);
		t = loaded_table(&path, 1, 1, &problems);
		assert_non_null(t);
		assert_int_equal(table_count(t), 3);
		table_unref(t);
	}
	free(text);
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, loaded_setup, loaded_teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_are_entries),
		TEST(what_is_wrong_has_its_line),
		TEST(columns_are_chosen),
		TEST(there_is_room_for_the_worst),
		TEST(records_may_be_long),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
