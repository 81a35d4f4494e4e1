/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Digests of tables: the same for the same entries, however they came, and
 * others for others.
 */

#include "config.h"

#include "daemon/table/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cdbs.h"
#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source.h"
#include "daemon/source/source_job.h"
#include "daemon/table/fold.h"
#include "daemon/table/table.h"
#include "folder.h"
#include "loaded.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))
#define ENTRIES		3000
#define LONGEST		2000	/* bytes of an entry, at most */

typedef char hex[DIGEST_TEXT_SIZE];

/* The digest of what comes of some files. */
static const char *
digest_of_files(const char *const *paths, size_t n, unsigned int threads,
    hex text)
{
	struct problems problems;
	struct table *t = loaded_table(paths, n, threads, &problems);

	if (t == NULL)
		problems_print(&problems, stderr);
	assert_non_null(t);
	digest_text(table_digest(t), text);
	table_unref(t);
	return text;
}

static const char *
digest_of_text(const char *name, const char *text, hex to)
{
	const char *path = folder_write_text(name, text);

	return digest_of_files(&path, 1, 1, to);
}

/* The sum as the manual has it, of entries with a NUL behind each. */
static void
expect_sum(const struct digest_sum *sum, const char *const (*entries)[2],
    size_t n)
{
	unsigned __int128 all = 0;

	for (size_t i = 0; i < n; i++) {
		char bytes[64];
		int len = snprintf(bytes, sizeof(bytes), "%s%s",
		    entries[i][0], entries[i][1]);
		XXH128_hash_t h = XXH3_128bits_withSeed(bytes, (size_t)len,
		    strlen(entries[i][0]) * UINT64_C(11400714819323198485));

		all += (unsigned __int128)h.high64 << 64 | h.low64;
	}
	assert_true(sum->high == (uint64_t)(all >> 64));
	assert_true(sum->low == (uint64_t)all);
}

static void
a_sum_is_what_the_manual_says(void **state)
{
	static const char *const entries[][2] = { { "ring", "In the caves" },
	    { "a", "" }, { "ab", "c" }, { "vpn", "Room 1." } };
	struct digest_sum sum = { 0, 0 };
	struct digest digest;
	hex text;

	(void)state;
	digest = digest_end(&sum, 0);
	assert_string_equal(digest_text(&digest, text),
	    "10e45c7ce2292320743df94ee4c78a2a");
	for (size_t i = 0; i < COUNT(entries); i++)
		digest_add(&sum, entries[i][0], strlen(entries[i][0]),
		    entries[i][1], strlen(entries[i][1]));
	expect_sum(&sum, entries, COUNT(entries));
	digest = digest_end(&sum, COUNT(entries));
	assert_string_equal(digest_text(&digest, text),
	    "6b8f10e5993c3ad0d4958667570a9f4a");
	for (size_t i = 0; i < COUNT(entries); i++)
		digest_take(&sum, entries[i][0], strlen(entries[i][0]),
		    entries[i][1], strlen(entries[i][1]));
	assert_true(sum.low == 0 && sum.high == 0);
}

/* In a row or apart, of all lengths. */
static void
where_bytes_lie_means_nothing(void **state)
{
	char *all = malloc(LONGEST), *key = malloc(LONGEST);

	(void)state;
	assert_non_null(all);
	assert_non_null(key);
	for (size_t i = 0; i < LONGEST; i++)
		all[i] = (char)(i * i >> 3);
	for (size_t len = 1; len < LONGEST; len += len < 300 ? 1 : 97)
		for (size_t key_len = 1; key_len <= len && key_len <=
		    TABLE_KEY_MAX; key_len += 1 + key_len / 3) {
			struct digest_sum row = { 7, UINT64_MAX };
			struct digest_sum apart = row;

			memcpy(key, all, key_len);
			digest_add(&row, all, key_len, all + key_len,
			    len - key_len);
			digest_add(&apart, key, key_len, all + key_len,
			    len - key_len);
			assert_true(row.low == apart.low &&
			    row.high == apart.high);
			digest_take(&row, key, key_len, all + key_len,
			    len - key_len);
			assert_true(row.low == 7 && row.high == UINT64_MAX);
		}
	free(all);
	free(key);
}

/* Each differs from all others. */
static void
other_entries_have_another(void **state)
{
	static const char *const texts[] = { "", "a\tb\n", "a\tc\n", "b\ta\n",
	    "ab\t\n", "a\tbc\n", "ab\tc\n", "A\tb\n", "a\tb\nb\ta\n",
	    "a\ta\nb\tb\n", "a\tbX\nab\tY\n", "ab\tX\na\tbY\n",
	    "a\tbcde\nabcd\te\n", "ab\tcde\nabc\tde\n" };
	hex seen[COUNT(texts)];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		digest_of_text("t.tsv", texts[i], seen[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
}

static void
of_equal_keys_one_counts(void **state)
{
	static const struct {
		enum table_duplicates duplicates;
		const char *text, *same;
	} rows[] = {
		{ TABLE_DUPLICATES_FIRST, "a\t1\nb\t2\na\t3\na\t4\n",
		    "b\t2\na\t1\n" },
		{ TABLE_DUPLICATES_LAST, "a\t1\nb\t2\na\t3\na\t4\n",
		    "a\t4\nb\t2\n" },
		{ TABLE_DUPLICATES_LAST, "a\t1\na\t1\n", "a\t1\n" },
		{ TABLE_DUPLICATES_JOIN, "a\t1\nb\t2\na\t3\na\t\\\\\n",
		    "b\t2\na\t1\\n3\\n\\\\\n" },
		{ TABLE_DUPLICATES_JOIN, "a\t1\nb\t2\n", "b\t2\na\t1\n" }
	};
	hex with, without;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		loaded_options.duplicates = rows[i].duplicates;
		digest_of_text("t.tsv", rows[i].text, with);
		loaded_options.duplicates = TABLE_DUPLICATES_ERROR;
		digest_of_text("t.tsv", rows[i].same, without);
		assert_string_equal(with, without);
	}
}

/* Which keys are the same is another matter than what they are. */
static void
folding_and_searching_change_nothing(void **state)
{
	static const char text[] = "RING\tIn the caves\n\u00c4pfel\trot\n"
	    "plain\tas it is\nSTRASSE\t\n";
	static const char again[] = "RING\tone\nring\ttwo\nRING\tthree\n";
	hex plain, folded;

	(void)state;
	if (!fold_available())
		skip();
	digest_of_text("t.tsv", text, plain);
	loaded_options.fold = true;
	loaded_options.ways = TABLE_WAY(TABLE_EXACT) |
	    TABLE_WAY(TABLE_PREFIX) | TABLE_WAY(TABLE_FUZZY);
	digest_of_text("t.tsv", text, folded);
	assert_string_equal(plain, folded);
	loaded_options.duplicates = TABLE_DUPLICATES_LAST;
	digest_of_text("t.tsv", again, folded);
	loaded_options.fold = false;
	digest_of_text("t.tsv", "ring\ttwo\nRING\tthree\n", plain);
	assert_string_equal(plain, folded);
}

static const char *
write_cdb(void)
{
	struct cdb_bytes c = { .p = NULL };
	const char *path;

	cdb_start(&c);
	cdb_put(&c, "two", 3, "says \"2\"\n", 9, true);
	cdb_put(&c, "one", 3, "\xe2\x82\xac", 3, true);
	cdb_put(&c, "none", 4, "", 0, true);
	cdb_finish(&c);
	path = folder_write("t.cdb", c.p, c.len);
	cdb_clear(&c);
	return path;
}

static void
formats_say_the_same(void **state)
{
	const char *cdb = write_cdb();
	hex tsv, other;

	(void)state;
	digest_of_text("t.tsv", "one\t\u20ac\nnone\t\ntwo\tsays \"2\"\\n\n", tsv);
	digest_of_text("t.json", "{\"none\": \"\", \"two\": \"says \\u00222\\\""
	    "\\u000A\", \"one\": \"\\u20ac\"}", other);
	assert_string_equal(other, tsv);
	digest_of_text("t.jsonl", "{\"key\": \"two\", \"answer\": "
	    "\"says \\\"2\\\"\\n\"}\n{\"key\": \"none\", \"answer\": \"\"}\n"
	    "{\"key\": \"one\", \"answer\": \"\u20ac\"}\n", other);
	assert_string_equal(other, tsv);
	assert_string_equal(digest_of_files(&cdb, 1, 1, other), tsv);
	loaded_options.mapped = true;
	assert_string_equal(digest_of_files(&cdb, 1, 1, other), tsv);
	loaded_options.duplicates = TABLE_DUPLICATES_FIRST;
	assert_string_equal(digest_of_files((const char *[]){ cdb, cdb }, 2,
	    1, other), tsv);
	if (!fold_available())
		return;
	loaded_options.fold = true;
	assert_string_equal(digest_of_files((const char *[]){ cdb, cdb }, 2,
	    1, other), tsv);
}

/* Entries from..to, backwards or not, to a file. */
static const char *
write_entries(const char *name, int from, int to, bool backwards)
{
	const char *path = folder_path(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = from; i < to; i++)
		fprintf(f, "key %d\tanswer %d\n", backwards ?
		    to - 1 - (i - from) : i, (backwards ?
		    to - 1 - (i - from) : i) % 7);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* One file or three, cut up or not; some keys come twice. */
static void
order_files_and_threads_change_nothing(void **state)
{
	hex one, other;

	(void)state;
	digest_of_files((const char *[]){ write_entries("0.tsv", 0, ENTRIES,
	    false) }, 1, 1, one);
	loaded_options.duplicates = TABLE_DUPLICATES_FIRST;
	source_tuning.part_min = 100;
	for (unsigned int threads = 1; threads <= 4; threads += 3) {
		digest_of_files((const char *[]){
		    write_entries("1.tsv", 1000, ENTRIES, true),
		    write_entries("2.tsv", 500, 1000, false),
		    write_entries("3.tsv", 0, 2000, true) }, 3, threads,
		    other);
		assert_string_equal(one, other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, loaded_setup, \
    loaded_teardown)
		TEST(a_sum_is_what_the_manual_says),
		TEST(where_bytes_lie_means_nothing),
		TEST(other_entries_have_another),
		TEST(of_equal_keys_one_counts),
		TEST(folding_and_searching_change_nothing),
		TEST(formats_say_the_same),
		TEST(order_files_and_threads_change_nothing)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
