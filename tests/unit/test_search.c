/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches against a reference that looks at every key: random tables and
 * queries of all ways, in one slice and in many.
 */

#include "config.h"

#include "daemon/search/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

#include "daemon/problems.h"
#include "daemon/table/fold.h"
#include "daemon/search/index.h"
#include "roll.h"

#define QUERIES		10000	/* of each way */
#define TABLES		20	/* that they are spread over */
#define KEYS_MAX	300
#define CHARS_MAX	12	/* of a random key */
#define BYTES_MAX	(4 * CHARS_MAX)

#ifdef HAVE_DIVSUFSORT
#define WAYS_SUFFIX	(TABLE_WAY(TABLE_SUFFIX) | TABLE_WAY(TABLE_SUBSTRING))
#else
#define WAYS_SUFFIX	0
#endif
#ifdef HAVE_PCRE2
#define WAYS_REGEX	TABLE_WAY(TABLE_REGEX)
#else
#define WAYS_REGEX	0
#endif
#define WAYS_OTHERS	(TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX) | \
    TABLE_WAY(TABLE_FUZZY) | WAYS_REGEX)
#define WAYS_ALL	(WAYS_OTHERS | WAYS_SUFFIX)

struct text {
	char p[FOLD_ROOM(BYTES_MAX)];
	size_t len;
};

/* Each alphabet is one of characters. */
static const char *const alphabets[][8] = {
	{ "a", "b" },
	{ "a", "b", "c", "d" },
	{ "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\xb0" },
	{ "\xf0\x9f\x90\xb0", "\xf0\x9f\x90\xb1", "\xc3\xa4", "\xc3\xa5" },
	{ "a", "b", "A", "B", "\xc3\xa4", "\xc3\x84", "\xc3\x9f" },
	{ "\x01", "", "\x7f" },		/* the empty one is NUL */
	{ "x", "y", "z", "k", "s", "e", "r", "n" }
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

/* Keys of a table as the reference knows them. */
struct keys {
	struct table *table;
	bool fold;
	size_t n;
	struct text *keys;	/* as they are compared, in order, distinct */
	struct text *shown;
};

static int
text_compare(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

static void
text_fold(struct text *text)
{
	struct text out;

	assert_int_equal(fold(text->p, text->len, out.p, &out.len), 0);
	*text = out;
}

static struct table *
table_of(const struct text *texts, size_t n, unsigned int ways, bool folds)
{
	struct table_options options = { .name = "t", .ways = ways,
	    .duplicates = TABLE_DUPLICATES_FIRST, .fold = folds };
	struct problems problems = PROBLEMS_INIT;
	size_t bytes = 4096;
	struct table_builder *builder;
	struct table_segment *segment;
	struct table *table;

	for (size_t i = 0; i < n; i++)
		bytes += TABLE_ENTRY_ROOM(FOLD_ROOM(texts[i].len), 1);
	builder = table_builder_new(&options, bytes);
	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", bytes - 4096);
	assert_non_null(segment);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(table_segment_add(segment, texts[i].p,
		    texts[i].len, "v", 1, (unsigned int)i + 1), 0);
	table = table_builder_finish(builder, 1 + roll(2), &problems);
	assert_non_null(table);
	return table;
}

static void
keys_set(struct keys *keys, struct text *texts, size_t n, unsigned int ways,
    bool folds)
{
	keys->table = table_of(texts, n, ways, folds);
	keys->fold = folds;
	keys->keys = calloc(n + 1, sizeof(*keys->keys));
	keys->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct text text = texts[i];
		bool had = false;

		if (folds)
			text_fold(&text);
		for (size_t j = 0; j < keys->n && !had; j++)
			had = text_compare(&keys->keys[j], &text) == 0;
		if (!had)
			keys->keys[keys->n++] = text;
	}
	assert_int_equal(table_count(keys->table), keys->n);
	qsort(keys->keys, keys->n, sizeof(*keys->keys), text_compare);
	keys->shown = calloc(n + 1, sizeof(*keys->shown));
	for (size_t i = 0; i < keys->n; i++) {
		struct table_entry entry;

		assert_int_not_equal(table_find(keys->table, keys->keys[i].p,
		    keys->keys[i].len, &entry), TABLE_NO_ID);
		keys->shown[i].len = entry.shown_len;
		memcpy(keys->shown[i].p, entry.shown, entry.shown_len);
	}
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
	keys_set(keys, texts, n, ways, folds);
}

static void
keys_clear(struct keys *keys)
{
	table_free(keys->table);
	free(keys->keys);
	free(keys->shown);
}

static unsigned int
chars_of(const struct text *text, uint32_t *chars)
{
	unsigned int n = 0;

	for (size_t i = 0; i < text->len; i++) {
		uint8_t c = (uint8_t)text->p[i];

		if ((c & 0xc0) == 0x80)
			chars[n - 1] = chars[n - 1] << 8 | c;
		else
			chars[n++] = c;
	}
	return n;
}

/* Optimal string alignment, the whole matrix. */
static unsigned int
distance_of(const struct text *x, const struct text *y)
{
	static unsigned int d[BYTES_MAX * 2][BYTES_MAX * 2];
	static uint32_t a[BYTES_MAX * 2], b[BYTES_MAX * 2];
	unsigned int n = chars_of(x, a), m = chars_of(y, b);

	for (unsigned int i = 0; i <= n; i++) {
		for (unsigned int j = 0; j <= m; j++) {
			unsigned int least = i == 0 ? j : j == 0 ? i :
			    d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (i > 0 && d[i - 1][j] + 1 < least)
				least = d[i - 1][j] + 1;
			if (j > 0 && d[i][j - 1] + 1 < least)
				least = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < least)
				least = d[i - 2][j - 2] + 1;
			d[i][j] = least;
		}
	}
	return d[n][m];
}

#ifdef HAVE_PCRE2
static pcre2_code *codes[2];
static pcre2_match_data *match_data;

static bool
regex_matches(const struct text *key, const struct text *pattern, bool folds)
{
	int error;
	size_t offset;

	if (codes[folds] == NULL)
		codes[folds] = pcre2_compile((PCRE2_SPTR)pattern->p,
		    pattern->len, PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL |
		    PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_POSSESS |
		    PCRE2_NO_START_OPTIMIZE | (folds ? PCRE2_CASELESS : 0),
		    &error, &offset, NULL);
	if (codes[folds] == NULL)
		return false;
	if (match_data == NULL)
		match_data = pcre2_match_data_create(1, NULL);
	return pcre2_match(codes[folds], (PCRE2_SPTR)key->p, key->len, 0, 0,
	    match_data, NULL) >= 0;
}

static bool
regex_is_bad(const struct search_query *query)
{
	int error;
	size_t offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)query->key,
	    query->key_len, PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);

	pcre2_code_free(code);
	return code == NULL;
}

static void
regex_forget(void)
{
	for (int i = 0; i < 2; i++) {
		pcre2_code_free(codes[i]);
		codes[i] = NULL;
	}
	pcre2_match_data_free(match_data);
	match_data = NULL;
}
#else
static bool
regex_matches(const struct text *key, const struct text *pattern, bool folds)
{
	(void)key;
	(void)pattern;
	(void)folds;
	return false;
}

static bool
regex_is_bad(const struct search_query *query)
{
	(void)query;
	return true;
}

static void
regex_forget(void)
{
}
#endif

/* Whether a key matches; how far it is for fuzzy. */
static bool
key_matches(const struct text *key, const struct text *text,
    const struct search_query *query, bool folds, unsigned int *distance)
{
	*distance = 0;
	switch (query->way) {
	case TABLE_EXACT:
		return text_compare(key, text) == 0;
	case TABLE_PREFIX:
		return key->len >= text->len &&
		    memcmp(key->p, text->p, text->len) == 0;
	case TABLE_SUFFIX:
		return key->len >= text->len && memcmp(key->p + key->len -
		    text->len, text->p, text->len) == 0;
	case TABLE_SUBSTRING:
		for (size_t i = 0; i + text->len <= key->len; i++)
			if (memcmp(key->p + i, text->p, text->len) == 0)
				return true;
		return false;
	case TABLE_FUZZY:
		*distance = distance_of(key, text);
		return *distance <= query->distance;
	case TABLE_REGEX:
		return regex_matches(key, text, folds);
	case TABLE_WAYS:
		break;
	}
	return false;
}

static bool
is_hidden(const struct keys *keys, size_t at, size_t i)
{
	for (size_t t = 0; t < at; t++) {
		struct text text = keys[at].shown[i];

		if (keys[t].fold)
			text_fold(&text);
		if (bsearch(&text, keys[t].keys, keys[t].n, sizeof(text),
		    text_compare) != NULL)
			return true;
	}
	return false;
}

struct found {
	const struct keys *keys;
	const struct text *key;
	unsigned int distance;
};

/* What should be found, limit and one more of it. */
static size_t
reference(const struct keys *keys, size_t n, const struct search_query *query,
    struct found *found)
{
	struct text plain, text;
	size_t count = 0;

	plain.len = query->key_len;
	if (plain.len > 0)
		memcpy(plain.p, query->key, plain.len);
	for (unsigned int d = 0; d <= 2; d++) {
		for (size_t t = 0; t < n; t++) {
			text = plain;
			if (keys[t].fold && query->way != TABLE_REGEX)
				text_fold(&text);
			for (size_t i = 0; i < keys[t].n; i++) {
				unsigned int distance;

				if (count > query->limit)
					return count;
				if (query->way == TABLE_EXACT && count > 0)
					return count;
				if (!key_matches(&keys[t].keys[i], &text,
				    query, keys[t].fold, &distance) ||
				    distance != d)
					continue;
				if (query->way != TABLE_EXACT &&
				    is_hidden(keys, t, i))
					continue;
				found[count++] = (struct found){ &keys[t],
				    &keys[t].keys[i], distance };
			}
		}
		if (query->way != TABLE_FUZZY)
			break;
	}
	return count;
}

static struct search *
search_run(const struct keys *keys, size_t n,
    const struct search_query *query, int64_t slice_us,
    enum search_result *result)
{
	const struct table *tables[4];
	struct search *search;

	for (size_t i = 0; i < n; i++)
		tables[i] = keys[i].table;
	search = search_new(tables, n, query);
	assert_non_null(search);
	do
		*result = search_step(search, slice_us);
	while (*result == SEARCH_MORE);
	return search;
}

static void
check(const struct keys *keys, size_t n, const struct search_query *query,
    int64_t slice_us)
{
	static struct found found[4 * KEYS_MAX + 1];
	const struct search_match *list;
	enum search_result result;
	struct search *search = search_run(keys, n, query, slice_us, &result);
	size_t expected, got;
	bool more;

	if (query->way == TABLE_REGEX && regex_is_bad(query)) {
		assert_int_equal(result, SEARCH_BAD);
		assert_non_null(search_why(search));
		search_free(search);
		return;
	}
	expected = reference(keys, n, query, found);
	assert_int_equal(result, SEARCH_DONE);
	got = search_matches(search, &list, &more);
	assert_int_equal(more, expected > query->limit);
	assert_int_equal(got, more ? query->limit : expected);
	for (size_t i = 0; i < got; i++) {
		struct table_entry entry;

		assert_ptr_equal(list[i].table, found[i].keys->table);
		assert_int_equal(list[i].distance, found[i].distance);
		table_entry(list[i].table, list[i].id, &entry);
		assert_int_equal(entry.key_len, found[i].key->len);
		assert_memory_equal(entry.key, found[i].key->p,
		    entry.key_len);
	}
	search_free(search);
	regex_forget();
}

/* A piece of a key with something changed, or any text. */
static void
random_query(const struct keys *keys, unsigned int alphabet,
    const struct search_query *query, struct text *text)
{
	unsigned int edits = query->way == TABLE_FUZZY ? roll(4) : roll(2);
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
				.distance = 1 + roll(2),
				.limit = limits[roll(6)] };
			const struct keys *some = &keys[roll(
			    (unsigned int)tables)];
			struct text text;

			if (way == TABLE_REGEX)
				random_regex(some, alphabet, &text);
			else
				random_query(some, alphabet, &query, &text);
			query.key = text.p;
			query.key_len = text.len;
			check(keys, tables, &query, slice_us);
		}
		for (size_t i = 0; i < tables; i++)
			keys_clear(&keys[i]);
	}
}

#define EACH_SLICE	1000000

static void
one_table_gives_what_is_in_it(void **state)
{
	(void)state;
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			check_way(way, 1, false, EACH_SLICE, QUERIES);
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
	for (enum table_way way = TABLE_EXACT; way < TABLE_WAYS; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			check_way(way, 3, true, EACH_SLICE, QUERIES / 5);
}

/* Numbers of so many digits, after a beginning. */
static void
keys_numbers(struct keys *keys, const char *beginning, unsigned int digits,
    unsigned int n, unsigned int step)
{
	struct text *texts = calloc(n, sizeof(*texts));

	for (unsigned int i = 0; i < n; i++)
		texts[i].len = (size_t)snprintf(texts[i].p,
		    sizeof(texts[i].p), "%s%0*u", beginning, (int)digits,
		    (n - 1 - i) * step);
	keys->table = table_of(texts, n, WAYS_ALL, false);
	keys->keys = keys->shown = NULL;
	free(texts);
}

/* The matches among those numbers, by looking at each. */
static void
check_numbers(const struct search_query *query, unsigned int n,
    const struct search_match *list, size_t count, bool more)
{
	size_t found = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct text key, text;
		struct table_entry entry;
		unsigned int distance;

		key.len = (size_t)snprintf(key.p, sizeof(key.p), "key%05u", i);
		text.len = query->key_len;
		memcpy(text.p, query->key, text.len);
		if (!key_matches(&key, &text, query, false, &distance))
			continue;
		if (found < count) {
			table_entry(list[found].table, list[found].id,
			    &entry);
			assert_memory_equal(entry.key, key.p, key.len);
		}
		found++;
	}
	assert_int_equal(count, found < query->limit ? found : query->limit);
	assert_int_equal(more, found > query->limit);
}

/* More of them than fit any buffer: in order, all, none twice. */
static void
many_matches_are_in_order(void **state)
{
	static const struct search_query queries[] = {
		{ TABLE_PREFIX, "k", 1, 0, 100000 },
		{ TABLE_PREFIX, "", 0, 0, 100000 },
		{ TABLE_SUBSTRING, "0", 1, 0, 100000 },
		{ TABLE_SUBSTRING, "00", 2, 0, 1000 },
		{ TABLE_SUBSTRING, "ey", 2, 0, 5 },
		{ TABLE_SUBSTRING, "99", 2, 0, 7 },
		{ TABLE_SUBSTRING, "y1", 2, 0, 1000 },
		{ TABLE_SUBSTRING, "y19", 3, 0, 5 },	/* at the end */
		{ TABLE_SUBSTRING, "97", 2, 0, 90 },
		{ TABLE_SUBSTRING, "007", 3, 0, 13 },
		{ TABLE_SUBSTRING, "1", 1, 0, 3000 },
		{ TABLE_SUFFIX, "77", 2, 0, 30 },
		{ TABLE_SUFFIX, "7", 1, 0, 900 },
		{ TABLE_SUFFIX, "", 0, 0, 1000 },
		{ TABLE_FUZZY, "key09990", 8, 2, 1000 },
		{ TABLE_FUZZY, "kye01234", 8, 2, 20 },
		{ TABLE_REGEX, "9.*9", 4, 0, 10 },
		{ TABLE_REGEX, "99.*9", 5, 0, 10 },
		{ TABLE_REGEX, "^key1.*1$", 9, 0, 1000 }
	};
	struct keys keys;

	(void)state;
	keys_numbers(&keys, "key", 5, 20000, 1);
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		const struct search_match *a, *b;
		enum search_result result;
		struct search *one, *many;
		bool more_a, more_b;
		size_t n;

		if (!(WAYS_ALL & TABLE_WAY(queries[i].way)))
			continue;
		one = search_run(&keys, 1, &queries[i], EACH_SLICE, &result);
		assert_int_equal(result, SEARCH_DONE);
		many = search_run(&keys, 1, &queries[i], 0, &result);
		assert_int_equal(result, SEARCH_DONE);
		n = search_matches(one, &a, &more_a);
		assert_int_equal(search_matches(many, &b, &more_b), n);
		assert_int_equal(more_a, more_b);
		assert_true(n > 0 && n <= queries[i].limit);
		if (queries[i].way != TABLE_FUZZY)
			check_numbers(&queries[i], 20000, a, n, more_a);
		regex_forget();
		for (size_t j = 0; j < n; j++) {
			struct table_entry entry, before;

			assert_true(a[j].id == b[j].id);
			if (j == 0 || a[j].distance != a[j - 1].distance)
				continue;
			table_entry(keys.table, a[j].id, &entry);
			table_entry(keys.table, a[j - 1].id, &before);
			assert_int_equal(entry.key_len, before.key_len);
			assert_true(memcmp(before.key, entry.key,
			    entry.key_len) < 0);
		}
		search_free(one);
		search_free(many);
	}
	keys_clear(&keys);
}

static enum search_result
search_text(const struct keys *keys, enum table_way way, const char *text,
    size_t len, char *why, size_t why_len)
{
	const struct search_query query = { way, text, len, 2, 1000 };
	enum search_result result;
	struct search *search = search_run(keys, 1, &query, 1000, &result);

	if (result == SEARCH_BAD)
		snprintf(why, why_len, "%s", search_why(search));
	search_free(search);
	return result;
}

static void
wrong_regular_expressions_are_told(void **state)
{
	static const struct {
		const char *regex, *why;
	} rows[] = {
		{ "a(b", "at offset 3" },
		{ "[", "at offset 1" },
		{ "a**", "" },
		{ "\\C", "\\C" },
		{ "(?<=a*)b", "lookbehind" },
		{ "((a{1,99}){1,99}){1,99}", "too large" }
	};
	char why[256], many[2000];
	struct keys keys;

	(void)state;
#ifndef HAVE_PCRE2
	skip();
#endif
	keys_numbers(&keys, "key", 2, 10, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (search_text(&keys, TABLE_REGEX, rows[i].regex,
		    strlen(rows[i].regex), why, sizeof(why)) == SEARCH_BAD)
			assert_non_null(strstr(why, rows[i].why));
		else
			assert_string_equal(rows[i].why, "");
	}
	memset(many, 'a', sizeof(many));
	assert_int_equal(search_text(&keys, TABLE_REGEX, many, sizeof(many),
	    why, sizeof(why)), SEARCH_BAD);
	memset(many, '(', sizeof(many));
	assert_int_equal(search_text(&keys, TABLE_REGEX, many, 1000, why,
	    sizeof(why)), SEARCH_BAD);
	assert_int_equal(search_text(&keys, TABLE_REGEX, "\xff", 1, why,
	    sizeof(why)), SEARCH_BAD);
	keys_clear(&keys);
}

/* Long keys that regular expressions may take for ever on. */
static void
regular_expressions_without_end_are_ended(void **state)
{
	static const char *const rows[] = { "([ab]+)*[0-9]", "(\\w+)*\\d",
		"(a|b|ab)*(?=[cd])[0-9]", "(?:a?){99}(?:a+)*[xyz]",
		"(a*)*\\1(.*)*[01]" };
	static struct text texts[2];
	struct keys keys;
	char why[256];

	(void)state;
#ifndef HAVE_PCRE2
	skip();
#endif
	for (size_t i = 0; i < sizeof(texts[0].p); i++)
		texts[0].p[i] = "ab"[i % 7 == 0];
	texts[0].len = sizeof(texts[0].p);
	texts[1].p[0] = 'b';
	texts[1].len = 1;
	keys.table = table_of(texts, 2, WAYS_ALL, false);
	keys.keys = keys.shown = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(search_text(&keys, TABLE_REGEX, rows[i],
		    strlen(rows[i]), why, sizeof(why)), SEARCH_LATE);
	/* One that just is slow, which takes it a character at a time. */
	assert_int_equal(search_text(&keys, TABLE_REGEX, "\\w+\\d", 6,
	    why, sizeof(why)), SEARCH_DONE);
	keys_clear(&keys);
}

/* Longer than any key, in bytes and in characters. */
static void
long_queries_find_nothing(void **state)
{
	char many[20000], why[256];
	struct keys keys;

	(void)state;
	memset(many, 'k', sizeof(many));
	keys_numbers(&keys, "k", 1, 5, 1);
	for (enum table_way way = TABLE_EXACT; way < TABLE_REGEX; way++)
		if (WAYS_ALL & TABLE_WAY(way))
			for (size_t len = 1; len < sizeof(many); len = 2 * len
			    + 1)
				assert_int_equal(search_text(&keys, way, many,
				    len, why, sizeof(why)), SEARCH_DONE);
	keys_clear(&keys);
}

static void
keys_that_are_not_utf8_have_no_index(void **state)
{
	const struct table_options options = { .name = "t",
	    .ways = TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX),
	    .said_file = "conf", .said_line = 3 };
	struct problems problems = PROBLEMS_INIT;
	struct table_builder *builder = table_builder_new(&options, 4096);
	struct table_segment *segment;

	(void)state;
	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", 1024);
	assert_non_null(segment);
	assert_int_equal(table_segment_add(segment, "a", 1, "v", 1, 1), 0);
	assert_int_equal(table_segment_add(segment, "a\xff", 2, "v", 1, 7),
	    0);
	assert_null(table_builder_finish(builder, 1, &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.list[0].text,
	    "f:7: the key is not UTF-8");
	problems_clear(&problems);

	/* Without lines, as in a .cdb. */
	builder = table_builder_new(&options, 4096);
	assert_non_null(builder);
	segment = table_builder_segment(builder, "f", 1024);
	assert_non_null(segment);
	assert_int_equal(table_segment_add(segment, "a", 1, "v", 1, 0), 0);
	assert_int_equal(table_segment_add(segment, "a\xff", 2, "v", 1, 0),
	    0);
	assert_null(table_builder_finish(builder, 1, &problems));
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.list[0].text,
	    "conf:3: f: record 2: the key is not UTF-8");
	problems_clear(&problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_gives_what_is_in_it),
		cmocka_unit_test(slices_change_nothing),
		cmocka_unit_test(earlier_tables_hide_keys_of_later_ones),
		cmocka_unit_test(folded_keys_are_found_folded),
		cmocka_unit_test(many_matches_are_in_order),
		cmocka_unit_test(wrong_regular_expressions_are_told),
		cmocka_unit_test(regular_expressions_without_end_are_ended),
		cmocka_unit_test(long_queries_find_nothing),
		cmocka_unit_test(keys_that_are_not_utf8_have_no_index)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
