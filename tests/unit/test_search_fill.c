/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Searches that are filled up, as suggestions are, against a reference that
 * tells of each key what it is to the value; in one slice and in many.
 */

#include "config.h"

#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/table/word.h"
#include "roll.h"

#define TABLES		300
#define QUERIES		100	/* of each */
#define KEYS_MAX	200
#define EACH_SLICE	1000000	/* us: one is enough */
#define WORDS_MOST	6	/* of a value */
#define CHARS_ROOM	TABLE_KEY_MAX

/* What a key is to the value, the nearest first; distances 1 to 3 are. */
enum kind {
	KIND_INITIALS,
	KIND_PREFIX = 4,
	KIND_WORDS_ALL,
	KIND_WORDS_ONE,
	KIND_NEARLY,
	KIND_FIRST_INITIALS,
	KINDS
};

/* A text by characters, and where its words are. */
struct parts {
	uint32_t chars[CHARS_ROOM];
	size_t n;
	struct {
		size_t from, to;
	} words[CHARS_ROOM];
	size_t words_n;
};

/* What is expected, in the order of these. */
struct near {
	unsigned int kind, like;
	size_t rank;
};

static const char *const alphabets[][6] = {
	{ "a", "b", " ", "c" },
	{ "a", "-", "b", "\xc3\xa4", "z", "'" },
	{ "\xe4\xb8\xad", "\xe2\x80\x94", "a", "\xf0\x9f\x90\xb0" },
	{ "a", "b", "c", "d", " ", "e" }
};

static void
take_apart(const struct text *text, struct parts *parts)
{
	bool within = false;

	parts->n = parts->words_n = 0;
	for (size_t i = 0; i < text->len;) {
		uint32_t c = (uint8_t)text->p[i];
		size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

		c &= len == 1 ? 0x7f : 0xffu >> (len + 1);
		for (size_t j = 1; j < len; j++)
			c = c << 6 | ((uint8_t)text->p[i + j] & 0x3f);
		if (word_has(c) && !within)
			parts->words[parts->words_n++].from = parts->n;
		within = word_has(c);
		parts->chars[parts->n++] = c;
		if (within)
			parts->words[parts->words_n - 1].to = parts->n;
		i += len;
	}
}

/* Whether the value is the initials of the key, or the first of them. */
static bool
are_initials(const struct parts *key, const struct parts *value, bool small,
    bool whole)
{
	size_t n = 0;

	for (size_t i = 0; i < key->words_n; i++) {
		size_t len = key->words[i].to - key->words[i].from;

		if (i > 0 && len < (small ? 2 : 4))
			continue;
		if (n < value->n && value->chars[n] !=
		    key->chars[key->words[i].from])
			return false;
		n++;
	}
	return whole ? n == value->n : n >= value->n;
}

static bool
begins_at(const struct parts *key, size_t at, const uint32_t *chars, size_t n)
{
	return key->n - at >= n && memcmp(key->chars + at, chars,
	    n * sizeof(*chars)) == 0;
}

/* Whether a word of the value begins one of the key. */
static bool
has_word(const struct parts *key, const struct parts *value, size_t word)
{
	size_t from = value->words[word].from;

	for (size_t i = 0; i < key->words_n; i++)
		if (begins_at(key, key->words[i].from, value->chars + from,
		    value->words[word].to - from))
			return true;
	return false;
}

static size_t
bytes_of(const struct parts *parts, size_t word)
{
	size_t bytes = 0;

	for (size_t i = parts->words[word].from; i < parts->words[word].to;
	    i++)
		bytes += parts->chars[i] < 0x80 ? 1 : parts->chars[i] < 0x800 ?
		    2 : parts->chars[i] < 0x10000 ? 3 : 4;
	return bytes;
}

/* Whether a beginning of the key, to some word's end, is an edit away. */
static bool
nearly_begins(const struct text *key, const struct parts *key_parts,
    const struct text *text, const struct parts *value)
{
	const struct search_query one = { .way = TABLE_FUZZY, .distance = 1 };

	if (value->n < 4 || !begins_at(key_parts, 0, value->chars, 2))
		return false;
	for (size_t i = 0; i < key_parts->words_n; i++) {
		struct text beginning = { .len = 0 };
		unsigned int distance;
		size_t chars = 0;

		for (size_t at = 0; at < key->len; at++) {
			chars += (key->p[at] & 0xc0) != 0x80;
			if (chars > key_parts->words[i].to)
				break;
			beginning.p[beginning.len++] = key->p[at];
		}
		if (reference_matches(&beginning, text, &one, false,
		    &distance) && distance == 1)
			return true;
	}
	return false;
}

static unsigned int
kind_by_words(const struct parts *key, const struct parts *value)
{
	bool all = true, one = false;

	if (value->words_n == 0 || value->words_n > WORDS_MOST)
		return KINDS;
	for (size_t i = 0; i < value->words_n; i++) {
		bool has = has_word(key, value, i);

		all = all && has;
		one = one || (has && bytes_of(value, i) >= 3);
	}
	if (all)
		return KIND_WORDS_ALL;
	return one && value->words_n > 1 ? KIND_WORDS_ONE : KINDS;
}

static unsigned int
kind_of(const struct text *key, const struct text *text,
    const struct search_query *query, unsigned int ways)
{
	static struct parts key_parts, value;
	bool substring = ways & TABLE_WAY(TABLE_SUBSTRING), initials;
	unsigned int distance, kind;

	take_apart(key, &key_parts);
	take_apart(text, &value);
	initials = substring && value.words_n == 1 && value.n >= 2 &&
	    value.n <= 5 && value.words[0].to - value.words[0].from == value.n;
	if (initials && (are_initials(&key_parts, &value, true, true) ||
	    are_initials(&key_parts, &value, false, true)))
		return KIND_INITIALS;
	if (reference_matches(key, text, query, false, &distance))
		return distance;
	if (text->len == 0)
		return KINDS;
	if (begins_at(&key_parts, 0, value.chars, value.n))
		return KIND_PREFIX;
	kind = substring ? kind_by_words(&key_parts, &value) : KINDS;
	if (kind < KINDS)
		return kind;
	if (nearly_begins(key, &key_parts, text, &value))
		return KIND_NEARLY;
	return initials && (are_initials(&key_parts, &value, true, false) ||
	    are_initials(&key_parts, &value, false, false)) ?
	    KIND_FIRST_INITIALS : KINDS;
}

static int
near_compare(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->like != y->like)
		return x->like < y->like ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* How often each kind was expected. */
static unsigned int seen[KINDS];

static void
check(const struct keys *keys, const struct search_query *query,
    unsigned int ways, int64_t slice_us)
{
	static struct near near[KEYS_MAX];
	struct text text = { .len = query->key_len };
	const struct search_match *list;
	enum search_result result;
	struct search *search = reference_search(keys, 1, query, slice_us,
	    &result);
	size_t n = 0;
	bool more;

	assert_int_equal(result, SEARCH_DONE);
	memcpy(text.p, query->key, query->key_len);
	for (size_t i = 0; i < keys->n; i++) {
		unsigned int kind = kind_of(&keys->keys[i], &text, query,
		    ways);

		if (kind == KINDS)
			continue;
		near[n].kind = kind;
		near[n].like = kind > KIND_INITIALS && kind < KIND_PREFIX ?
		    reference_like(&text, &keys->keys[i]) : 0;
		near[n++].rank = i;
	}
	qsort(near, n, sizeof(*near), near_compare);
	if (n > query->limit)
		n = query->limit;
	assert_int_equal(search_matches(search, &list, &more), n);
	for (size_t i = 0; i < n; i++) {
		struct table_entry entry;

		table_entry(list[i].table, list[i].id, &entry);
		assert_int_equal(entry.key_len, keys->keys[near[i].rank].len);
		assert_memory_equal(entry.key, keys->keys[near[i].rank].p,
		    entry.key_len);
		seen[near[i].kind]++;
	}
	search_free(search);
}

static void
add_char(struct text *text, unsigned int alphabet)
{
	const char *c;

	do
		c = alphabets[alphabet][roll(6)];
	while (c == NULL);
	memcpy(text->p + text->len, c, strlen(c));
	text->len += strlen(c);
}

static void
random_text(struct text *text, unsigned int alphabet, unsigned int most)
{
	text->len = 0;
	for (unsigned int n = 1 + roll(most); n > 0; n--)
		add_char(text, alphabet);
}

/* The first characters of a key's words, of all or some. */
static void
make_initials(struct text *text)
{
	struct text key = *text;

	text->len = 0;
	for (size_t at = 0; at < key.len; at++)
		if ((key.p[at] & 0xc0) != 0x80 &&
		    word_starts(key.p, key.len, at) && roll(8) != 0)
			do
				text->p[text->len++] = key.p[at++];
			while (at < key.len && (key.p[at] & 0xc0) == 0x80);
}

/* A beginning with a character put in, or left out. */
static void
make_beginning(struct text *text, unsigned int alphabet)
{
	struct text key = *text, put = { .len = 0 };
	size_t at = roll((unsigned int)key.len + 1), behind = at, end;

	while (at < key.len && at > 0 && (key.p[at] & 0xc0) == 0x80)
		at--;
	behind = at;
	if (roll(2) == 0)
		add_char(&put, alphabet);
	else if (behind < key.len)
		do
			behind++;
		while (behind < key.len && (key.p[behind] & 0xc0) == 0x80);
	end = behind + roll((unsigned int)(key.len - behind) + 1);
	while (end < key.len && (key.p[end] & 0xc0) == 0x80)
		end++;
	memcpy(text->p + at, put.p, put.len);
	memcpy(text->p + at + put.len, key.p + behind, end - behind);
	text->len = at + put.len + end - behind;
}

static void
random_query(const struct keys *keys, unsigned int alphabet,
    struct text *text)
{
	random_text(text, alphabet, 8);
	if (roll(4) == 0 || keys->n == 0)
		return;
	*text = keys->keys[roll((unsigned int)keys->n)];
	if (roll(3) == 0)
		make_initials(text);
	else
		make_beginning(text, alphabet);
}

static void
check_tables(unsigned int tables, int64_t slice_us)
{
	static struct text texts[KEYS_MAX];

	for (unsigned int t = 0; t < tables; t++) {
		unsigned int alphabet = roll(4), n = roll(3) == 0 ?
		    roll(KEYS_MAX) : roll(8);
		unsigned int ways = roll(4) == 0 ? WAYS_OTHERS : WAYS_ALL;
		struct keys keys;

		for (unsigned int i = 0; i < n; i++)
			random_text(&texts[i], alphabet, CHARS_MAX);
		keys_init(&keys, texts, n, ways, false);
		for (unsigned int i = 0; i < QUERIES; i++) {
			struct text text;
			struct search_query query = { .way = TABLE_FUZZY,
				.distance = 1 + roll(3), .fill = true,
				.limit = 1 + roll(5) };

			random_query(&keys, alphabet, &text);
			/* Only for a miss is there something to suggest. */
			if (bsearch(&text, keys.keys, keys.n, sizeof(text),
			    text_compare) != NULL)
				continue;
			query.key = text.p;
			query.key_len = text.len;
			check(&keys, &query, ways, slice_us);
		}
		keys_clear(&keys);
	}
}

static void
what_fills_up_is_as_the_protocol_says(void **state)
{
	(void)state;
	check_tables(TABLES, EACH_SLICE);
	for (unsigned int i = 0; i < KINDS; i++)
		if (WAYS_SUFFIX != 0 || i == KIND_PREFIX || i == KIND_NEARLY)
			assert_int_not_equal(seen[i], 0);
}

static void
slices_change_nothing(void **state)
{
	(void)state;
	check_tables(TABLES / 10, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fills_up_is_as_the_protocol_says),
		cmocka_unit_test(slices_change_nothing)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
