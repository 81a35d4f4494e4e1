/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Nothing here is clever: the whole matrix of a distance, expressions without
 * what makes PCRE2 fast, and every key for every query.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

#include "daemon/table/word.h"

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

/* The letter that one of the tests' characters shows. */
static uint32_t
letter_of(uint32_t c)
{
#ifdef HAVE_UTF8PROC
	static const struct {
		uint32_t c, letter;
	} marked[] = { { 0xc3a4, 'a' }, { 0xc384, 'a' }, { 0xc3a5, 'a' },
	    { 0xc3a1, 'a' }, { 0xc3a9, 'e' }, { 0xc389, 'e' } };

	for (size_t i = 0; i < sizeof(marked) / sizeof(*marked); i++)
		if (marked[i].c == c)
			return marked[i].letter;
#endif
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static bool
is_vowel(uint32_t c)
{
	return c != 0 && c < 128 && strchr("aeiouy", (int)c) != NULL;
}

static int
replaced_cost(uint32_t a, uint32_t b)
{
	static const char *const alike[] = { "aeiouy", "bp", "ckqsxz", "dt",
	    "fvw", "gj", "mn" };
	uint32_t x = letter_of(a), y = letter_of(b);

	if (x == y)
		return 2;
	for (size_t i = 0; i < sizeof(alike) / sizeof(*alike); i++)
		if (x != 0 && x < 128 && strchr(alike[i], (int)x) != NULL &&
		    y != 0 && y < 128 && strchr(alike[i], (int)y) != NULL)
			return 4;
	return 8;
}

/* Of a character that only one text has, at a place in it. */
static int
alone_cost(const uint32_t *chars, unsigned int n, unsigned int at,
    int vowel, int other)
{
	uint32_t c = chars[at];

	if (at > 0 && chars[at - 1] == c)
		return 0;
	if (at + 1 < n && chars[at + 1] == c)
		return 0;
	if (at + 1 == n && letter_of(c) == 'e')
		return 0;
	return is_vowel(letter_of(c)) ? vowel : other;
}

/* A way of some edits at some cost; fewer edits are always better. */
struct way {
	unsigned int edits;
	int cost;
};

static void
way_try(struct way *best, struct way from, bool is_edit, int cost,
    bool at_start, bool at_end)
{
	if (is_edit) {
		from.edits++;
		from.cost += cost + (at_start ? 4 : 0) + (at_end ? 2 : 0);
	}
	if (from.edits < best->edits || (from.edits == best->edits &&
	    from.cost < best->cost))
		*best = from;
}

unsigned int
reference_like(const struct text *query, const struct text *key)
{
	static struct way d[BYTES_MAX * 2][BYTES_MAX * 2];
	static uint32_t q[BYTES_MAX * 2], k[BYTES_MAX * 2];
	unsigned int n = chars_of(query, q), m = chars_of(key, k);
	unsigned int first = 0, last_q = n, last_k = m;

	while (first < n && first < m && q[first] == k[first])
		first++;
	while (last_q > first && last_k > first &&
	    q[last_q - 1] == k[last_k - 1]) {
		last_q--;
		last_k--;
	}
	for (unsigned int i = first; i <= last_q; i++) {
		for (unsigned int j = first; j <= last_k; j++) {
			struct way best = { 1000, 0 };
			bool end = i == n && j == m;

			if (i == first && j == first)
				best.edits = 0;
			if (i > first && j > first)
				way_try(&best, d[i - 1][j - 1],
				    q[i - 1] != k[j - 1],
				    replaced_cost(q[i - 1], k[j - 1]),
				    i == 1 && j == 1, end);
			if (j > first)
				way_try(&best, d[i][j - 1], true,
				    alone_cost(k, m, j - 1, 2, 4),
				    i == 0 && j == 1, end);
			if (i > first)
				way_try(&best, d[i - 1][j], true,
				    alone_cost(q, n, i - 1, 6, 8),
				    i == 1 && j == 0, end);
			if (i > first + 1 && j > first + 1 &&
			    q[i - 1] == k[j - 2] && q[i - 2] == k[j - 1])
				way_try(&best, d[i - 2][j - 2], true, -2,
				    i == 2 && j == 2, end);
			d[i][j] = best;
		}
	}
	return (unsigned int)d[last_q][last_k].cost + last_q - first +
	    last_k - first;
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

bool
reference_regex_is_bad(const struct search_query *query)
{
	int error;
	size_t offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)query->key,
	    query->key_len, PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);

	pcre2_code_free(code);
	return code == NULL;
}

void
reference_regex_forget(void)
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

bool
reference_regex_is_bad(const struct search_query *query)
{
	(void)query;
	return true;
}

void
reference_regex_forget(void)
{
}
#endif

/* Three edits are for long texts that begin as the key does. */
static bool
is_like_enough(const struct text *key, const struct text *text)
{
	static uint32_t a[BYTES_MAX * 2], b[BYTES_MAX * 2];

	return chars_of(text, a) >= 8 && chars_of(key, b) >= 2 &&
	    a[0] == b[0] && a[1] == b[1];
}

bool
reference_matches(const struct text *key, const struct text *text,
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
		return *distance <= query->distance &&
		    (*distance < 3 || is_like_enough(key, text));
	case TABLE_REGEX:
		return regex_matches(key, text, folds);
	case TABLE_WORDS:	/* test_words_random.c */
	case TABLE_TEXT:
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

/* Whether a character there is part of a word. */
static bool
is_word_at(const struct text *text, size_t at)
{
	uint32_t c = (uint8_t)text->p[at];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	c &= n == 1 ? 0x7f : 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)text->p[at + i] & 0x3f);
	return word_has(c);
}

static bool
starts_word(const struct text *text, size_t at)
{
	size_t before = at;

	if (at == text->len || !is_word_at(text, at))
		return false;
	if (at == 0)
		return true;
	do
		before--;
	while (((uint8_t)text->p[before] & 0xc0) == 0x80);
	return !is_word_at(text, before);
}

size_t
reference_chars(const struct text *text, size_t *starts, bool *has)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; n++) {
		uint32_t c = (uint8_t)text->p[i];
		size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		if (len > 1)
			c &= 0x7fu >> len;
		starts[n] = i;
		for (size_t j = 1; j < len; j++)
			c = c << 6 | ((uint8_t)text->p[i + j] & 0x3f);
		has[n] = word_has(c);
		i += len;
	}
	starts[n] = text->len;
	has[n] = false;
	return n;
}

bool
reference_has_word(const struct text *text, const char *word, size_t len,
    bool begins)
{
	size_t starts[sizeof(text->p) + 1], n;
	bool has[sizeof(text->p) + 1];

	n = reference_chars(text, starts, has);
	for (size_t i = 0; i < n; i++) {
		size_t end = i;

		if (!has[i] || (i > 0 && has[i - 1]))
			continue;
		while (has[end])
			end++;
		if ((begins ? starts[end] - starts[i] >= len :
		    starts[end] - starts[i] == len) &&
		    memcmp(text->p + starts[i], word, len) == 0)
			return true;
	}
	return false;
}

/* Which of a table's matches it is among, or would be. */
static unsigned int
group_of(const struct text *key, const struct text *text, enum table_way way)
{
	size_t last = key->len - text->len;

	if (text->len == 0 || (way != TABLE_SUFFIX && way != TABLE_SUBSTRING))
		return 0;
	if (key->len < text->len)
		return 2;
	if (way == TABLE_SUFFIX)
		return memcmp(key->p + last, text->p, text->len) == 0 &&
		    starts_word(key, last) ? 1 : 2;
	if (memcmp(key->p, text->p, text->len) == 0)
		return 0;
	for (size_t i = 0; i <= last; i++)
		if (memcmp(key->p + i, text->p, text->len) == 0 &&
		    starts_word(key, i))
			return 1;
	return 2;
}

static struct text
text_as(const char *p, size_t len, bool folds)
{
	struct text text = { .len = len };

	if (len > 0)
		memcpy(text.p, p, len);
	if (folds)
		text_fold(&text);
	return text;
}

static int
found_compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	if (x->like != y->like)
		return x->like < y->like ? -1 : 1;
	if (x->other != y->other)
		return x->other ? 1 : -1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->unasked != y->unasked)
		return x->unasked ? 1 : -1;
	if (text_compare(x->key, y->key) != 0)
		return text_compare(x->key, y->key);
	return text_compare(x->shown, y->shown);
}

/* Where a key is in the order of matches of a table, if it is one or not. */
static struct found
place_of(const struct keys *keys, size_t at, const struct text *key,
    const struct text *shown, const struct search_query *query)
{
	const struct text plain = text_as(query->key, query->key_len, false);
	const struct text value = text_as(query->key, query->key_len,
	    keys[at].fold);
	bool is_value = text_compare(key, &value) == 0;
	size_t own = keys_find(&keys[at], &value, &plain);
	struct found place = { .keys = &keys[at], .table = at, .key = key,
	    .shown = shown, .other = query->way == TABLE_FUZZY || !is_value,
	    .unasked = is_value && own < keys[at].n &&
	    text_compare(shown, &keys[at].shown[own]) != 0,
	    .group = group_of(key, &value, query->way) };

	if (query->way == TABLE_FUZZY) {
		place.distance = distance_of(key, &value);
		place.like = is_value ? place.unasked :
		    reference_like(&value, key);
	}
	return place;
}

/* The place to go on after; false: no table has that key. */
static bool
place_after(const struct keys *keys, size_t n,
    const struct search_query *query, struct text text[2],
    struct found *place)
{
	size_t filled = 0, own;

	text[1] = text_as(query->after, query->after_len, false);

	for (size_t t = 0; t < n; t++)
		filled += keys[t].n > 0;
	for (size_t t = 0; t < n; t++) {
		*text = text_as(query->after, query->after_len, keys[t].fold);
		if (filled > 0 && keys[t].n == 0)
			continue;
		own = keys_find(&keys[t], text, &text[1]);
		if (filled > 1 && own == keys[t].n)
			continue;
		*place = place_of(keys, t, text, own < keys[t].n ?
		    &keys[t].shown[own] : &text[1], query);
		return true;
	}
	return false;
}

/* All matches, in no order. */
static size_t
find_all(const struct keys *keys, size_t n, const struct search_query *query,
    struct found *all)
{
	size_t count = 0;

	for (size_t t = 0; t < n; t++) {
		const struct text text = text_as(query->key, query->key_len,
		    keys[t].fold && query->way != TABLE_REGEX);

		for (size_t i = 0; i < keys[t].n; i++) {
			struct found *found = &all[count];
			unsigned int distance;

			if (!reference_matches(&keys[t].keys[i], &text, query,
			    keys[t].fold, &distance))
				continue;
			if (query->way == TABLE_EXACT && count > 0)
				return count;
			if (query->way != TABLE_EXACT &&
			    is_hidden(keys, t, i))
				continue;
			*found = place_of(keys, t, &keys[t].keys[i],
			    &keys[t].shown[i], query);
			if (query->way == TABLE_EXACT && found->unasked)
				continue;
			count++;
		}
	}
	return count;
}

size_t
reference_find(const struct keys *keys, size_t n,
    const struct search_query *query, struct found *found)
{
	struct found *all, place;
	size_t room = 1, count, told = 0;
	struct text text[2];

	if (query->after_len > 0 && !place_after(keys, n, query, text,
	    &place))
		return REFERENCE_LOST;
	for (size_t t = 0; t < n; t++)
		room += keys[t].n;
	all = calloc(room, sizeof(*all));
	count = find_all(keys, n, query, all);
	qsort(all, count, sizeof(*all), found_compare);
	for (size_t i = 0; i < count && told <= query->limit; i++)
		if (query->after_len == 0 || (query->way != TABLE_EXACT &&
		    found_compare(&all[i], &place) > 0))
			found[told++] = all[i];
	free(all);
	return told;
}

struct search *
reference_search(const struct keys *keys, size_t n,
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
