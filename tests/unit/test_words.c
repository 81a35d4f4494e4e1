/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The index of words: many of them, long lists, whatever the threads; what
 * answers have in escapes; what a value may be; and memory that runs out.
 */

#include "config.h"

#include "daemon/index/index_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/index/index_private.h"
#include "daemon/index/index_union.h"
#include "daemon/index/index_words_private.h"
#include "daemon/search/search.h"
#include "daemon/table/fold.h"
#include "failing.h"
#include "roll.h"

#define EACH_SLICE	1000000	/* us */
#define KEYS		60000
#define KEY_LEN		15	/* of seven digits, a blank, seven digits */
#define WORDS		200000	/* that there may be */
#define ANSWER_MAX	8192

struct row {
	const char *key, *answer;	/* as the table has it: escaped */
};

/* All weigh something, but some, among them the only one of a table. */
static struct table *
table_of(const struct row *rows, size_t n, bool folds, unsigned int threads,
    struct problems *problems)
{
	struct table_options options = { .name = "t",
	    .ways = TABLE_WAY(TABLE_WORDS) | TABLE_WAY(TABLE_TEXT),
	    .fold = folds, .duplicates = TABLE_DUPLICATES_FIRST };
	size_t bytes = n * TABLE_ENTRY_ROOM(64, ANSWER_MAX) + 4096;
	struct table_builder *builder = table_builder_new(&options, bytes);
	struct table_segment *segment = NULL;

	if (builder != NULL)
		segment = table_builder_segment(builder, "f", bytes - 4096);
	if (segment == NULL) {
		table_builder_free(builder);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		const struct table_entry entry = { .key = rows[i].key,
		    .key_len = strlen(rows[i].key), .value = rows[i].answer,
		    .value_len = strlen(rows[i].answer) };

		if (table_segment_add_weighed(segment, &entry,
		    (uint32_t)(i * 31 % 1000), (unsigned int)i + 1) == -1) {
			table_builder_free(builder);
			return NULL;
		}
	}
	return table_builder_finish(builder, threads, problems);
}

static struct table *
table_sure(const struct row *rows, size_t n, bool folds, unsigned int threads)
{
	struct problems problems = PROBLEMS_INIT;
	struct table *table = table_of(rows, n, folds, threads, &problems);

	assert_non_null(table);
	return table;
}

/*
 * Search a table.
 *
 * keys  set to the keys that are found, with a comma between them
 */
static enum search_result
ask(const struct table *table, enum table_way way, const char *value,
    size_t len, char *keys, size_t cap)
{
	const struct search_query query = { .way = way, .key = value,
	    .key_len = len, .limit = 10 };
	struct search *search = search_new(&table, 1, &query);
	const struct search_match *list;
	enum search_result result;
	size_t n, used = 0;
	bool more;

	keys[0] = '\0';
	if (search == NULL)
		return SEARCH_FAILED;
	do
		result = search_step(search, EACH_SLICE);
	while (result == SEARCH_MORE);
	n = result == SEARCH_DONE ? search_matches(search, &list, &more) : 0;
	for (size_t i = 0; i < n; i++) {
		struct table_entry entry;

		table_entry(table, list[i].id, &entry);
		used += (size_t)snprintf(keys + used, cap - used, "%s%.*s",
		    i > 0 ? "," : "", (int)entry.shown_len, entry.shown);
	}
	if (result == SEARCH_BAD)
		snprintf(keys, cap, "%s", search_why(search));
	search_free(search);
	return result;
}

static void
expect(const struct table *table, enum table_way way, const char *value,
    const char *keys)
{
	char found[4096];

	assert_int_equal(ask(table, way, value, strlen(value), found,
	    sizeof(found)), SEARCH_DONE);
	assert_string_equal(found, keys);
}

/* Two words a key; the second is the same in many. */
static struct table *
many(unsigned int threads)
{
	static char keys[KEYS][KEY_LEN + 1];
	static struct row rows[KEYS];

	for (size_t i = 0; i < KEYS; i++) {
		/* All over the words, and each time the same. */
		unsigned int a = (unsigned int)(i * 7919 * 5 % WORDS);
		unsigned int b = (unsigned int)(i % 3 == 0 ? i % 7 :
		    i * 104729 % WORDS);

		snprintf(keys[i], sizeof(keys[i]), "%07u %07u", a, b);
		rows[i] = (struct row){ keys[i], "" };
	}
	return table_sure(rows, KEYS, false, threads);
}

/* Whether a word of a key begins with a string. */
static bool
key_has(const struct index *index, uint32_t rank, const char *str, size_t len)
{
	size_t key_len;
	const uint8_t *key = index_key(index, rank, &key_len);

	assert_int_equal(key_len, KEY_LEN);
	return memcmp(key, str, len) == 0 || memcmp(key + 8, str, len) == 0;
}

/* Walk all ranks that words beginning so have, with leaps or without. */
static void
check_union(const struct index *index, const char *str, size_t len,
    unsigned int leap)
{
	struct index_union some = { .n = 0 };
	uint32_t lo, hi, rank = 0, found;
	unsigned int work = 0;
	bool any = false;

	for (uint32_t i = 0; i < index->n && !any; i++)
		any = key_has(index, i, str, len);
	assert_int_equal(index_words_find(index->words, (const uint8_t *)str,
	    len, len < 7, &lo, &hi), any);
	if (!any)
		return;
	assert_int_equal(index_union_init(&some, index->words, lo, hi), 0);
	do {
		found = index_union_seek(&some, rank, &work);
		while (rank < index->n && !key_has(index, rank, str, len))
			rank++;
		assert_int_equal(found, rank < index->n ? rank :
		    INDEX_NO_RANK);
		rank += 1 + (leap > 0 ? roll(leap) : 0);
	} while (found != INDEX_NO_RANK);
	index_union_clear(&some);
}

static void
many_words_are_found(void **state)
{
	static const unsigned int leaps[] = { 0, 0, 10, 300, 5000, 40000 };
	struct table *table = many(2);
	const struct index *index = table_index(table);

	(void)state;
	/* Groups of groups: what is tested has them. */
	assert_true(index->words->levels[0].n > 200);
	assert_int_equal(index->words->levels[1].n, 1);
	for (unsigned int i = 0; i < 300; i++) {
		char str[8];
		size_t len = i == 0 ? 0 : 1 + roll(7);

		snprintf(str, sizeof(str), "%07u", roll(2) == 0 ? roll(7) :
		    roll(WORDS));
		check_union(index, str, len, leaps[roll(6)]);
	}
	table_unref(table);
}

/* Any words, not only those with a common beginning. */
static void
any_words_are_covered(void **state)
{
	struct table *table = many(1);
	const struct index *index = table_index(table);
	uint8_t *has = calloc(index->n, 1), *got = calloc(index->n, 1);
	struct index_cursor *cursors = calloc(INDEX_COVER_MAX,
	    sizeof(*cursors));

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		uint32_t n = index->words->n, lo = roll(n), hi, one;
		size_t count;

		hi = lo + 1 + roll(i % 2 == 0 ? n - lo :
		    n - lo < 2000 ? n - lo : 2000);
		memset(has, 0, index->n);
		memset(got, 0, index->n);
		for (one = lo; one < hi; one++) {
			assert_int_equal(index_words_cover(index->words, one,
			    one + 1, cursors), 1);
			while (cursors->rank != INDEX_NO_RANK) {
				has[cursors->rank] = 1;
				index_cursor_next(cursors);
			}
		}
		count = index_words_cover(index->words, lo, hi, cursors);
		assert_true(count <= INDEX_COVER_MAX);
		for (size_t j = 0; j < count; j++)
			while (cursors[j].rank != INDEX_NO_RANK) {
				got[cursors[j].rank] = 1;
				index_cursor_next(&cursors[j]);
			}
		assert_memory_equal(has, got, index->n);
	}
	free(has);
	free(got);
	free(cursors);
	table_unref(table);
}

static void
expect_same(const struct index_words *a, const struct index_words *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->words.len, b->words.len);
	assert_memory_equal(a->words.p, b->words.p, a->words.len);
	assert_int_equal(a->groups.len, b->groups.len);
	assert_memory_equal(a->groups.p, b->groups.p, a->groups.len);
	assert_int_equal(a->blocks_n, b->blocks_n);
	assert_memory_equal(a->blocks, b->blocks,
	    a->blocks_n * sizeof(*a->blocks));
}

static void
threads_change_nothing(void **state)
{
	struct table *one = many(1);

	(void)state;
	for (unsigned int threads = 2; threads < 20; threads += 5) {
		struct table *more = many(threads);

		expect_same(table_index(one)->words,
		    table_index(more)->words);
		expect_same(table_index(one)->texts,
		    table_index(more)->texts);
		expect_same(table_index(one)->weighed_words,
		    table_index(more)->weighed_words);
		expect_same(table_index(one)->weighed_texts,
		    table_index(more)->weighed_texts);
		table_unref(more);
	}
	table_unref(one);
}

static const struct row cities[] = {
	{ "York, New", "a spelling of libraries" },
	{ "America/New_York", "UTC-5" },
	{ "New York", "The big apple" },
	{ "New Yorkshire", "nowhere" },
	{ "new york", "small" },
	{ "York", "in England, not new at all\\nnor big" },
	{ "Jersey", "New, near New York" },
	{ "++", "plus" },
	{ "C++", "a language\\\\worse" },
	{ "\xc3\x85lesund", "caf\\u00e9 \\ud83d\\udc30x\\ttab\\u0301" }
};
#define CITIES	(sizeof(cities) / sizeof(*cities))

static void
what_people_mean_comes_first(void **state)
{
	struct table *table = table_sure(cities, CITIES, false, 1);

	(void)state;
	expect(table, TABLE_WORDS, "New York", "New York,New Yorkshire,"
	    "America/New_York,York, New");
	/* The last one is a beginning, the others are not. */
	expect(table, TABLE_WORDS, "York New", "America/New_York,New York,"
	    "York, New");
	expect(table, TABLE_WORDS, "Yor, New", "");
	expect(table, TABLE_WORDS, "New Yorks", "New Yorkshire");
	expect(table, TABLE_WORDS, "york", "new york");
	expect(table, TABLE_WORDS, "big", "");
	expect(table, TABLE_TEXT, "New York", "New York,New Yorkshire,"
	    "America/New_York,York, New,Jersey");
	expect(table, TABLE_TEXT, "big York", "New York,York");
	expect(table, TABLE_TEXT, "York big", "New York,York");
	expect(table, TABLE_TEXT, "big app", "New York");
	/* Escapes are what they stand for. */
	expect(table, TABLE_TEXT, "nor", "York");
	expect(table, TABLE_TEXT, "nnor", "");
	expect(table, TABLE_TEXT, "worse", "C++");
	expect(table, TABLE_TEXT, "caf\xc3\xa9", "\xc3\x85lesund");
	expect(table, TABLE_TEXT, "u00e9", "");
	if (fold_available())
		expect(table, TABLE_TEXT, "x ta", "\xc3\x85lesund");
	expect(table, TABLE_TEXT, "tab\xcc\x81", "\xc3\x85lesund");
	/* Without a word: keys that begin so. */
	expect(table, TABLE_WORDS, "++", "++");
	expect(table, TABLE_TEXT, "+", "++");
	expect(table, TABLE_TEXT, "--", "");
	expect(table, TABLE_WORDS, "C--", "C++");
	expect(table, TABLE_WORDS, "", "++,America/New_York,C++,Jersey,"
	    "New York,New Yorkshire,York,York, New,new york,\xc3\x85lesund");
	table_unref(table);
}

static void
folded_words_are_found_folded(void **state)
{
	struct table *table;

	(void)state;
	if (!fold_available())
		skip();
	table = table_sure(cities, CITIES, true, 1);
	/* "New York" and "new york" are equal here. */
	expect(table, TABLE_WORDS, "nEW yORK", "New York,new york,"
	    "New Yorkshire,America/New_York,York, New");
	expect(table, TABLE_WORDS, "new york", "new york,New York,"
	    "New Yorkshire,America/New_York,York, New");
	expect(table, TABLE_TEXT, "UTC", "America/New_York");
	expect(table, TABLE_TEXT, "utc 5", "America/New_York");
	expect(table, TABLE_WORDS, "A\xcc\x8aLES", "\xc3\x85lesund");
	expect(table, TABLE_TEXT, "CAFE\xcc\x81", "\xc3\x85lesund");
	table_unref(table);
}

/* Of a long word the first bytes count, and pieces that are folded alone. */
static void
long_answers_are_read_whole(void **state)
{
	static char answer[ANSWER_MAX], value[4097];
	struct row row = { "k", answer };
	char found[64];

	(void)state;
	for (int folds = 0; folds <= fold_available(); folds++) {
		struct table *table;

		/* a long word, many words, a last one; no piece of a power of
		 * two bytes ends between two */
		memset(answer, 'L', 2002);
		for (size_t i = 2002; i < 8002; i += 4)
			memcpy(answer + i, " W\xc3\x84", 4);
		memcpy(answer + 8002, " end", 5);
		table = table_sure(&row, 1, folds, 1);
		memset(value, folds ? 'l' : 'L', sizeof(value));
		for (size_t len = 1; len < 3000; len += 1 + len / 2) {
			assert_int_equal(ask(table, TABLE_TEXT, value, len,
			    found, sizeof(found)), SEARCH_DONE);
			assert_string_equal(found, "k");
		}
		expect(table, TABLE_TEXT, "end W\xc3\x84", "k");
		expect(table, TABLE_TEXT, "w\xc3\xa4", folds ? "k" : "");
		expect(table, TABLE_TEXT, "en W\xc3\x84", "");
		expect(table, TABLE_TEXT, folds ? "w end" : "W end", "");
		table_unref(table);
	}
}

static void
values_have_bounds(void **state)
{
	static char value[4098];
	struct row row = { "a b", "" };
	struct table *table = table_sure(&row, 1, false, 1);
	char found[64];

	(void)state;
	for (size_t i = 0; i < 33; i++)
		memcpy(value + 2 * i, "a ", 2);
	assert_int_equal(ask(table, TABLE_WORDS, value, 64, found,
	    sizeof(found)), SEARCH_DONE);
	assert_string_equal(found, "a b");
	assert_int_equal(ask(table, TABLE_WORDS, value, 66, found,
	    sizeof(found)), SEARCH_BAD);
	assert_string_equal(found, "the value has more than 32 words");
	memset(value, ' ', sizeof(value));
	value[4095] = 'b';
	assert_int_equal(ask(table, TABLE_WORDS, value, 4096, found,
	    sizeof(found)), SEARCH_DONE);
	assert_string_equal(found, "a b");
	assert_int_equal(ask(table, TABLE_TEXT, value, 4097, found,
	    sizeof(found)), SEARCH_BAD);
	assert_string_equal(found, "the value is longer than 4096 bytes");
	table_unref(table);
}

/* Escapes that are torn, as those of a mapped file may be that changes. */
static void
torn_escapes_are_read_no_further(void **state)
{
	static const char *const torn[] = { "\\", "x\\", "x\\u", "x\\u0",
		"x\\ud83d\\", "x\\ud83d\\u", "\\u00e", "\xf0\x9f", "x\xc3" };

	(void)state;
	for (size_t i = 0; i < sizeof(torn) / sizeof(*torn); i++) {
		struct row row = { "key", torn[i] };
		struct table *table = table_sure(&row, 1, false, 1);

		expect(table, TABLE_TEXT, "key", "key");
		table_unref(table);
	}
}

static void
memory_runs_out(void **state)
{
	static struct row rows[700];
	static char keys[700][16];
	char found[256];
	struct table *table = NULL;
	unsigned int n;

	(void)state;
	for (size_t i = 0; i < 700; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu q", i * 7919 % 700);
		rows[i] = (struct row){ keys[i], "some \\\"words\\\" more" };
	}
	for (n = 1; table == NULL; n++) {
		struct problems problems = PROBLEMS_INIT;

		failing_start(n, n % 2 == 0);
		table = table_of(rows, 700, fold_available(), 1, &problems);
		assert_true(failing_stop() == (table == NULL) ||
		    table != NULL);
		problems_clear(&problems);
	}
	assert_true(n > 20);
	for (n = 1;; n++) {
		enum search_result result;

		failing_start(n, n % 2 == 0);
		result = ask(table, TABLE_TEXT, "words k7", 8, found,
		    sizeof(found));
		if (!failing_stop())
			break;
		assert_int_equal(result, SEARCH_FAILED);
	}
	assert_true(n > 4);
	assert_string_equal(found, "k7 q,k70 q,k71 q,k72 q,k73 q,k74 q,"
	    "k75 q,k76 q,k77 q,k78 q");
	table_unref(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_words_are_found),
		cmocka_unit_test(any_words_are_covered),
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(what_people_mean_comes_first),
		cmocka_unit_test(folded_words_are_found_folded),
		cmocka_unit_test(long_answers_are_read_whole),
		cmocka_unit_test(values_have_bounds),
		cmocka_unit_test(torn_escapes_are_read_no_further),
		cmocka_unit_test(memory_runs_out)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
