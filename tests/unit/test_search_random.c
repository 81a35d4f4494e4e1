/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches against a reference that looks at every key: random tables and
 * queries of all ways, in one slice and in many.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roll.h"

#define QUERIES		10000	/* of each way */
#define TABLES		20	/* that they are spread over */
#define KEYS_MAX	300
#define EACH_SLICE	1000000	/* us: one is enough */

/* Each alphabet is one of characters. */
static const char *const alphabets[][8] = {
	{ "a", "b" },
	{ "a", "b", "c", "d" },
	{ "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xb0" },
	{ "\xf0\x9f\x90\xb0", "\xf0\x9f\x90\xb1", "\xc3\xa4", "\xc3\xa5" },
	{ "a", "b", "A", "B", "\xc3\xa4", "\xc3\x84", "\xc3\x9f" },
	{ "\x01", "", "\x7f" },		/* the empty one is NUL */
	/* What words are made of, and what is around them. */
	{ "a", "b", " ", "-" },
	{ "a", "_", "'", "1", " ", "\xc2\xa0" },
	{ "a", "\xcc\x81", " ", "\xc3\xa1", "\xe2\x80\x94", "A" },
	{ "\xe4\xb8\xad", "\xe3\x80\x82", "\xf0\x9f\x90\xb0", "\xc2\xb2", "x" },
	{ "x", "y", "z", "k", "s", "e", "r", "n" },
	{ "a", "e", "E", "b", "p", "t", "\xc3\xa4", "q" },
	/* Very many are equal, once folded. */
	{ "a", "A" },
	{ "e", "E", "\xc3\xa9", "\xc3\x89", "e\xcc\x81", " " },
	/* Where all characters cost the same, and where some do not. */
	{ "0", "1", "2", "3", "4", "5", "6", "7" },
	{ "0", "1", "9", "A", "_", "a", "~", "\xc3\xa4" }
};

#define ALPHABETS	(sizeof(alphabets) / sizeof(*alphabets))

static void
random_char(struct text *text, unsigned int alphabet)
{
	unsigned int n = 0;
	const char *s;

	while (n < 8 && alphabets[alphabet][n] != NULL)
		n++;
	s = alphabets[alphabet][roll(n)];
	memcpy(text->p + text->len, s, *s == '\0' ? 1 : strlen(s));
	text->len += *s == '\0' ? 1 : strlen(s);
}

static void
random_text(struct text *text, unsigned int alphabet, unsigned int least,
    unsigned int most)
{
	text->len = 0;
	for (unsigned int n = least + roll(most - least + 1); n > 0; n--)
		random_char(text, alphabet);
}

static void
keys_random(struct keys *keys, unsigned int alphabet, unsigned int ways,
    bool folds)
{
	static const unsigned int sizes[] = { 0, 1, 2, 10, 100, KEYS_MAX };
	static struct text texts[KEYS_MAX];
	unsigned int n = sizes[roll(6)], most = 1 + roll(CHARS_MAX);
	struct text shared;

	random_text(&shared, alphabet, 0, most / 2);
	for (unsigned int i = 0; i < n; i++) {
		struct text *text = &texts[i];

		random_text(text, alphabet, 1, most);
		/* Long beginnings in common, or mere ends of others. */
		if (roll(2) == 0 && shared.len > 0) {
			*text = shared;
			for (unsigned int j = roll(most / 2 + 1); j > 0; j--)
				random_char(text, alphabet);
		}
	}
	keys_init(keys, texts, n, ways, folds);
}

static void
check(const struct keys *keys, size_t n, const struct search_query *query,
    int64_t slice_us)
{
	static struct found found[4 * KEYS_MAX + 1];
	const struct search_match *list;
	enum search_result result;
	struct search *search = reference_search(keys, n, query, slice_us,
	    &result);
	size_t expected, got;
	bool more;

	expected = reference_find(keys, n, query, found);
	if (expected == REFERENCE_LOST) {
		assert_int_equal(result, SEARCH_LOST);
		search_free(search);
		reference_regex_forget();
		return;
	}
	if (query->way == TABLE_REGEX && reference_regex_is_bad(query)) {
		assert_int_equal(result, SEARCH_BAD);
		assert_non_null(search_why(search));
		search_free(search);
		return;
	}
	assert_int_equal(result, SEARCH_DONE);
	got = search_matches(search, &list, &more);
	assert_int_equal(more, expected > query->limit);
	assert_int_equal(got, more ? query->limit : expected);
	for (size_t i = 0; i < got; i++) {
		struct table_entry entry;

		assert_ptr_equal(list[i].table, found[i].keys->table);
		assert_int_equal(list[i].distance, found[i].distance);
		assert_int_equal(list[i].like, found[i].like);
		table_entry(list[i].table, list[i].id, &entry);
		assert_int_equal(entry.key_len, found[i].key->len);
		assert_memory_equal(entry.key, found[i].key->p,
		    entry.key_len);
		assert_int_equal(entry.shown_len, found[i].shown->len);
		assert_memory_equal(entry.shown, found[i].shown->p,
		    entry.shown_len);
	}
	search_free(search);
	reference_regex_forget();
}

/* A key to go on after: one that is there, or the value, or another text. */
static void
random_after(const struct keys *keys, unsigned int alphabet,
    struct search_query *query, struct text *text)
{
	if (roll(2) == 0)
		return;
	random_text(text, alphabet, 1, CHARS_MAX);
	if (keys->n > 0 && roll(8) != 0)
		*text = keys->shown[roll((unsigned int)keys->n)];
	else if (query->key_len > 0 && roll(2) == 0) {
		memcpy(text->p, query->key, query->key_len);
		text->len = query->key_len;
	}
	query->after = text->p;
	query->after_len = text->len;
}

/* A piece of a key with something changed, or any text. */
static void
random_query(const struct keys *keys, unsigned int alphabet,
    const struct search_query *query, struct text *text)
{
	unsigned int edits = query->way == TABLE_FUZZY ? roll(5) : roll(2);
	struct text extra;

	random_text(text, alphabet, 0, CHARS_MAX / 2);
	if (keys->n == 0 || roll(8) == 0)
		return;
	*text = keys->shown[roll((unsigned int)keys->n)];
	while (edits-- > 0) {
		size_t at = text->len == 0 ? 0 : roll((unsigned int)text->len),
		    to;

		while (at > 0 && (text->p[at] & 0xc0) == 0x80)
			at--;
		to = at == text->len ? at : at + 1;
		while (to < text->len && (text->p[to] & 0xc0) == 0x80)
			to++;
		if (roll(2) == 0) {	/* leave out */
			memmove(text->p + at, text->p + to, text->len - to);
			text->len -= to - at;
		} else if (text->len < BYTES_MAX - 4) {
			random_text(&extra, alphabet, 1, 1);
			memmove(text->p + at + extra.len, text->p + at,
			    text->len - at);
			memcpy(text->p + at, extra.p, extra.len);
			text->len += extra.len;
		}
	}
	if (query->way != TABLE_FUZZY && query->way != TABLE_EXACT) {
		size_t from = roll((unsigned int)text->len + 1), to;

		while (from > 0 && from < text->len &&
		    (text->p[from] & 0xc0) == 0x80)
			from--;
		if (query->way == TABLE_PREFIX || roll(4) == 0)
			from = 0;
		to = from + roll((unsigned int)(text->len - from) + 1);
		if (query->way == TABLE_SUFFIX || roll(4) == 0)
			to = text->len;
		while (to < text->len && (text->p[to] & 0xc0) == 0x80)
			to++;
		memmove(text->p, text->p + from, to - from);
		text->len = to - from;
	}
}

/* A regular expression with a piece of a key in it, mostly. */
static void
random_regex(const struct keys *keys, unsigned int alphabet,
    struct text *text)
{
	static const char *const items[] = { ".", ".*", "a?", "b+", "[ab]",
		"[^a]*", "(ab)?", "(a|b)", "a{2}", "b{1,2}", "\\w", "\\.",
		"(?:a)", "a*?", "b++", "(?i)", "|", "\\x61", "x", "k", "K",
		"\\d", "(?=b)", "(?!a)", "\\b", "[a\\]]", "{", "\\Qa\\E",
		"\xc3\xa4+", "(b)+", "s", "S{0}", "b{,1}", "(a(b))", "[]a]",
		"[[:alpha:]]", "[^\\d]", "([ab]|\\.)", "\\-", "(\\w)", "[a",
		"b{1", "a{01}", "(?=b)a?" };
	const struct search_query like = { .way = TABLE_SUBSTRING };
	struct text out = { .len = 0 }, piece;

	if (roll(3) == 0)
		out.p[out.len++] = '^';
	for (unsigned int n = roll(4); n > 0; n--) {
		const char *item = items[roll(sizeof(items) /
		    sizeof(*items))];

		random_query(keys, alphabet, &like, &piece);
		if (roll(2) == 0 && memchr(piece.p, 0, piece.len) == NULL) {
			memcpy(out.p + out.len, piece.p, piece.len);
			out.len += piece.len;
		}
		memcpy(out.p + out.len, item, strlen(item));
		out.len += strlen(item);
	}
	if (roll(4) == 0)
		out.p[out.len++] = '$';
	*text = out;
}

static void
check_way(enum table_way way, size_t tables, bool folds, int64_t slice_us,
    unsigned int queries)
{
	static const size_t limits[] = { 1, 2, 3, 10, 50, 1000 };
	struct keys keys[4];

	for (unsigned int t = 0; t < TABLES; t++) {
		unsigned int alphabet = roll(ALPHABETS);

		for (size_t i = 0; i < tables; i++)
			keys_random(&keys[i], alphabet, way == TABLE_SUFFIX ||
			    way == TABLE_SUBSTRING || roll(2) == 0 ?
			    WAYS_ALL : WAYS_OTHERS, folds && roll(2) == 0);
		for (unsigned int i = 0; i < queries / TABLES; i++) {
			struct search_query query = { .way = way,
				.distance = 1 + roll(3),
				.limit = limits[roll(6)] };
			const struct keys *some = &keys[roll(
			    (unsigned int)tables)];
			struct text text, after;

			if (way == TABLE_REGEX)
				random_regex(some, alphabet, &text);
			else
				random_query(some, alphabet, &query, &text);
			query.key = text.p;
			query.key_len = text.len;
			random_after(some, alphabet, &query, &after);
			check(keys, tables, &query, slice_us);
		}
		for (size_t i = 0; i < tables; i++)
			keys_clear(&keys[i]);
	}
}

static void
one_table_gives_what_is_in_it(void **state)
{
	(void)state;
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			check_way(way, 1, false, EACH_SLICE, QUERIES);
}

/* Go through all matches of a query in pages. */
static void
check_pages(const struct keys *keys, size_t n, struct search_query *query)
{
	static struct found found[4 * KEYS_MAX + 1];
	size_t expected, told = 0, page = query->limit;
	struct text after;
	bool more = true;

	query->limit = 4 * KEYS_MAX;
	expected = reference_find(keys, n, query, found);
	query->limit = page;
	while (more) {
		const struct search_match *list;
		enum search_result result;
		struct search *search = reference_search(keys, n, query,
		    told % 2 == 0 ? EACH_SLICE : 0, &result);
		size_t got = search_matches(search, &list, &more);
		struct table_entry entry;

		assert_int_equal(result, SEARCH_DONE);
		assert_true(got <= page && (!more || got == page));
		assert_true(got <= expected - told);
		for (size_t i = 0; i < got; i++, told++) {
			table_entry(list[i].table, list[i].id, &entry);
			assert_ptr_equal(list[i].table,
			    found[told].keys->table);
			assert_int_equal(entry.key_len, found[told].key->len);
			assert_memory_equal(entry.key, found[told].key->p,
			    entry.key_len);
			memcpy(after.p, entry.shown, entry.shown_len);
			after.len = entry.shown_len;
		}
		search_free(search);
		query->after = after.p;
		query->after_len = after.len;
	}
	assert_int_equal(told, expected);
}

static void
pages_of_fuzzy_matches_are_all_of_them(void **state)
{
	struct keys keys[3];

	(void)state;
	for (unsigned int t = 0; t < 10 * TABLES; t++) {
		unsigned int alphabet = roll(ALPHABETS);
		size_t tables = 1 + roll(3);

		for (size_t i = 0; i < tables; i++)
			keys_random(&keys[i], alphabet, roll(2) == 0 ?
			    WAYS_ALL : WAYS_OTHERS, false);
		for (unsigned int i = 0; i < 10; i++) {
			struct search_query query = { .way = TABLE_FUZZY,
				.distance = 1 + roll(3), .limit = 1 + roll(7) };
			struct text text;

			random_query(&keys[roll((unsigned int)tables)],
			    alphabet, &query, &text);
			query.key = text.p;
			query.key_len = text.len;
			check_pages(keys, tables, &query);
		}
		for (size_t i = 0; i < tables; i++)
			keys_clear(&keys[i]);
	}
}

static void
slices_change_nothing(void **state)
{
	(void)state;
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			check_way(way, 2, false, 0, QUERIES / 10);
}

static void
earlier_tables_hide_keys_of_later_ones(void **state)
{
	(void)state;
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			check_way(way, 3, false, EACH_SLICE, QUERIES / 5);
}

static void
folded_keys_are_found_folded(void **state)
{
	struct text probe = { "A", 1 };

	(void)state;
	if (fold("A", 1, probe.p, &probe.len) == -1)
		skip();
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++) {
		if (!(WAYS_ALL & TABLE_WAY(way)))
			continue;
		check_way(way, 1, true, EACH_SLICE, QUERIES / 2);
		check_way(way, 2, true, 0, QUERIES / 10);
		check_way(way, 3, true, EACH_SLICE, QUERIES / 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_gives_what_is_in_it),
		cmocka_unit_test(pages_of_fuzzy_matches_are_all_of_them),
		cmocka_unit_test(slices_change_nothing),
		cmocka_unit_test(earlier_tables_hide_keys_of_later_ones),
		cmocka_unit_test(folded_keys_are_found_folded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
