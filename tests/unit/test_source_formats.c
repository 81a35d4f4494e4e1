/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables from .json, .jsonl and .cdb files, whole and damaged.
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

#include "cdbs.h"
#include "daemon/builder/builder.h"
#include "folder.h"
#include "loaded.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WEIGHT	"the \"weight\" is not an integer from 0 to 4294967295\n"
#define LINE	"; a line is {\"key\": KEY, \"answer\": ANSWER}\n"

static void
test_json(void **state)
{
	static const struct {
		struct text file;
		const char *expected;
	} rows[] = {
		{ TEXT("{}"), "" },
		{ TEXT("{\"a\": \"1\"}"), "1 a=1\n" },
		{ TEXT("\n{\n\"a\"\n:\n\"1\",\n\n\"b\":\"2\"\n}\n"),
		    "3 a=1\n7 b=2\n" },
		{ TEXT("{\"\\u0061\":\"\\u00e9\\n\\/\\u0007\"}"),
		    "1 a=\xc3\xa9\\\\n/\\\\u0007\n" },
		{ TEXT("{\"\\u0000\":\"\"}"), "1 \\x00=\n" },
		{ TEXT(""), "a.json:1: not an object, at byte 1\n" },
		{ TEXT("[]"), "a.json:1: not an object, at byte 1\n" },
		{ TEXT("\xef\xbb\xbf{\"a\":\"1\"}"),
		    "a.json:1: a byte order mark before the first key\n" },
		{ TEXT("{\"a\":\"1\",}"),
		    "a.json:1: no member name in quotes, at byte 10\n" },
		{ TEXT("{\n\"a\":\"1\",\n"),
		    "a.json:2: no member name in quotes, at byte 9\n" },
		{ TEXT("{\n\"a\":\"1\"\n\n\n"),
		    "a.json:2: unfinished, at byte 8\n" },
		{ TEXT("{\"a\":\n\"1"),
		    "a.json:2: unfinished string, at byte 3\n" },
		{ TEXT("{\"a\":\"1\"}\n\nx"),
		    "a.json:3: something after the end, at byte 1\n" },
		{ TEXT("{\"a\":1,\n\"b\":null,\n\"c\":{},\"d\":\"\\ud800\","
		    "\n\"\":\"\",\"\\udc00\":\"\"}"),
		    "a.json:1: the answer of \"a\" is not a string\n"
		    "a.json:2: the answer of \"b\" is not a string\n"
		    "a.json:3: the answer of \"c\" is not a string\n"
		    "a.json:3: half a surrogate pair in an answer\n"
		    "a.json:4: a key has 1 to 1024 bytes, not 0\n"
		    "a.json:4: half a surrogate pair in a key\n" },
		{ TEXT("{\"a\":1,\n\"b\":\n\"\xff\"}"),
		    "a.json:1: the answer of \"a\" is not a string\n"
		    "a.json:3: " LATIN1 ", at byte 2\n" },
		{ TEXT("{\"a\":\"\xc3\xa9\xe9\"}"),
		    "a.json:1: not UTF-8, at byte 9\n" },
		{ TEXT("{\0\"\0a\0\"\0:\0\"\0\"\0}\0"),
		    "a.json:1: UTF-16, not UTF-8 "
		    "(iconv -f utf-16le -t utf-8)\n" },
		{ TEXT("{\"a\":\"1\",\n\"a\":\"2\"}"),
		    "a.json:2: the key \"a\" was given before, at "
		    "a.json:1" ONE "\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		loaded_expect_always("a.json", &rows[i].file, rows[i].expected);
}

static void
test_json_with_many_members(void **state)
{
	char *text = malloc(100000), *p = text;
	struct problems problems;
	struct table *t;
	const char *path;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 5000; i++)
		p += sprintf(p, "%c\"%d\":\"%d\"", i == 0 ? '{' : ',', i, i);
	strcpy(p, "}");
	path = folder_write_text("many.json", text);
	t = loaded_table(&path, 1, 1, &problems);
	assert_non_null(t);
	assert_int_equal(table_count(t), 5000);
	table_unref(t);
	free(text);
}

#define MEMBERS(key, answer) "{\"key\":" key ",\"answer\":" answer "}"

static void
test_jsonl(void **state)
{
	static const struct {
		struct text file;
		const char *expected;
	} rows[] = {
		{ TEXT(""), "" },
		{ TEXT(MEMBERS("\"a\"", "\"1\"")), "1 a=1\n" },
		{ TEXT(MEMBERS("\"a\"", "\"1\"") "\r\n"
		    "{\"x\":[1,{\"key\":2}],\"answer\":\"\\n\",\"key\":"
		    "\"b\"}\n\r\n \n\n"), "1 a=1\n2 b=\\\\n\n" },
		{ TEXT(MEMBERS("\"a\"", "\"1\"") "\n\n\n"
		    MEMBERS("\"b\"", "\"2\"") "\n \n"
		    MEMBERS("\"c\"", "\"3\"")),
		    "a.jsonl:2: an empty line\na.jsonl:5: an empty line\n" },
		{ TEXT("\n\n" MEMBERS("\"a\"", "\"1\"")),
		    "a.jsonl:1: an empty line\n" },
		{ TEXT("{}\n[]\n" MEMBERS("1", "\"1\"") "\n"
		    MEMBERS("\"a\"", "[]") "\n{\"key\":\"a\"}\n"
		    MEMBERS("\"a\"", "\"1\"") "x\n{\"key\":\"a\n"),
		    "a.jsonl:1: no \"key\"" LINE
		    "a.jsonl:2: not an object, at byte 1\n"
		    "a.jsonl:3: the \"key\" is not a string\n"
		    "a.jsonl:4: the \"answer\" is not a string\n"
		    "a.jsonl:5: no \"answer\"" LINE
		    "a.jsonl:6: something after the end, at byte 25\n"
		    "a.jsonl:7: unfinished string, at byte 10\n" },
		{ TEXT("{\"key\":\"a\",\"answer\":\"1\",\"weight\":7}\n"
		    "{\"weight\":4294967295,\"key\":\"b\",\"answer\":\"\\n\"}"
		    "\n{\"key\":\"c\",\"answer\":\"3\",\"weight\":0}\n"
		    MEMBERS("\"d\"", "\"4\"")),
		    "1 a=1 *7\n2 b=\\\\n *4294967295\n3 c=3\n4 d=4\n" },
		{ TEXT("{\"key\":\"a\",\"answer\":\"1\",\"weight\":-1}\n"
		    "{\"key\":\"b\",\"answer\":\"1\",\"weight\":\"1\"}\n"
		    "{\"key\":\"c\",\"answer\":\"1\",\"weight\":4294967296}\n"
		    "{\"key\":\"d\",\"answer\":\"1\",\"weight\":1.0}\n"),
		    "a.jsonl:1: " WEIGHT "a.jsonl:2: " WEIGHT
		    "a.jsonl:3: " WEIGHT "a.jsonl:4: " WEIGHT },
		{ TEXT("\xef\xbb\xbf" MEMBERS("\"a\"", "\"1\"")),
		    "a.jsonl:1: a byte order mark before the first key\n" },
		{ TEXT(MEMBERS("\"caf\xe9\"", "\"1\"")),
		    "a.jsonl:1: " LATIN1 ", at byte 12\n" },
		{ TEXT("\xfe\xff\0{\0\n\0\n"), "a.jsonl:1: UTF-16, not "
		    "UTF-8 (iconv -f utf-16 -t utf-8)\n" },
		{ TEXT(MEMBERS("\"a\"", "\"1\"") "\n"
		    MEMBERS("\"\\u0061\"", "\"2\"") "\n"),
		    "a.jsonl:2: the key \"a\" was given before, at "
		    "a.jsonl:1" ONE "\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		loaded_expect_always("a.jsonl", &rows[i].file, rows[i].expected);
}

/* What a cdb says is the same whether it is read or mapped. */
static void
expect_cdb(const struct cdb_bytes *c, const char *expected)
{
	const struct text file = { c->p, c->len };

	loaded_options.mapped = false;
	loaded_expect_always("a.cdb", &file, expected);
	loaded_options.mapped = true;
	loaded_expect_always("a.cdb", &file, expected);
}

static void
test_cdb(void **state)
{
	struct cdb_bytes c = { .p = NULL };

	(void)state;
	cdb_start(&c);
	cdb_finish(&c);
	expect_cdb(&c, "");

	cdb_start(&c);
	cdb_put(&c, "a", 1, "1", 1, true);
	cdb_put(&c, "", 0, "\0\0\0", 3, false);
	cdb_put(&c, "b\0", 2, "2\n\"", 3, true);
	cdb_put(&c, "c", 1, "", 0, true);
	cdb_put(&c, "\xc3\xa9", 2, "\xe2\x82\xac", 3, true);
	cdb_finish(&c);
	expect_cdb(&c, "0 a=1\n0 b\\x00=2\\\\n\\\\\"\n"
	    "0 c=\n0 \xc3\xa9=\xe2\x82\xac\n");
	cdb_clear(&c);
}

static void
test_cdb_problems(void **state)
{
	struct cdb_bytes c = { .p = NULL };
	static char long_key[1025];

	(void)state;
	cdb_start(&c);
	cdb_put(&c, "a", 1, "1", 1, true);
	cdb_put(&c, "b\xff", 2, "1", 1, true);
	cdb_put(&c, "c", 1, "\xff", 1, true);
	cdb_put(&c, "", 0, "x", 1, true);
	memset(long_key, 'k', sizeof(long_key));
	cdb_put(&c, long_key, sizeof(long_key), "1", 1, true);
	cdb_finish(&c);
	expect_cdb(&c,
	    "conf:9: a.cdb: the key \"b\\xff\" is not UTF-8\n"
	    "conf:9: a.cdb: the answer of \"c\" is not UTF-8\n"
	    "conf:9: a.cdb: \"\": a key has 1 to 1024 bytes, not 0\n"
	    "conf:9: a.cdb: \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	    "kkkkkkkkkkkkkkkk...\": a key has 1 to 1024 bytes, not 1025\n");

	cdb_start(&c);
	cdb_put(&c, "a", 1, "1", 1, true);
	cdb_put(&c, "b", 1, "\n", 1, true);
	cdb_put(&c, "a", 1, "2", 1, true);
	cdb_put(&c, "b", 1, "3", 1, true);
	cdb_finish(&c);
	expect_cdb(&c, "conf:9: a.cdb: record 3: the key \"a\" was given "
	    "before, at record 1 of a.cdb" ONE "\n"
	    "conf:9: a.cdb: record 4: the key \"b\" was given before, at "
	    "record 2 of a.cdb" ONE "\n");
	loaded_options.duplicates = TABLE_DUPLICATES_LAST;
	expect_cdb(&c, "0 a=2\n0 b=3\n");
	loaded_options.duplicates = TABLE_DUPLICATES_FIRST;
	expect_cdb(&c, "0 a=1\n0 b=\\\\n\n");
	cdb_clear(&c);
}

/* Cut short and with wrong bytes: a problem, or another answer, no crash. */
static void
damage_cdb(const struct cdb_bytes *c)
{
	const char *path = NULL;
	size_t wrong = 0;
	char *text;

	for (size_t len = 0; len < c->len; len += len < 2040 ? 17 : 1) {
		unlink(folder_path("d.cdb"));
		path = folder_write("d.cdb", c->p, len);
		text = loaded_outcome(path, 1);
		assert_non_null(strstr(text, "conf:9: d.cdb: damaged: "));
		free(text);
	}
	for (size_t i = 0; i < c->len; i += i < 2040 ? 5 : 1)
		for (int bit = 0; bit < 8; bit += i < 2048 ? 3 : 1) {
			c->p[i] ^= (char)(1 << bit);
			/* To overwrite a file may wait for the disk. */
			unlink(path);
			path = folder_write("d.cdb", c->p, c->len);
			c->p[i] ^= (char)(1 << bit);
			text = loaded_outcome(path, 1);
			wrong += strncmp(text, "conf:9: ", 8) == 0;
			free(text);
		}
	/* Most of the header says where empty tables are. */
	assert_true(wrong > 300);
}

static void
test_damaged_cdb(void **state)
{
	struct cdb_bytes c = { .p = NULL };

	(void)state;
	cdb_start(&c);
	for (char k = 'a'; k <= 'h'; k++)
		cdb_put(&c, &k, 1, "answer", 6, true);
	cdb_finish(&c);
	damage_cdb(&c);
	loaded_options.mapped = true;
	damage_cdb(&c);
	cdb_clear(&c);
}

/* Set where a hash table is, in a cdb that is finished. */
static void
set_table(struct cdb_bytes *c, unsigned int table, size_t position,
    size_t slots)
{
	for (unsigned int i = 0; i < 4; i++) {
		c->p[8 * table + i] = (char)(position >> 8 * i);
		c->p[8 * table + 4 + i] = (char)(slots >> 8 * i);
	}
}

/*
 * Slots that are read 256 times are a load of minutes; where they are zeros,
 * one of no entries at that.
 */
static void
test_overlapping_cdb(void **state)
{
	static const char overlap[] =
	    "conf:9: a.cdb: damaged: hash tables overlap\n";
	struct cdb_bytes c = { .p = NULL };

	(void)state;
	cdb_start(&c);
	/* Room for 8 slots, as records that no table has. */
	for (int i = 0; i < 8; i++)
		cdb_put(&c, "", 0, "", 0, false);
	cdb_finish(&c);
	for (unsigned int i = 0; i < 256; i++)
		set_table(&c, i, 2048, 8);
	expect_cdb(&c, overlap);
	/* One alone is odd, and no harm. */
	for (unsigned int i = 0; i < 256; i++)
		set_table(&c, i, 2048, i == 7 ? 8 : 0);
	expect_cdb(&c, "");
	/* Side by side, in any order, and one within another. */
	set_table(&c, 200, 2048, 4);
	set_table(&c, 7, 2048 + 4 * 8, 4);
	expect_cdb(&c, "");
	set_table(&c, 200, 2048, 5);
	expect_cdb(&c, overlap);
	set_table(&c, 200, 2048 + 5 * 8, 1);
	expect_cdb(&c, overlap);
	/* By one byte. */
	set_table(&c, 200, 2048, 4);
	set_table(&c, 7, 2048 + 4 * 8 - 1, 4);
	expect_cdb(&c, overlap);
	cdb_clear(&c);
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, loaded_setup, loaded_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_json),
		TEST(test_json_with_many_members),
		TEST(test_jsonl),
		TEST(test_cdb),
		TEST(test_cdb_problems),
		TEST(test_damaged_cdb),
		TEST(test_overlapping_cdb),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
