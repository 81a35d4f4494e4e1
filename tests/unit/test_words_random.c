/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches by words and text against a reference that reads every key and
 * every answer: random tables of few and many words, with marks, escapes and
 * what is no word, asked in one slice and in many, by key and by weight.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appmsg.h"
#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/search/search.h"
#include "daemon/table/word.h"
#include "roll.h"

#define QUERIES		10000	/* of each way */
#define TABLES		40	/* that they are spread over */
#define DOCS_MAX	400
#define TABLES_MAX	3	/* asked at once */
#define EACH_SLICE	1000000	/* us: one is enough */
#define WAYS		(TABLE_WAY(TABLE_WORDS) | TABLE_WAY(TABLE_TEXT))

struct doc {
	struct text shown, key;	/* key: as it is compared */
	struct text said, answer;	/* answer: folded where the table folds */
	size_t table;
	bool is_other;		/* than the value: that comes first */
	bool is_unasked;	/* equal to it, and not what a lookup finds */
	uint32_t weight;	/* of a match: 0 where it does not count */
	unsigned int group;	/* of a match: what comes first in a table */
};

struct docs {
	struct table *table;
	bool folds;
	size_t n;
	struct doc *docs;
};

/* What words are made of, and what is between them. */
static const char *const letters[][8] = {
	{ "a", "b" },
	{ "a", "b", "c", "A", "B", "1" },
	{ "a", "\xc3\xa4", "a\xcc\x88", "\xc3\x84", "\xcc\x88", "\xe6\x9d\xb1" },
	{ "s", "S", "\xc3\x9f", "\xc7\xb0", "\xcd\x85", "\xe1\xbe\xb3", "k" },
	{ "aaaaaaaa", "b", "bbbbbbbbbbbbbbbb", "\xcc\xb8" }
};
static const char *const between[] = {
	" ", " ", " ", ", ", "-", "/", "\n", "\"", "\\", "", "\xe2\x89\xa0",
	"=\xcc\xb8", "\xf0\x9f\x90\xb0", "\x01"
};

#define LETTERS	(sizeof(letters) / sizeof(*letters))
#define BETWEEN	(sizeof(between) / sizeof(*between))

static void
text_add(struct text *text, const char *s)
{
	/* The empty one is NUL. */
	size_t len = *s == '\0' ? 1 : strlen(s);

	if (text->len + len > BYTES_MAX)
		return;
	memcpy(text->p + text->len, s, len);
	text->len += len;
}

static void
random_words(struct text *text, unsigned int alphabet, unsigned int words)
{
	unsigned int n = 0;

	while (n < 8 && letters[alphabet][n] != NULL)
		n++;
	for (; words > 0; words--) {
		for (unsigned int i = 1 + roll(3); i > 0; i--)
			text_add(text, letters[alphabet][roll(n)]);
		if (words > 1 || roll(4) == 0)
			text_add(text, between[roll(BETWEEN)]);
	}
}

static int
doc_compare(const void *a, const void *b)
{
	const struct doc *x = a, *y = b;

	if (x->is_other != y->is_other)
		return y->is_other ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->is_unasked != y->is_unasked)
		return x->is_unasked ? 1 : -1;
	if (text_compare(&x->key, &y->key) != 0)
		return text_compare(&x->key, &y->key);
	return text_compare(&x->shown, &y->shown);
}

/* What a lookup finds; NULL: nothing. */
static const struct doc *
find_own(const struct docs *docs, const struct text *key,
    const struct text *own)
{
	const struct doc *first = NULL;

	for (size_t i = 0; i < docs->n; i++) {
		const struct doc *doc = &docs->docs[i];

		if (text_compare(&doc->key, key) != 0)
			continue;
		if (text_compare(&doc->shown, own) == 0)
			return doc;
		if (first == NULL ||
		    text_compare(&doc->shown, &first->shown) < 0)
			first = doc;
	}
	return first;
}

/* Build a table of documents that are set but for what is folded. */
static void
docs_build(struct docs *docs, unsigned int threads)
{
	struct table_options options = { .name = "t", .ways = WAYS,
	    .duplicates = TABLE_DUPLICATES_FIRST, .fold = docs->folds };
	struct problems problems = PROBLEMS_INIT;
	size_t bytes = 4096, n = 0;
	struct table_builder *builder;
	struct table_segment *segment;

	for (size_t i = 0; i < docs->n; i++)
		bytes += TABLE_ENTRY_ROOM(FOLD_ROOM(docs->docs[i].shown.len),
		    6 * docs->docs[i].said.len);
	builder = table_builder_new(&options, bytes);
	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", bytes - 4096);
	assert_non_null(segment);
	for (size_t i = 0; i < docs->n; i++) {
		struct doc *doc = &docs->docs[i];
		char escaped[6 * BYTES_MAX];
		size_t len = appmsg_escape(doc->said.p, doc->said.len,
		    escaped, sizeof(escaped));

		assert_int_equal(table_segment_add_weighed(segment,
		    &(struct table_entry){ .key = doc->shown.p,
		    .key_len = doc->shown.len, .value = escaped,
		    .value_len = len }, doc->weight, (unsigned int)i + 1), 0);
		doc->key = doc->shown;
		doc->answer = doc->said;
		doc->table = 0;
		doc->group = 0;
		if (docs->folds) {
			text_fold(&doc->key);
			text_fold(&doc->answer);
		}
	}
	docs->table = table_builder_finish(builder, threads, &problems);
	assert_non_null(docs->table);
	/* Of the same keys the first counts. */
	for (size_t i = 0; i < docs->n; i++) {
		struct table_entry entry;
		struct doc *doc = &docs->docs[i];
		table_id id = table_find_own(docs->table, doc->key.p,
		    doc->key.len, doc->shown.p, doc->shown.len, &entry);
		const char *file;
		unsigned int line;

		assert_true(id != TABLE_NO_ID);
		table_locate(docs->table, id, &file, &line);
		if (line == i + 1)
			docs->docs[n++] = *doc;
	}
	docs->n = n;
	qsort(docs->docs, n, sizeof(*docs->docs), doc_compare);
}

static void
docs_random(struct docs *docs, unsigned int alphabet)
{
	static const unsigned int sizes[] = { 0, 1, 3, 20, 100, DOCS_MAX };
	static const unsigned int weights[] = { 1, 2, 50, 1000000 };
	unsigned int weights_n = weights[roll(4)];

	docs->folds = fold_available() && roll(2) == 0;
	docs->n = sizes[roll(6)];
	docs->docs = calloc(docs->n + 1, sizeof(*docs->docs));
	for (size_t i = 0; i < docs->n; i++) {
		do {
			docs->docs[i].shown.len = 0;
			random_words(&docs->docs[i].shown, alphabet,
			    1 + roll(5));
		} while (docs->docs[i].shown.len == 0);
		random_words(&docs->docs[i].said, alphabet, roll(9));
		docs->docs[i].weight = roll(weights_n);
	}
	docs_build(docs, 1 + roll(3));
}

static void
docs_clear(struct docs *docs)
{
	table_unref(docs->table);
	free(docs->docs);
}

/* The group of a document, or 3: no match. */
static unsigned int
group_of(const struct doc *doc, const struct text *value, enum table_way way)
{
	size_t starts[sizeof(value->p) + 1], n = reference_chars(value, starts,
	    (bool [sizeof(value->p) + 1]){ false }), words = 0;
	bool has[sizeof(value->p) + 1], key = true, text = true;

	if (doc->key.len >= value->len &&
	    memcmp(doc->key.p, value->p, value->len) == 0)
		return 0;
	reference_chars(value, starts, has);
	for (size_t i = 0, end; i < n; i = end + 1) {
		bool last = true, here, there;
		size_t len;

		for (end = i; has[end];)
			end++;
		if (end == i)
			continue;
		for (size_t j = end; j < n; j++)
			last = last && !has[j];
		len = starts[end] - starts[i];
		here = reference_has_word(&doc->key, value->p + starts[i],
		    len, last);
		there = reference_has_word(&doc->answer, value->p + starts[i],
		    len, last);
		key = key && here;
		text = text && (here || there);
		words++;
	}
	if (words == 0)
		return 3;
	return key ? 1 : text && way == TABLE_TEXT ? 2 : 3;
}

static bool
is_hidden(const struct docs *docs, size_t at, const struct doc *doc)
{
	for (size_t i = 0; i < at; i++) {
		struct table_entry entry;
		struct text key = doc->shown;

		if (docs[i].folds)
			text_fold(&key);
		if (table_find(docs[i].table, key.p, key.len, &entry) !=
		    TABLE_NO_ID)
			return true;
	}
	return false;
}

/* A match is none of a group where its weight counts. */
static void
by_weight(struct doc *doc, const struct docs *docs,
    const struct search_query *query)
{
	if (query->by_weight && table_weighs(docs->table))
		doc->group = 0;
	else
		doc->weight = 0;
	/* What is typed is completed: it is not first itself. */
	doc->is_other = doc->is_other || query->by_weight;
	doc->is_unasked = doc->is_unasked && !query->by_weight;
}

/* All matches, in order. */
static size_t
find_all(const struct docs *docs, size_t n, const struct search_query *query,
    struct doc *found)
{
	size_t count = 0;

	for (size_t t = 0; t < n; t++) {
		struct text value = { .len = query->key_len }, plain;

		memcpy(value.p, query->key, query->key_len);
		plain = value;
		if (docs[t].folds)
			text_fold(&value);
		for (size_t i = 0; i < docs[t].n; i++) {
			const struct doc *doc = &docs[t].docs[i];
			unsigned int group = group_of(doc, &value,
			    query->way);

			if (group == 3 || is_hidden(docs, t, doc))
				continue;
			found[count] = *doc;
			found[count].table = t;
			found[count].is_other = text_compare(&doc->key,
			    &value) != 0;
			found[count].is_unasked = !found[count].is_other &&
			    find_own(&docs[t], &value, &plain) != doc;
			found[count].group = group;
			by_weight(&found[count++], &docs[t], query);
		}
	}
	qsort(found, count, sizeof(*found), doc_compare);
	return count;
}

static struct search *
run(const struct docs *docs, size_t n, const struct search_query *query,
    int64_t slice_us, enum search_result *result)
{
	const struct table *tables[TABLES_MAX];
	struct search *search;

	for (size_t i = 0; i < n; i++)
		tables[i] = docs[i].table;
	search = search_new(tables, n, query);
	assert_non_null(search);
	do
		*result = search_step(search, slice_us);
	while (*result == SEARCH_MORE);
	return search;
}

/* How many of those that were found are up to the key to go on after. */
static size_t
behind(const struct docs *docs, const struct search_query *query,
    const struct doc *found, size_t n)
{
	struct doc after = { .shown = { .len = query->after_len } };
	struct text value = { .len = query->key_len }, plain;
	const struct doc *own;
	size_t i = 0;

	if (query->after_len == 0)
		return 0;
	memcpy(after.shown.p, query->after, query->after_len);
	memcpy(value.p, query->key, query->key_len);
	plain = value;
	after.key = after.shown;
	if (docs->folds) {
		text_fold(&after.key);
		text_fold(&value);
	}
	own = find_own(docs, &after.key, &after.shown);
	if (own != NULL) {
		after.shown = own->shown;
		after.weight = own->weight;
	}
	after.is_other = text_compare(&after.key, &value) != 0;
	after.is_unasked = !after.is_other && own != NULL &&
	    own != find_own(docs, &value, &plain);
	/* Its answer does not count: it may have none any more. */
	after.group = group_of(&after, &value, TABLE_WORDS);
	if (after.group == 3)
		after.group = query->way == TABLE_TEXT ? 2 : 1;
	by_weight(&after, docs, query);
	while (i < n && doc_compare(&found[i], &after) <= 0)
		i++;
	return i;
}

static void
check(const struct docs *docs, size_t n, const struct search_query *query,
    int64_t slice_us, struct doc *found)
{
	size_t all = find_all(docs, n, query, found), got;
	size_t skipped = behind(docs, query, found, all);
	size_t expected = all - skipped;
	const struct search_match *list;
	enum search_result result;
	struct search *search = run(docs, n, query, slice_us, &result);
	bool more;

	assert_int_equal(result, SEARCH_DONE);
	found += skipped;
	got = search_matches(search, &list, &more);
	assert_int_equal(more, expected > query->limit);
	assert_int_equal(got, more ? query->limit : expected);
	for (size_t i = 0; i < got; i++) {
		struct table_entry entry;

		assert_ptr_equal(list[i].table, docs[found[i].table].table);
		table_entry(list[i].table, list[i].id, &entry);
		assert_int_equal(entry.key_len, found[i].key.len);
		assert_memory_equal(entry.key, found[i].key.p,
		    entry.key_len);
		assert_int_equal(entry.shown_len, found[i].shown.len);
		assert_memory_equal(entry.shown, found[i].shown.p,
		    entry.shown_len);
	}
	search_free(search);
}

/* Words of a document in any order, or any words. */
static void
random_value(const struct docs *docs, unsigned int alphabet,
    struct text *value)
{
	const struct doc *doc;

	value->len = 0;
	if (docs->n == 0 || roll(6) == 0) {
		random_words(value, alphabet, roll(4));
		return;
	}
	doc = &docs->docs[roll((unsigned int)docs->n)];
	for (unsigned int i = roll(3) + 1; i > 0; i--) {
		const struct text *from = roll(2) == 0 ? &doc->shown :
		    &doc->said;
		size_t start, end;

		if (from->len == 0)
			continue;
		end = roll((unsigned int)from->len);
		while (end > 0 && ((uint8_t)from->p[end] & 0xc0) == 0x80)
			end--;
		if (!word_next(from->p, from->len, &start, &end))
			continue;
		/* The last one is most often cut. */
		if (i == 1 && roll(3) > 0)
			do
				end--;
			while (end > start && (from->p[end] & 0xc0) == 0x80);
		if (value->len + end - start + 4 > BYTES_MAX)
			break;
		memcpy(value->p + value->len, from->p + start, end - start);
		value->len += end - start;
		if (i > 1 || roll(8) == 0)
			text_add(value, between[roll(BETWEEN)]);
	}
	if (roll(8) == 0)
		*value = doc->shown;
}

/* With one table: a key of it, or any other. */
static void
random_after(const struct docs *docs, size_t tables, unsigned int alphabet,
    struct search_query *query, struct text *after)
{
	if (tables > 1 || roll(3) > 0)
		return;
	after->len = 0;
	/* A key that is not there weighs nothing. */
	if (docs->n > 0 && (roll(4) > 0 || query->by_weight))
		*after = docs->docs[roll((unsigned int)docs->n)].shown;
	else
		random_words(after, alphabet, roll(3));
	query->after = after->p;
	query->after_len = after->len;
}

static void
check_way(enum table_way way, size_t tables, int64_t slice_us,
    unsigned int queries)
{
	static const size_t limits[] = { 1, 2, 3, 10, 50, 1000 };
	static struct doc found[TABLES_MAX * DOCS_MAX];
	struct docs docs[TABLES_MAX];

	for (unsigned int t = 0; t < TABLES; t++) {
		unsigned int alphabet = roll(LETTERS);

		for (size_t i = 0; i < tables; i++)
			docs_random(&docs[i], alphabet);
		for (unsigned int i = 0; i < queries / TABLES; i++) {
			struct search_query query = { .way = way,
				.limit = limits[roll(6)],
				.by_weight = roll(2) == 0 };
			struct text value, after;

			random_value(&docs[roll((unsigned int)tables)],
			    alphabet, &value);
			query.key = value.p;
			query.key_len = value.len;
			random_after(docs, tables, alphabet, &query, &after);
			check(docs, tables, &query, slice_us, found);
		}
		for (size_t i = 0; i < tables; i++)
			docs_clear(&docs[i]);
	}
}

static void
one_table_gives_what_is_in_it(void **state)
{
	(void)state;
	check_way(TABLE_WORDS, 1, EACH_SLICE, QUERIES);
	check_way(TABLE_TEXT, 1, EACH_SLICE, QUERIES);
}

static void
slices_change_nothing(void **state)
{
	(void)state;
	check_way(TABLE_WORDS, 2, 0, QUERIES / 10);
	check_way(TABLE_TEXT, 2, 0, QUERIES / 10);
}

static void
earlier_tables_hide_keys_of_later_ones(void **state)
{
	(void)state;
	check_way(TABLE_WORDS, 3, EACH_SLICE, QUERIES / 5);
	check_way(TABLE_TEXT, 3, EACH_SLICE, QUERIES / 5);
}

/* Page by page, all tables are walked, once each match. */
static void
pages_are_the_whole(void **state)
{
	static struct doc found[TABLES_MAX * DOCS_MAX];

	(void)state;
	for (unsigned int t = 0; t < TABLES; t++) {
		struct docs docs[TABLES_MAX];
		unsigned int alphabet = roll(LETTERS);
		struct search_query query = { .way = roll(2) == 0 ?
			TABLE_WORDS : TABLE_TEXT, .limit = 1 + roll(20),
			.by_weight = roll(2) == 0 };
		struct text value, after;
		size_t all, at = 0;
		bool more = true;

		for (size_t i = 0; i < TABLES_MAX; i++)
			docs_random(&docs[i], alphabet);
		random_value(&docs[0], alphabet, &value);
		value.len = value.len > 0 && roll(2) == 0 ? 1 : value.len;
		if ((value.p[0] & 0x80) != 0)
			value.len = 0;
		query.key = value.p;
		query.key_len = value.len;
		all = find_all(docs, TABLES_MAX, &query, found);
		while (more) {
			const struct search_match *list;
			enum search_result result;
			struct search *search = run(docs, TABLES_MAX, &query,
			    0, &result);
			struct table_entry entry;
			size_t got;

			assert_int_equal(result, SEARCH_DONE);
			got = search_matches(search, &list, &more);
			for (size_t i = 0; i < got; i++, at++) {
				assert_true(at < all);
				table_entry(list[i].table, list[i].id,
				    &entry);
				assert_int_equal(entry.shown_len,
				    found[at].shown.len);
				assert_memory_equal(entry.shown,
				    found[at].shown.p, entry.shown_len);
			}
			if (at > 0)
				after = found[at - 1].shown;
			query.after = after.p;
			query.after_len = at > 0 ? after.len : 0;
			search_free(search);
		}
		assert_int_equal(at, all);
		for (size_t i = 0; i < TABLES_MAX; i++)
			docs_clear(&docs[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_gives_what_is_in_it),
		cmocka_unit_test(slices_change_nothing),
		cmocka_unit_test(earlier_tables_hide_keys_of_later_ones),
		cmocka_unit_test(pages_are_the_whole)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
