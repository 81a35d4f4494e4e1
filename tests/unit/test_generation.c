/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A load as a whole: what it gives, and all that can be wrong with it.
 */

#include "config.h"

#include "daemon/snapshot/generation.h"

#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "confs.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/digest.h"
#include "daemon/table/fold.h"
#include "daemon/table/table.h"
#include "folder.h"

/* What is said of a key that comes again without "table main". */
#define AGAIN	" (table main duplicates=first or last keeps one, join all)"

static struct generation *
load(const char *text)
{
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen = generation_load(folder_write_text("F", text),
	    NULL, &problems);
	char *lines = confs_problems(&problems);

	assert_string_equal(lines, "");
	free(lines);
	assert_non_null(gen);
	return gen;
}

static void
expect_place(const struct snapshot_answer *a, const char *file,
    unsigned int line)
{
	const char *found;
	unsigned int n;

	table_locate(a->table, a->id, &found, &n);
	assert_string_equal(found, file);
	assert_int_equal(n, line);
}

static void
expect_refused(const char *text, const char *expected)
{
	struct problems problems = PROBLEMS_INIT;
	char *lines;

	assert_null(generation_load(folder_write_text("F", text), NULL,
	    &problems));
	lines = confs_problems(&problems);
	assert_string_equal(lines, expected);
	free(lines);
}

static void
a_load_has_one_reference(void **state)
{
	struct generation *gen = load(LISTEN);

	(void)state;
	assert_int_equal(gen->number, 0);
	assert_int_equal(gen->refs, 1);
	assert_non_null(gen->conf);
	assert_non_null(gen->snap);
	assert_true(gen->loaded_at > 0);
	assert_int_equal(snapshot_count(gen->snap), 0);
	assert_ptr_equal(generation_ref(gen), gen);
	assert_int_equal(gen->refs, 2);
	generation_unref(gen);
	assert_int_equal(gen->refs, 1);
	generation_unref(gen);
	generation_unref(NULL);
}

static void
answers_are_found_with_their_place(void **state)
{
	struct snapshot_answer a;
	struct generation *gen;
	char *text;
	size_t len;

	(void)state;
	folder_write_text("more", "\n\nanswer \"b\\u0000\" \"\\u0000\\\"\"\n");
	gen = load(LISTEN "answer a \"plain \xf0\x9f\x90\xb0\"\n"
	    "include more\nanswer c \"\"\n");
	assert_int_equal(snapshot_count(gen->snap), 3);
	assert_true(snapshot_memory(gen->snap) > 0);
	assert_true(snapshot_find(gen->snap, NULL, "a", 1, &a));
	assert_string_equal(table_name(a.table), "main");
	expect_place(&a, folder_path("F"), 2);
	assert_int_equal(a.text_len, 10);
	assert_memory_equal(a.text, "plain \xf0\x9f\x90\xb0", 10);
	assert_true(snapshot_find(gen->snap, NULL, "b\0", 2, &a));
	expect_place(&a, folder_path("more"), 3);
	/* As it is sent, and as it was. */
	assert_int_equal(a.text_len, 8);
	assert_memory_equal(a.text, "\\u0000\\\"", 8);
	text = snapshot_answer_text(&a, &len);
	assert_non_null(text);
	assert_int_equal(len, 2);
	assert_memory_equal(text, "\0\"", 2);
	free(text);
	assert_true(snapshot_find(gen->snap, NULL, "c", 1, &a));
	expect_place(&a, folder_path("F"), 4);
	assert_int_equal(a.text_len, 0);
	assert_false(snapshot_find(gen->snap, NULL, "b", 1, &a));
	assert_false(snapshot_find(gen->snap, NULL, "", 0, &a));
	assert_false(snapshot_find_blob(gen->snap, "a", 1, &a));
	generation_unref(gen);
}

static void
binary_entries_have_their_bytes_and_type(void **state)
{
	char key[CONF_KEY_MAX + 1];
	struct snapshot_answer a;
	struct generation *gen;

	(void)state;
	assert_int_equal(mkdir(folder_path("sub"), 0777), 0);
	folder_write("sub/bytes", "\0\xff\n", 3);
	folder_write("empty", "", 0);
	gen = load(LISTEN "binary a file sub/bytes type=\"x/\\\"y\\\"\"\n"
	    "binary b file empty\nanswer a x\n");
	assert_int_equal(snapshot_count(gen->snap), 3);
	assert_true(snapshot_find_blob(gen->snap, "a", 1, &a));
	assert_int_equal(a.text_len, 3);
	assert_memory_equal(a.text, "\0\xff\n", 3);
	assert_int_equal(a.type_len, 7);
	assert_memory_equal(a.type, "x/\\\"y\\\"", 7);
	expect_place(&a, folder_path("F"), 2);
	assert_true(snapshot_find_blob(gen->snap, "b", 1, &a));
	assert_int_equal(a.text_len, 0);
	assert_int_equal(a.type_len, 24);
	assert_memory_equal(a.type, "application/octet-stream", 24);
	memset(key, 'k', sizeof(key));
	assert_false(snapshot_find_blob(gen->snap, key, sizeof(key), &a));
	assert_false(snapshot_find_blob(gen->snap, key, 0, &a));
	generation_unref(gen);
}

static void
what_is_read_is_no_longer_needed(void **state)
{
	struct snapshot_answer a;
	struct generation *gen;

	(void)state;
	folder_write_text("bytes", "one");
	gen = load(LISTEN "binary a file bytes\nanswer a one\n");
	assert_true(STAILQ_EMPTY(&gen->conf->answers));
	assert_true(STAILQ_EMPTY(&gen->conf->binaries));
	folder_write_text("bytes", "two");
	folder_write_text("F", "");
	assert_true(snapshot_find_blob(gen->snap, "a", 1, &a));
	assert_memory_equal(a.text, "one", 3);
	assert_true(snapshot_find(gen->snap, NULL, "a", 1, &a));
	assert_memory_equal(a.text, "one", 3);
	generation_unref(gen);
}

static void
a_key_given_twice_is_told(void **state)
{
	(void)state;
	folder_write_text("bytes", "x");
	folder_write_text("more", "answer a 3\n");
	expect_refused(LISTEN "answer a 1\nanswer b 1\nanswer a 2\n"
	    "include more\nbinary a file bytes\nbinary a file bytes\n",
	    "F:4: the key \"a\" was given before, at F:2" AGAIN "\n"
	    "F:7: the key \"a\" was given before, at F:6" AGAIN "\n"
	    "more:1: the key \"a\" was given before, at F:2" AGAIN "\n");
	expect_refused(LISTEN "answer \"\\u0001\" 1\nanswer \"\\u0001\" 2\n",
	    "F:3: the key \"\\x01\" was given before, at F:2" AGAIN "\n");
}

/* As those of a table from files. */
static void
answer_lines_have_options(void **state)
{
	struct snapshot_answer a;
	struct generation *gen;
	const struct table *t;
	size_t n;

	(void)state;
	gen = load("table main search=prefix duplicates=last\n" LISTEN
	    "answer a 1\nanswer a 2\n");
	t = snapshot_tables(gen->snap, &n)[0];
	assert_int_equal(table_ways(t), TABLE_WAY(TABLE_EXACT) |
	    TABLE_WAY(TABLE_PREFIX));
	assert_int_equal(table_count(t), 1);
	assert_true(snapshot_find(gen->snap, NULL, "a", 1, &a));
	assert_memory_equal(a.text, "2", 1);
	generation_unref(gen);
	if (!fold_available()) {
		expect_refused(LISTEN "table main fold=yes\n", "F:2: table "
		    "main: fold=yes needs an appmsgd that was built with "
		    "libutf8proc\n");
		return;
	}
	gen = load(LISTEN "answer Stra\xc3\x9f" "e 1\ntable main fold=yes\n");
	assert_true(table_folds(snapshot_tables(gen->snap, &n)[0]));
	assert_true(snapshot_find(gen->snap, NULL, "STRASSE", 7, &a));
	expect_place(&a, folder_path("F"), 2);
	generation_unref(gen);
	gen = load(LISTEN "table main fold=yes\nanswer a 1\nanswer A 1\n");
	assert_true(snapshot_find(gen->snap, NULL, "a", 1, &a));
	expect_place(&a, folder_path("F"), 3);
	assert_true(snapshot_find(gen->snap, NULL, "A", 1, &a));
	expect_place(&a, folder_path("F"), 4);
	generation_unref(gen);
}

/* Of the configuration and of the tables, in one list. */
static void
all_problems_are_told_at_once(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	char *lines;

	(void)state;
	expect_refused(LISTEN "answer a 1\nbinary b file missing\n"
	    "limit header 5\nanswer a 2\n",
	    "F:3: missing: No such file or directory\n"
	    "F:4: 5 is not within 64 and 65535\n"
	    "F:5: the key \"a\" was given before, at F:2" AGAIN "\n");
	expect_refused("", "F: no listen directive\n");
	assert_null(generation_load(folder_path("missing"), NULL, &problems));
	lines = confs_problems(&problems);
	assert_string_equal(lines,
	    "missing: cannot read it: No such file or directory\n");
	free(lines);
}

/* Fails unless all tables together are a text, digests left out. */
static void
expect_digest(const char *text, const char *expected)
{
	struct generation *gen = load(text);
	char lines[1024] = "", shape[1024] = "", one[DIGEST_TEXT_SIZE];
	struct digest digest;
	size_t n;

	for (int blobs = 0; blobs < 2; blobs++) {
		const struct table *const *list = blobs ?
		    snapshot_blobs(gen->snap, &n) :
		    snapshot_tables(gen->snap, &n);

		for (size_t i = 0; i < n; i++) {
			size_t at = strlen(lines);

			if (!snapshot_is_told(list[i]))
				continue;
			snprintf(lines + at, sizeof(lines) - at, "%s %s %s\n",
			    table_name(list[i]), blobs ? "binary" : "answers",
			    digest_text(table_digest(list[i]), one));
			at = strlen(shape);
			snprintf(shape + at, sizeof(shape) - at, "%s %s\n",
			    table_name(list[i]), blobs ? "binary" : "answers");
		}
	}
	assert_string_equal(shape, expected);
	digest = digest_of(lines, strlen(lines));
	assert_memory_equal(&digest, snapshot_digest(gen->snap),
	    sizeof(digest));
	generation_unref(gen);
}

static void
a_digest_is_of_names_and_digests_in_order(void **state)
{
	(void)state;
	folder_write_text("a.tsv", "a\t1\n");
	folder_write_text("b.tsv", "");
	folder_write_text("blob", "bytes");
	expect_digest(LISTEN, "");
	expect_digest(LISTEN "answer a b\n", "main answers\n");
	expect_digest(LISTEN "table b file b.tsv\n"
	    "table blobs binary blob\ntable a file a.tsv\n"
	    "binary x file blob\nanswer a b\n",
	    "main answers\nb answers\na answers\nmain binary\n"
	    "blobs binary\n");
}

static void
expect_equal(const char *a, const char *b, bool equal)
{
	struct generation *x = load(a), *y = load(b);

	assert_true((memcmp(snapshot_digest(x->snap), snapshot_digest(y->snap),
	    sizeof(struct digest)) == 0) == equal);
	generation_unref(x);
	generation_unref(y);
}

static void
a_digest_is_of_what_is_answered(void **state)
{
	static const char tables[] = LISTEN "table a file a.tsv\n"
	    "table b file b.tsv\n";

	(void)state;
	folder_write_text("a.tsv", "a\t1\nb\t2\n");
	folder_write_text("b.tsv", "c\t3\n");
	folder_write_text("c.jsonl", "{\"key\": \"b\", \"answer\": \"2\"}\n"
	    "{\"key\": \"a\", \"answer\": \"1\"}\n");
	folder_write_text("blob", "bytes");
	expect_equal(tables, LISTEN "workers 2\ntable a file c.jsonl "
	    "search=exact allow=192.0.2.0/24\ntable b file b.tsv search=fuzzy\n",
	    true);
	expect_equal(tables, LISTEN "table b file b.tsv\n"
	    "table a file a.tsv\n", false);
	expect_equal(tables, LISTEN "table a file b.tsv\n"
	    "table b file a.tsv\n", false);
	expect_equal(LISTEN "answer a b\n", LISTEN "answer a \"b\"\n"
	    "table main search=exact\n", true);
	expect_equal(LISTEN "binary a file blob\n", LISTEN
	    "binary a file blob type=application/octet-stream\n", true);
	expect_equal(LISTEN "binary a file blob\n", LISTEN
	    "binary a file blob type=text/plain\n", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_has_one_reference),
		cmocka_unit_test(answers_are_found_with_their_place),
		cmocka_unit_test(binary_entries_have_their_bytes_and_type),
		cmocka_unit_test(a_digest_is_of_names_and_digests_in_order),
		cmocka_unit_test(a_digest_is_of_what_is_answered),
		cmocka_unit_test(what_is_read_is_no_longer_needed),
		cmocka_unit_test(a_key_given_twice_is_told),
		cmocka_unit_test(answer_lines_have_options),
		cmocka_unit_test(all_problems_are_told_at_once)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
