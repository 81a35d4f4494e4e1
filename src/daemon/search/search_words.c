/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words and text.  First come the keys that begin with the value, of which it
 * is one itself; they need no dictionary.  Then the lists of all words are
 * walked side by side for the ranks that are in all of them, in the keys'
 * dictionary and, for text, in that of keys and answers.
 *
 * By weight there are dictionaries of their own, in which each key has its
 * place for its rank, so that what is found first is first.  Of a value with
 * words, every key that begins with it has them all: one walk finds all.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/index/index_union.h"
#include "daemon/index/index_words.h"
#include "daemon/table/word.h"

#define WORDS_MAX	32	/* of a value */

/* Work, in nanoseconds. */
#define WORDS_FIND_WORK	2000	/* a word in a dictionary */
#define WORDS_OPEN_WORK	30	/* a list */
#define WORDS_SEEK_WORK	30
#define WORDS_TEST_WORK	60	/* and for each byte of the key, 1 */
#define WORDS_WHOLE_WORK	150	/* a test, and what it waits for */

/* Words of a value, borrowed from it; the last one is a beginning. */
struct words_value {
	struct {
		const uint8_t *p;
		size_t len;
	} words[WORDS_MAX];
	unsigned int n;
};

enum words_phase {
	WORDS_BEGIN,		/* keys that begin with the value */
	WORDS_KEYS,		/* those with all words */
	WORDS_TEXTS,		/* and those with all words here or there */
	WORDS_WEIGHED		/* by weight: all of these */
};

struct search_words {
	struct words_value value;
	enum words_phase phase;
	bool open;		/* the phase's lists are */
	uint32_t lo, hi;	/* ranks of keys that begin with the value */
	uint32_t from;		/* go on here; weighed: places */
	struct index_cursor lists[WORDS_MAX];	/* shortest first */
	unsigned int lists_n;
	struct index_union some;	/* of the last word, or none */
	bool some_first;	/* it is shorter than all lists */
	bool test;		/* the last word is looked for in each key */
};

/* Find the words of the value; fails when there are too many. */
static int
value_init(struct words_value *value, const uint8_t *text, size_t len)
{
	size_t start, end = 0;

	value->n = 0;
	while (word_next(text, len, &start, &end)) {
		if (value->n == WORDS_MAX)
			return -1;
		value->words[value->n].p = text + start;
		value->words[value->n++].len = index_word_len(text + start,
		    end - start);
	}
	return 0;
}

static bool
value_word_is_in(const struct words_value *value, unsigned int i,
    const uint8_t *text, size_t len)
{
	const uint8_t *word = value->words[i].p, *p = text;
	size_t word_len = value->words[i].len;
	bool begins = i + 1 == value->n;

	while ((p = memmem(p, len - (size_t)(p - text), word,
	    word_len)) != NULL) {
		size_t at = (size_t)(p++ - text);

		if (word_starts(text, len, at) && (begins ||
		    word_ends(text, len, at + word_len)))
			return true;
	}
	return false;
}

/* Whether a text has all words from some number on. */
static bool
value_is_in(const struct words_value *value, unsigned int from,
    const uint8_t *text, size_t len)
{
	for (unsigned int i = from; i < value->n; i++)
		if (!value_word_is_in(value, i, text, len))
			return false;
	return true;
}

static void
words_close(struct search_words *words)
{
	index_union_clear(&words->some);
	words->open = false;
	words->lists_n = 0;
	words->some_first = false;
	words->test = false;
}

static void
words_phase(struct search_words *words, enum words_phase phase, uint32_t from)
{
	words_close(words);
	words->phase = phase;
	words->from = from;
}

/* Begin where the key to go on after has, or would have, its place. */
static void
words_after(struct search *search)
{
	struct search_words *words = search->words;
	const struct search_after *after = &search->after;
	enum words_phase phase = WORDS_KEYS;

	if (after->key_len >= search->key_len && memcmp(after->key,
	    search->key, search->key_len) == 0)
		phase = WORDS_BEGIN;
	else if (search->wanted == TABLE_TEXT && (words->value.n == 0 ||
	    !value_is_in(&words->value, 0, after->key, after->key_len)))
		phase = WORDS_TEXTS;
	words_phase(words, phase, search_after_rank(search));
}

/* The words of the value. */
static enum search_result
words_start(struct search *search)
{
	struct search_words *words = search->words;

	if (words == NULL)
		words = search->words = calloc(1, sizeof(*words));
	if (words == NULL)
		return SEARCH_FAILED;
	if (value_init(&words->value, search->key,
	    search->key_len) == -1) {
		search->why = "the value has more than 32 words";
		return SEARCH_BAD;
	}
	return SEARCH_MORE;
}

enum search_result
search_words_begin_weighed(struct search *search, uint32_t place)
{
	enum search_result result = words_start(search);

	if (result != SEARCH_MORE)
		return result;
	words_phase(search->words, WORDS_WEIGHED, place);
	return search->words->value.n > 0 ? SEARCH_MORE : SEARCH_DONE;
}

static enum search_result
words_begin(struct search *search)
{
	enum search_result result = words_start(search);
	struct search_words *words = search->words;

	if (result != SEARCH_MORE)
		return result;
	words->lo = index_seek(search->index, search->key, search->key_len,
	    false, 0);
	words->hi = index_seek(search->index, search->key, search->key_len,
	    true, words->lo);
	words_phase(words, WORDS_BEGIN, words->lo);
	/* The value itself is pushed already, where it has a round. */
	if (search->apart && search_is_key(search->index, words->lo,
	    search->key, search->key_len))
		words->from = index_behind(search->index, words->lo);
	if (search_is_after(search))
		words_after(search);
	return SEARCH_MORE;
}

/*
 * Whether it takes longer to mark the keys of a union than to test for the last
 * word those that have the others, if all are.
 */
static bool
words_is_tested(const struct search *search)
{
	const struct search_words *words = search->words;
	uint64_t n = words->lists[0].n, moves = search->index->n /
	    INDEX_UNION_WINDOW + 1;

	return n * WORDS_WHOLE_WORK <= words->some.total *
	    INDEX_UNION_MARK_WORK + (moves < n ? moves : n) * words->some.n *
	    INDEX_UNION_SEEK_WORK;
}

/* Whether the texts that words are of are keys, which are at hand. */
static bool
words_are_of_keys(const struct search *search)
{
	return search->words->phase == WORDS_KEYS ||
	    (search->words->phase == WORDS_WEIGHED &&
	    search->wanted == TABLE_WORDS);
}

/* Add the list of words lo to hi of a dictionary, or keep it for later. */
static enum search_result
words_open_last(struct search *search, const struct index_words *dictionary,
    uint32_t lo, uint32_t hi)
{
	struct search_words *words = search->words;
	bool keys = words->lists_n > 0 && words_are_of_keys(search);

	/* What is in few keys is looked up there. */
	if (keys && words->lists[0].n <= hi - lo) {
		words->test = true;
		return SEARCH_MORE;
	}
	if (index_union_init(&words->some, dictionary, lo, hi) == -1)
		return SEARCH_FAILED;
	search->work += (unsigned int)words->some.n * WORDS_OPEN_WORK;
	if (keys && words_is_tested(search)) {
		index_union_clear(&words->some);
		words->test = true;
		return SEARCH_MORE;
	}
	words->some_first = words->lists_n == 0 ||
	    words->some.total < words->lists[0].n;
	return SEARCH_MORE;
}

static void
words_add_list(struct search_words *words, const struct index_cursor *list)
{
	unsigned int i = words->lists_n++;

	for (; i > 0 && words->lists[i - 1].n > list->n; i--)
		words->lists[i] = words->lists[i - 1];
	words->lists[i] = *list;
}

/*
 * Find all words in a dictionary.
 *
 * Returns SEARCH_MORE; SEARCH_DONE when there is one that it does not have.
 */
static enum search_result
words_open(struct search *search, const struct index_words *dictionary)
{
	struct search_words *words = search->words;
	const struct words_value *value = &words->value;
	struct index_cursor list;
	uint32_t lo = 0, hi = 0;

	if (value->n == 0)
		return SEARCH_DONE;
	words->open = true;
	for (unsigned int i = 0; i < value->n; i++) {
		bool last = i + 1 == value->n;

		search->work += WORDS_FIND_WORK;
		if (!index_words_find(dictionary, value->words[i].p,
		    value->words[i].len, last, &lo, &hi))
			return SEARCH_DONE;
		if (hi - lo == 1) {
			index_words_cover(dictionary, lo, hi, &list);
			words_add_list(words, &list);
		}
	}
	return hi - lo == 1 ? SEARCH_MORE :
	    words_open_last(search, dictionary, lo, hi);
}

/* The first rank of a list, or of the union, that is not less than one. */
static uint32_t
words_seek(struct search *search, unsigned int i, uint32_t rank)
{
	struct search_words *words = search->words;
	unsigned int at = words->some_first ? 0 : words->lists_n;

	if (words->some.cursors != NULL && i == at) {
		rank = index_union_seek(&words->some, rank, &search->work);
	} else {
		struct index_cursor *list = &words->lists[i -
		    (words->some.cursors != NULL && i > at)];

		index_cursor_seek(list, rank);
		rank = list->rank;
	}
	search->work += WORDS_SEEK_WORK;
	return rank;
}

/*
 * Go to the next rank that all lists have.
 *
 * Returns SEARCH_DONE: there is none; SEARCH_MORE with over set: the slice is
 * over; or SEARCH_MORE.
 */
static enum search_result
words_next(struct search *search, bool *over)
{
	struct search_words *words = search->words;
	unsigned int n = words->lists_n + (words->some.cursors != NULL), i;

	*over = false;
	for (i = 0; i < n;) {
		uint32_t rank = words_seek(search, i, words->from);

		if (rank == INDEX_NO_RANK)
			return SEARCH_DONE;
		if (rank == words->from || i == 0) {
			i++;
		} else {
			i = 0;
			if (search_tick(search, 0)) {
				*over = true;
				i = n;
			}
		}
		words->from = rank;
	}
	return SEARCH_MORE;
}

/* The rank of what is in hand. */
static uint32_t
words_rank(const struct search *search)
{
	const struct search_words *words = search->words;

	return words->phase == WORDS_WEIGHED ?
	    search->index->weights->order[words->from] : words->from;
}

/* Whether it is in a phase before this one. */
static bool
words_is_begin(const struct search_words *words)
{
	return words->phase != WORDS_WEIGHED && words->from >= words->lo &&
	    words->from < words->hi;
}

/* Whether what all lists have is a match of this phase. */
static bool
words_test(struct search *search)
{
	const struct search_words *words = search->words;
	const struct words_value *value = &words->value;
	const uint8_t *key;
	size_t len;

	if (words_is_begin(words))
		return false;
	if (words->phase != WORDS_TEXTS && !words->test)
		return true;
	key = index_key(search->index, words_rank(search), &len);
	search->work += WORDS_TEST_WORK + (unsigned int)len;
	if (words->phase != WORDS_TEXTS)
		return value_is_in(value, value->n - 1, key, len);
	search->work += value->n * (unsigned int)len;
	return !value_is_in(value, 0, key, len);
}

static enum search_result
words_push(struct search *search)
{
	uint32_t rank = words_rank(search);

	search->words->from++;
	return search_push(search, index_id(search->index, rank), 0);
}

/* Keys that begin with the value. */
static enum search_result
words_work_begin(struct search *search)
{
	struct search_words *words = search->words;

	while (words->from < words->hi) {
		enum search_result result = words_push(search);

		if (result != SEARCH_MORE || search_tick(search, 5))
			return result;
	}
	words_phase(words, WORDS_KEYS, 0);
	return SEARCH_MORE;
}

/*
 * Matches by a dictionary.
 *
 * Returns SEARCH_DONE at its end.
 */
static enum search_result
words_work_lists(struct search *search, const struct index_words *dictionary)
{
	struct search_words *words = search->words;
	enum search_result result = SEARCH_MORE;
	bool over = false;

	if (!words->open)
		result = words_open(search, dictionary);
	while (result == SEARCH_MORE && !over) {
		result = words_next(search, &over);
		if (result != SEARCH_MORE || over)
			break;
		if (words_test(search))
			result = words_push(search);
		else if (words_is_begin(words))
			words->from = words->hi;
		else
			words->from++;
		over = search_tick(search, 5);
	}
	return result;
}

static enum search_result
search_words_work(struct search *search)
{
	struct search_words *words = search->words;
	enum search_result result;

	for (;;) {
		switch (words->phase) {
		case WORDS_BEGIN:
			result = words_work_begin(search);
			if (words->phase == WORDS_BEGIN ||
			    result != SEARCH_MORE)
				return result;
			break;
		case WORDS_KEYS:
			result = words_work_lists(search,
			    search->index->words);
			if (result != SEARCH_DONE || search->more ||
			    search->wanted == TABLE_WORDS)
				return result;
			words_phase(words, WORDS_TEXTS, 0);
			break;
		case WORDS_TEXTS:
			return words_work_lists(search,
			    search->index->texts);
		case WORDS_WEIGHED:
			return words_work_lists(search, search->wanted ==
			    TABLE_TEXT ? search->index->weighed_texts :
			    search->index->weighed_words);
		}
	}
}

size_t
search_words_held(const struct search_words *words)
{
	return sizeof(*words) + index_union_held(&words->some);
}

static void
search_words_end(struct search *search)
{
	if (search->words != NULL)
		words_close(search->words);
	free(search->words);
	search->words = NULL;
}

const struct search_way search_words = {
	.begin = words_begin,
	.work = search_words_work,
	.end = search_words_end,
	.itself = search_itself,
	.is_first = true
};
