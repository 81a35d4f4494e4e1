/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches by weight against looking at every key: random keys and weights,
 * several tables, folded ones, small slices, and page after page.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/index/index.h"
#include "daemon/table/fold.h"
#include "roll.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define QUERIES		10000
#define TABLES		200	/* that they are asked of */
#define KEYS_MAX	400
#define KEY_CHARS	8
#define EACH_SLICE	1000000	/* us */

#ifdef HAVE_DIVSUFSORT
#define WAYS		(TABLE_WAY(TABLE_PREFIX) | TABLE_WAY(TABLE_SUBSTRING))
#else
#define WAYS		TABLE_WAY(TABLE_PREFIX)
#endif

/* A key as it is found: in the order of tables, weights and bytes. */
struct hit {
	size_t table;
	uint32_t weight;
	struct table_entry e;
	table_id id;
};

/* How weights are given. */
enum law { ANY, FEW, RISING, FALLING, ONE, LAWS };

static uint32_t
weigh(enum law law, unsigned int i)
{
	switch (law) {
	case ANY:
		return (uint32_t)roll_bits();
	case FEW:
		return roll(4);
	case RISING:
		return i + 1;
	case FALLING:
		return UINT32_MAX - i;
	case ONE:
		return i == 0 ? 7 : 0;
	case LAWS:
		break;
	}
	return 0;
}

static struct table *
random_table(unsigned int n, bool folds)
{
	struct table_options options = { .name = "t", .ways = WAYS,
	    .duplicates = TABLE_DUPLICATES_FIRST, .fold = folds };
	struct table_builder *b = table_builder_new(&options,
	    TABLE_SEGMENT_ROOM(KEYS_MAX * 200));
	struct table_segment *s = table_builder_segment(b, "file",
	    KEYS_MAX * 200);
	struct problems problems = PROBLEMS_INIT;
	enum law law = roll(LAWS);
	struct table *t;

	for (unsigned int i = 0; i < n; i++) {
		char key[KEY_CHARS + 1];
		size_t len = 1 + roll(KEY_CHARS);
		struct table_entry e;

		for (size_t j = 0; j < len; j++)
			key[j] = "abABc"[roll(roll(2) == 0 ? 2 : 5)];
		e = (struct table_entry){ .key = key, .key_len = len,
		    .value = "x", .value_len = 1 };
		assert_int_equal(table_segment_add_weighed(s, &e, weigh(law,
		    i), i + 1), 0);
	}
	t = table_builder_finish(b, 1, &problems);
	assert_non_null(t);
	assert_true(table_weighs(t) || n == 0 || law == FEW);
	return t;
}

static int
compare_hits(const void *a, const void *b)
{
	const struct hit *p = a, *q = b;
	size_t len = p->e.key_len < q->e.key_len ? p->e.key_len :
	    q->e.key_len;
	int c;

	if (p->table != q->table)
		return p->table < q->table ? -1 : 1;
	if (p->weight != q->weight)
		return p->weight > q->weight ? -1 : 1;
	c = memcmp(p->e.key, q->e.key, len);
	if (c != 0 || p->e.key_len != q->e.key_len)
		return c != 0 ? c : p->e.key_len < q->e.key_len ? -1 : 1;
	return table_shown_cmp(&p->e, &q->e);
}

/* Text as a table compares it. */
static size_t
as_in(const struct table *t, const char *text, size_t len, char *out)
{
	if (!table_folds(t)) {
		memcpy(out, text, len);
		return len;
	}
	assert_int_equal(fold(text, len, out, &len), 0);
	return len;
}

static bool
has(const struct table *t, const char *key, size_t len)
{
	char as[FOLD_ROOM(KEY_CHARS) + 1];
	struct table_entry e;

	return table_find(t, as, as_in(t, key, len, as), &e) != TABLE_NO_ID;
}

static bool
is_match(const struct table *t, const struct search_query *q,
    const struct table_entry *e)
{
	char as[FOLD_ROOM(KEY_CHARS) + 1];
	size_t len = as_in(t, q->key, q->key_len, as);

	if (q->way == TABLE_PREFIX)
		return e->key_len >= len && memcmp(e->key, as, len) == 0;
	return len == 0 || memmem(e->key, e->key_len, as, len) != NULL;
}

/* All hits, in order, whatever limit and after. */
static size_t
find_all(struct table *const *tables, size_t n, const struct search_query *q,
    struct hit *hits)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		table_id id = TABLE_NO_ID;
		struct table_entry e;

		while (table_next(tables[i], &id, &e)) {
			bool hidden = false;

			for (size_t j = 0; j < i; j++)
				hidden |= has(tables[j], e.shown, e.shown_len);
			if (!hidden && is_match(tables[i], q, &e))
				hits[found++] = (struct hit){ i,
				    table_weight(tables[i], id), e, id };
		}
	}
	qsort(hits, found, sizeof(*hits), compare_hits);
	return found;
}

static struct search *
run(struct table *const *tables, size_t n, const struct search_query *q,
    int64_t slice_us)
{
	struct search *search = search_new(
	    (const struct table *const *)tables, n, q);
	enum search_result result;

	assert_non_null(search);
	while ((result = search_step(search, slice_us)) == SEARCH_MORE)
		;
	assert_int_equal(result, SEARCH_DONE);
	return search;
}

/* Ask for a page, and compare it with the hits from at on. */
static bool
check_page(struct table *const *tables, size_t n,
    const struct search_query *q, int64_t slice_us, const struct hit *hits,
    size_t left)
{
	struct search *search = run(tables, n, q, slice_us);
	const struct search_match *list;
	bool more;
	size_t got = search_matches(search, &list, &more);

	assert_int_equal(got, left > q->limit ? q->limit : left);
	assert_int_equal(more, left > q->limit);
	for (size_t i = 0; i < got; i++) {
		assert_ptr_equal(list[i].table, tables[hits[i].table]);
		assert_int_equal(list[i].id, hits[i].id);
	}
	search_free(search);
	return more;
}

/* All pages. */
static void
check(struct table *const *tables, size_t n, struct search_query *q,
    int64_t slice_us)
{
	static struct hit hits[3 * KEYS_MAX];
	size_t found = find_all(tables, n, q, hits), at = 0;

	while (check_page(tables, n, q, slice_us, hits + at, found - at)) {
		at += q->limit;
		q->after = hits[at - 1].e.shown;
		q->after_len = hits[at - 1].e.shown_len;
		/* Not all of them when there are very many. */
		if (q->limit < 3 && at > 20)
			break;
	}
}

static void
pages_are_as_by_looking_at_all(void **state)
{
	const struct search_weight_tuning usual = search_weight_tuning;
	const struct search_weight_tuning tunings[] = {
		usual, { 0, 1, 0 }, { 5, 1, 0 }, { 50, 4, 3 }, { 5, 8, 20 }
	};

	(void)state;
	for (unsigned int t = 0; t < TABLES; t++) {
		static const size_t limits[] = { 1, 2, 3, 10, 50, 1000 };
		struct table *tables[3];
		size_t n = 1 + roll(3);

		search_weight_tuning = tunings[t % COUNT(tunings)];
		for (size_t i = 0; i < n; i++)
			tables[i] = random_table(1 + roll(roll(2) == 0 ? 20 :
			    KEYS_MAX), fold_available() && roll(2) == 0);
		for (unsigned int i = 0; i < QUERIES / TABLES; i++) {
			char key[KEY_CHARS];
			struct search_query q = { .way = TABLE_PREFIX,
			    .key = key, .key_len = roll(4),
			    .limit = limits[roll(6)], .by_weight = true };

			if ((WAYS & TABLE_WAY(TABLE_SUBSTRING)) != 0 &&
			    roll(2) == 0)
				q.way = TABLE_SUBSTRING;
			/* What is not weighed has an order of its own. */
			for (size_t j = 0; j < n; j++)
				if (!table_weighs(tables[j]))
					q.way = TABLE_PREFIX;
			for (size_t j = 0; j < q.key_len; j++)
				key[j] = "abABc"[roll(5)];
			check(tables, n, &q, roll(4) == 0 ? 0 : EACH_SLICE);
		}
		for (size_t i = 0; i < n; i++)
			table_unref(tables[i]);
	}
	search_weight_tuning = usual;
}

/* A key that is not there has no weight, so that nothing is behind it. */
static void
what_is_gone_is_told(void **state)
{
	struct table *t = random_table(50, false);
	struct search_query q = { .way = TABLE_PREFIX, .key = "", .limit = 5,
	    .after = "none", .after_len = 4, .by_weight = true };
	struct search *search = search_new((const struct table *const *)&t, 1,
	    &q);

	(void)state;
	while (!table_weighs(t)) {
		table_unref(t);
		t = random_table(50, false);
	}
	search_free(search);
	search = search_new((const struct table *const *)&t, 1, &q);
	assert_int_equal(search_step(search, EACH_SLICE), SEARCH_LOST);
	assert_non_null(strstr(search_why(search), "weighs nothing"));
	search_free(search);
	table_unref(t);
}

/* Each key of a larger table once, in pages, and in its order. */
static void
a_table_is_walked_whole(void **state)
{
	enum { ALL = 100000 };
	struct table_options options = { .name = "t",
	    .ways = TABLE_WAY(TABLE_PREFIX) };
	struct table_builder *b = table_builder_new(&options,
	    TABLE_SEGMENT_ROOM(ALL * 100));
	struct table_segment *s = table_builder_segment(b, "file", ALL * 100);
	struct problems problems = PROBLEMS_INIT;
	char key[16], after[16] = "";
	uint32_t before = UINT32_MAX;
	unsigned int seen = 0;
	bool more = true;
	struct table *t;

	(void)state;
	for (unsigned int i = 0; i < ALL; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		assert_int_equal(table_segment_add_weighed(s,
		    &(struct table_entry){ .key = key, .key_len = 6,
		    .value = "" }, i * 7919u % ALL, i + 1), 0);
	}
	t = table_builder_finish(b, 2, &problems);
	assert_non_null(t);
	while (more) {
		struct search_query q = { .way = TABLE_PREFIX, .key = "k",
		    .key_len = 1, .limit = 1000, .by_weight = true,
		    .after = after, .after_len = strlen(after) };
		struct search *search = run(&t, 1, &q, EACH_SLICE);
		const struct search_match *list;
		size_t n = search_matches(search, &list, &more);
		struct table_entry e;

		for (size_t i = 0; i < n; i++, seen++) {
			uint32_t weight = table_weight(t, list[i].id);

			assert_int_equal(weight, ALL - 1 - seen);
			assert_true(weight < before);
			before = weight;
		}
		table_entry(t, list[n - 1].id, &e);
		memcpy(after, e.key, e.key_len);
		search_free(search);
	}
	assert_int_equal(seen, ALL);
	table_unref(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_as_by_looking_at_all),
		cmocka_unit_test(what_is_gone_is_told),
		cmocka_unit_test(a_table_is_walked_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
