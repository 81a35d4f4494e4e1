/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys that come very often, put into a table by several threads: the outcome
 * is the same whatever they do first.
 */

#include "config.h"

#include "daemon/table/table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/table/digest.h"

static const struct table_options exact = { .name = "test",
    .ways = TABLE_WAY(TABLE_EXACT) };

static struct table_builder *
new_builder(enum table_duplicates duplicates, size_t bytes)
{
	struct table_options options = exact;
	struct table_builder *b;

	options.duplicates = duplicates;
	b = table_builder_new(&options, bytes);
	assert_non_null(b);
	return b;
}

static void
add(struct table_segment *s, const char *key, const char *value,
    unsigned int line)
{
	assert_int_equal(table_segment_add(s, key, strlen(key), value,
	    strlen(value), line), 0);
}

static struct table *
finish(struct table_builder *b)
{
	struct problems problems = PROBLEMS_INIT;
	struct table *t = table_builder_finish(b, 2, &problems);

	if (t == NULL)
		problems_print(&problems, stderr);
	assert_non_null(t);
	assert_int_equal(problems.n, 0);
	return t;
}

/* One of the entries of test_duplicates_whatever_the_threads() */
#define KEYS		1000
#define ENTRIES		60000
#define SEGMENTS	4

struct filler {
	pthread_t thread;
	struct table_segment *segment;
	unsigned int first;
};

static void *
fill(void *arg)
{
	struct filler *f = arg;
	char key[32], value[32];

	for (unsigned int i = 0; i < ENTRIES / SEGMENTS; i++) {
		unsigned int n = f->first + i;

		/* Some are alone, most come very often. */
		snprintf(key, sizeof(key), n % 10 == 0 ? "only %u" :
		    "key %u", n % 10 == 0 ? n : n * 7919u % KEYS);
		snprintf(value, sizeof(value), "%u", n);
		if (table_segment_add(f->segment, key, strlen(key), value,
		    strlen(value), i + 1) != 0)
			abort();
	}
	return NULL;
}

static struct table *
filled(enum table_duplicates duplicates, unsigned int threads)
{
	struct table_builder *b = new_builder(duplicates,
	    SEGMENTS * TABLE_SEGMENT_ROOM(ENTRIES * 50));
	struct problems problems = PROBLEMS_INIT;
	struct filler fillers[SEGMENTS];
	struct table *t;

	for (unsigned int i = 0; i < SEGMENTS; i++) {
		fillers[i].segment = table_builder_segment(b, "file",
		    ENTRIES * 50);
		fillers[i].first = i * (ENTRIES / SEGMENTS);
		assert_non_null(fillers[i].segment);
		table_segment_set_line(fillers[i].segment,
		    fillers[i].first + 1);
	}
	for (unsigned int i = 0; i < SEGMENTS; i++)
		assert_int_equal(pthread_create(&fillers[i].thread, NULL,
		    fill, &fillers[i]), 0);
	for (unsigned int i = 0; i < SEGMENTS; i++)
		pthread_join(fillers[i].thread, NULL);
	t = table_builder_finish(b, threads, &problems);
	assert_non_null(t);
	assert_int_equal(problems.n + problems.dropped, 0);
	return t;
}

/* The number in a text that no NUL ends. */
static unsigned int
number_in(const char *text, size_t len)
{
	char copy[32];

	assert_true(len < sizeof(copy));
	memcpy(copy, text, len);
	copy[len] = '\0';
	return (unsigned int)strtoul(copy, NULL, 10);
}

/* Every entry that counts, once, in order; parts are the same walk. */
static void
check_walk(const struct table *t, bool last)
{
	static unsigned int kept[KEYS];
	size_t seen = 0;
	table_id id = TABLE_NO_ID;
	struct table_entry e, f;
	const char *file;
	unsigned int line, before = 0;

	memset(kept, 0, sizeof(kept));
	for (unsigned int n = 0; n < ENTRIES; n++) {
		unsigned int key = n * 7919u % KEYS;

		if (n % 10 != 0 && (last || kept[key] == 0))
			kept[key] = n + 1;
	}
	while (table_next(t, &id, &e)) {
		table_locate(t, id, &file, &line);
		assert_true(line > before);
		before = line;
		assert_int_equal(number_in(e.value, e.value_len), line - 1);
		assert_int_equal(table_find(t, e.key, e.key_len, &f), id);
		if (e.key[0] == 'k')
			assert_int_equal(kept[number_in(e.key + 4,
			    e.key_len - 4)], line);
		seen++;
	}
	assert_int_equal(seen, table_count(t));
}

static void
test_duplicates_whatever_the_threads(void **state)
{
	(void)state;
	for (unsigned int threads = 1; threads <= 4; threads++) {
		struct table *t = filled(TABLE_DUPLICATES_FIRST, threads);

		check_walk(t, false);
		table_unref(t);
		t = filled(TABLE_DUPLICATES_LAST, threads);
		check_walk(t, true);
		table_unref(t);
	}
}

/* The answers of each key, a line each, and nothing else of it. */
static void
test_joined_whatever_the_threads(void **state)
{
	static char expected[KEYS][1024];
	char first[DIGEST_TEXT_SIZE] = "", text_of[DIGEST_TEXT_SIZE];

	(void)state;
	for (unsigned int n = 0; n < ENTRIES; n++) {
		char *text = expected[n * 7919u % KEYS];

		if (n % 10 != 0)
			sprintf(text + strlen(text), "%s%u", *text != '\0' ?
			    "\\n" : "", n);
	}
	for (unsigned int threads = 1; threads <= 4; threads++) {
		struct table *t = filled(TABLE_DUPLICATES_JOIN, threads);
		table_id id = TABLE_NO_ID;
		struct table_entry e, f;
		const char *file;
		unsigned int line;
		size_t seen = 0;

		for (; table_next(t, &id, &e); seen++) {
			const char *text = expected[number_in(e.key + 4,
			    e.key_len - 4) % KEYS];

			table_locate(t, id, &file, &line);
			assert_int_equal(table_find(t, e.key, e.key_len, &f),
			    id);
			assert_int_equal(number_in(e.value, e.value_len <
			    31 ? e.value_len : 5), line - 1);
			if (e.key[0] != 'k')
				continue;
			assert_int_equal(e.value_len, strlen(text));
			assert_memory_equal(e.value, text, e.value_len);
		}
		assert_int_equal(seen, table_count(t));
		digest_text(table_digest(t), text_of);
		if (threads == 1)
			strcpy(first, text_of);
		assert_string_equal(text_of, first);
		table_unref(t);
	}
}

/* A key that comes 100,000 times, and one whose answers are too long. */
static void
test_much_is_joined(void **state)
{
	const size_t large = (size_t)9 << 20;
	struct table_builder *b = new_builder(TABLE_DUPLICATES_JOIN,
	    TABLE_SEGMENT_ROOM(100000 * 100) +
	    TABLE_SEGMENT_ROOM(8 * (large + 100)));
	struct table_segment *s = table_builder_segment(b, "file",
	    100000 * 100);
	struct problems problems = PROBLEMS_INIT;
	char *text = malloc(large);
	struct table_entry e;
	struct table *t;

	(void)state;
	assert_non_null(text);
	for (unsigned int i = 1; i <= 100000; i++)
		add(s, "often", "x", i);
	t = finish(b);
	assert_int_equal(table_count(t), 1);
	table_find(t, "often", 5, &e);
	assert_int_equal(e.value_len, 100000 * 3 - 2);
	table_unref(t);

	memset(text, 'x', large);
	b = new_builder(TABLE_DUPLICATES_JOIN, TABLE_SEGMENT_ROOM(8 *
	    (large + 100)));
	s = table_builder_segment(b, "file", 8 * (large + 100));
	for (unsigned int i = 1; i <= 8; i++)
		assert_int_equal(table_segment_add(s, "long", 4, text, large,
		    i), 0);
	assert_null(table_builder_finish(b, 1, &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.list[0].text, "file:8: the joined "
	    "answers of the key \"long\" have more than 67108864 bytes");
	problems_clear(&problems);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicates_whatever_the_threads),
		cmocka_unit_test(test_joined_whatever_the_threads),
		cmocka_unit_test(test_much_is_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
