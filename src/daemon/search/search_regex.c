/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys that a regular expression of PCRE2 matches, anywhere in them.
 *
 * A match cannot be interrupted, only limited, and PCRE2 counts anew from
 * each character that it starts at.  So a key gets a limit by its length,
 * such that the whole takes a fraction of a millisecond.  A key that exceeds
 * it is done again character by character, with time for others between;
 * only what is too much even so ends the search.
 */

#include "config.h"

#include "daemon/search/search_way.h"

#ifdef HAVE_PCRE2

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "daemon/search/search_literal.h"

/* Limits on what a pattern may be: on the time to compile it. */
#define REGEX_NEST	50		/* parentheses in each other */
#define REGEX_SIZE	((size_t)32 << 10)	/* bytes, compiled */

/* PCRE2's units of matching; each takes some 2 to 50 ns. */
#define REGEX_LIMIT_KEY		20000	/* for all of a key */
#define REGEX_LIMIT_LEAST	20	/* from one character */
#define REGEX_LIMIT_CHAR	10000	/* the same, character by character */
#define REGEX_LIMIT_LONG	2000000	/* that times the key's bytes */

/* Keys tried between looks at the clock, which are so far apart. */
#define REGEX_KEYS_MAX	16
#define REGEX_NEAR	10000		/* ns: more keys next time */
#define REGEX_FAR	40000		/* ns: less */

#define REGEX_HEAP	1024		/* KiB */
#define REGEX_STACK	((size_t)32 << 10)	/* machine code's */
#define REGEX_STACK_MAX	((size_t)256 << 10)
#define REGEX_WHY	200

#define REGEX_OPTIONS	(PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | \
    PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL)

struct search_regex {
	/* Owned: [1] for keys that are folded. */
	pcre2_code *codes[2];
	pcre2_code *anchored[2];	/* for a key character by character */
	pcre2_code *code;		/* one of them: this table's */
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_compile_context *compile;
	pcre2_jit_stack *stack;
	uint32_t limit;			/* the one that is set */
	int folds;			/* 1: this table does */
	bool machine;			/* code is machine code, too */
	unsigned int keys;		/* since the clock was looked at */
	unsigned int keys_most;		/* before the next look */
	bool slow;			/* character by character: */
	uint32_t slow_rank;		/* which key, and */
	size_t start;			/* from where on */
	bool hits;			/* what the suffix array tells */
	/* Ranks of keys that are the pattern: equal ones match alike. */
	uint32_t value, value_end;
	uint8_t literal[SEARCH_PATTERN_MAX];
	char why[REGEX_WHY];
};

static enum search_result
regex_bad(struct search *search, const char *why)
{
	search->why = why;
	return SEARCH_BAD;
}

static int
regex_init(struct search *search)
{
	struct search_regex *regex = calloc(1, sizeof(*regex));

	search->regex = regex;
	if (regex == NULL)
		return -1;
	regex->compile = pcre2_compile_context_create(NULL);
	regex->context = pcre2_match_context_create(NULL);
	/* Where the match is, nobody asks. */
	regex->data = pcre2_match_data_create(1, NULL);
	if (regex->compile == NULL || regex->context == NULL ||
	    regex->data == NULL)
		return -1;
	pcre2_set_parens_nest_limit(regex->compile, REGEX_NEST);
	pcre2_set_heap_limit(regex->context, REGEX_HEAP);
	/* Without one, machine code has 32 KB of the thread's. */
	regex->stack = pcre2_jit_stack_create(REGEX_STACK, REGEX_STACK_MAX,
	    NULL);
	if (regex->stack != NULL)
		pcre2_jit_stack_assign(regex->context, NULL, regex->stack);
	return 0;
}

static enum search_result
regex_compile(struct search *search, pcre2_code **code, uint32_t options)
{
	struct search_regex *regex = search->regex;
	PCRE2_SIZE offset, size = 0;
	int error;

	options |= REGEX_OPTIONS;
	if (regex->folds)
		options |= PCRE2_CASELESS;
	/*
	 * Before 10.45 it may say of (?=b)a?b+ that a match has two b, and its
	 * machine code does not find (?:bc|b)b*?c in bc: where there are
	 * groups and alternatives, each place is tried.
	 */
	if (memchr(search->key, '(', search->key_len) != NULL ||
	    memchr(search->key, '|', search->key_len) != NULL)
		options |= PCRE2_NO_START_OPTIMIZE;
	*code = pcre2_compile(search->key, search->key_len, options, &error,
	    &offset, regex->compile);
	if (*code == NULL) {
		PCRE2_UCHAR text[128] = "";

		if (error == PCRE2_ERROR_HEAP_FAILED)
			return SEARCH_FAILED;
		pcre2_get_error_message(error, text, sizeof(text));
		snprintf(regex->why, sizeof(regex->why), "%s at offset %zu",
		    (const char *)text, (size_t)offset);
		return regex_bad(search, regex->why);
	}
	pcre2_pattern_info(*code, PCRE2_INFO_SIZE, &size);
	if (size > REGEX_SIZE)
		return regex_bad(search, "regular expression is too large");
	/* Where there is no machine code, there are the limits still. */
	pcre2_jit_compile(*code, PCRE2_JIT_COMPLETE);
	return SEARCH_MORE;
}

static void
regex_limit(struct search_regex *regex, size_t limit)
{
	if (regex->limit == (uint32_t)limit)
		return;
	regex->limit = (uint32_t)limit;
	pcre2_set_match_limit(regex->context, regex->limit);
	pcre2_set_depth_limit(regex->context, regex->limit);
}

static enum search_verdict
regex_verdict(int rc)
{
	return rc >= 0 ? SEARCH_YES : rc == PCRE2_ERROR_NOMATCH ? SEARCH_NO :
	    SEARCH_TOO_LATE;
}

/* Go on with a key, from the character that is at. */
static enum search_verdict
regex_slowly(struct search *search, const uint8_t *key, size_t len)
{
	struct search_regex *regex = search->regex;
	size_t limit = REGEX_LIMIT_LONG / len;

	regex_limit(regex, limit < REGEX_LIMIT_CHAR ? limit :
	    REGEX_LIMIT_CHAR);
	while (regex->start <= len) {
		enum search_verdict verdict = regex_verdict(pcre2_match(
		    regex->anchored[regex->folds], key, len, regex->start,
		    PCRE2_NO_UTF_CHECK, regex->data, regex->context));

		if (verdict != SEARCH_NO) {
			regex->slow = false;
			return verdict;
		}
		do
			regex->start++;
		while (regex->start < len &&
		    (key[regex->start] & 0xc0) == 0x80);
		if (search_tick(search, SEARCH_WORK))
			return SEARCH_AGAIN;
	}
	regex->slow = false;
	return SEARCH_NO;
}

/* Begin to; not with what sees where it is started, or stops starting. */
static enum search_verdict
regex_slow_down(struct search *search, uint32_t rank)
{
	struct search_regex *regex = search->regex;
	pcre2_code **code = &regex->anchored[regex->folds];

	if (memmem(search->key, search->key_len, "\\G", 2) != NULL ||
	    memmem(search->key, search->key_len, "(*", 2) != NULL)
		return SEARCH_TOO_LATE;
	if (*code == NULL &&
	    regex_compile(search, code, PCRE2_ANCHORED) != SEARCH_MORE)
		return SEARCH_TOO_LATE;
	regex->slow = true;
	regex->slow_rank = rank;
	regex->start = 0;
	return SEARCH_AGAIN;
}

/* What a key takes, no one knows before. */
static bool
regex_tick(struct search *search)
{
	struct search_regex *regex = search->regex;
	int64_t before = search->now;
	bool over;

	if (++regex->keys < regex->keys_most)
		return false;
	over = search_expired(search);
	regex->keys = 0;
	if (search->now - before > REGEX_FAR)
		regex->keys_most = regex->keys_most / 4 + 1;
	else if (search->now - before < REGEX_NEAR &&
	    regex->keys_most < REGEX_KEYS_MAX)
		regex->keys_most *= 2;
	return over;
}

static enum search_verdict
regex_test(struct search *search, uint32_t rank, uint32_t pos)
{
	struct search_regex *regex = search->regex;
	enum search_verdict verdict;
	size_t len, limit;
	const uint8_t *key = index_key(search->index, rank, &len);

	(void)pos;
	if (!regex->slow || regex->slow_rank != rank) {
		limit = REGEX_LIMIT_KEY / len;
		regex_limit(regex, limit > REGEX_LIMIT_LEAST ? limit :
		    REGEX_LIMIT_LEAST);
		/* Half of a short key's time is what pcre2_match() checks. */
		verdict = regex_verdict(regex->machine ?
		    pcre2_jit_match(regex->code, key, len, 0, 0, regex->data,
		    regex->context) : pcre2_match(regex->code, key, len, 0,
		    PCRE2_NO_UTF_CHECK, regex->data, regex->context));
		/* A hit's work is counted by the caller: have it look now. */
		if (regex_tick(search))
			search->work = SEARCH_WORK;
		if (verdict != SEARCH_TOO_LATE)
			return verdict;
		if (regex_slow_down(search, rank) == SEARCH_TOO_LATE)
			return SEARCH_TOO_LATE;
	}
	return regex_slowly(search, key, len);
}

/* Keys that are the pattern were in a round before. */
static enum search_verdict
regex_test_other(struct search *search, uint32_t rank, uint32_t pos)
{
	const struct search_regex *regex = search->regex;

	return rank >= regex->value && rank < regex->value_end ? SEARCH_NO :
	    regex_test(search, rank, pos);
}

/* Which keys are to be tried: from what every match surely holds. */
static void
regex_narrow(struct search *search)
{
	struct search_regex *regex = search->regex;
	const struct index *index = search->index;
	bool at_start;
	size_t len;

	len = search_literal((const char *)search->key, search->key_len,
	    regex->folds, regex->literal, &at_start);
	regex->hits = !at_start && len > 0 && index->suffixes != NULL;
	if (regex->hits) {
		search_hits_init(search, regex->literal, len,
		    regex_test_other);
		/* In order is quicker, and no key is tried twice. */
		regex->hits = search->hits.ranges[0].n < index->n / 2;
	}
	if (!at_start)
		len = 0;
	search->lo = index_seek(index, regex->literal, len, false,
	    search_after_rank(search));
	search->hi = index_seek(index, regex->literal, len, true,
	    search->lo);
}

/* Have the pattern compiled for the table in hand, and find it as a key. */
static enum search_result
regex_prepare(struct search *search)
{
	struct search_regex *regex;
	const uint8_t *value;
	size_t size = 0, len;

	if (search->key_len > SEARCH_PATTERN_MAX)
		return regex_bad(search,
		    "regular expression is longer than 1024 bytes");
	if (search->regex == NULL && regex_init(search) == -1)
		return SEARCH_FAILED;
	regex = search->regex;
	regex->folds = table_folds(search->tables[search->at]) ? 1 : 0;
	if (regex->codes[regex->folds] == NULL) {
		enum search_result result = regex_compile(search,
		    &regex->codes[regex->folds], 0);

		if (result != SEARCH_MORE)
			return result;
		search->work += SEARCH_WORK;
	}
	regex->code = regex->codes[regex->folds];
	regex->machine = pcre2_pattern_info(regex->code, PCRE2_INFO_JITSIZE,
	    &size) == 0 && size > 0;
	if (search_value_as(search, search->tables[search->at], &value,
	    &len) == SEARCH_FAILED)
		return SEARCH_FAILED;
	regex->value = search_rank_of(search, value, len);
	regex->value_end = regex->value == SEARCH_NO_RANK ? SEARCH_NO_RANK :
	    index_behind(search->index, regex->value);
	return SEARCH_MORE;
}

static enum search_result
search_regex_begin(struct search *search)
{
	enum search_result result = regex_prepare(search);

	if (result != SEARCH_MORE)
		return result;
	search->regex->slow = false;
	search->regex->keys_most = 1;
	regex_narrow(search);
	return SEARCH_MORE;
}

/* The keys that are the pattern, if they match it. */
static enum search_result
search_regex_itself(struct search *search)
{
	enum search_result result = regex_prepare(search);

	if (result != SEARCH_MORE)
		return result;
	if (search->regex->value == SEARCH_NO_RANK)
		return SEARCH_DONE;
	if (search->equals.begun)
		return search_equals(search, search->regex->value);
	switch (regex_test(search, search->regex->value, 0)) {
	case SEARCH_NO:
		return SEARCH_DONE;
	case SEARCH_YES:
		break;
	case SEARCH_AGAIN:
		return SEARCH_MORE;
	case SEARCH_TOO_LATE:
		return SEARCH_LATE;
	}
	return search_equals(search, search->regex->value);
}

static enum search_result
search_regex_work(struct search *search)
{
	if (search->regex->hits)
		return search_hits_work(search, 0);
	for (; search->lo < search->hi; search->lo++) {
		enum search_verdict verdict = regex_test_other(search,
		    search->lo, 0);
		enum search_result result;

		if (verdict == SEARCH_AGAIN)
			return SEARCH_MORE;
		if (verdict == SEARCH_TOO_LATE)
			return SEARCH_LATE;
		if (verdict == SEARCH_YES) {
			result = search_push(search, index_id(search->index,
			    search->lo), 0);
			if (result != SEARCH_MORE)
				return result;
		}
		if (search_tick(search, 1)) {
			search->lo++;
			return SEARCH_MORE;
		}
	}
	return SEARCH_DONE;
}

static void
search_regex_end(struct search *search)
{
	struct search_regex *regex = search->regex;

	if (regex == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		pcre2_code_free(regex->codes[i]);
		pcre2_code_free(regex->anchored[i]);
	}
	pcre2_match_data_free(regex->data);
	pcre2_match_context_free(regex->context);
	pcre2_compile_context_free(regex->compile);
	pcre2_jit_stack_free(regex->stack);
	free(regex);
}

#else /* HAVE_PCRE2 */

static enum search_result
search_regex_begin(struct search *search)
{
	search->why = "built without PCRE2";
	return SEARCH_BAD;
}

static enum search_result
search_regex_work(struct search *search)
{
	(void)search;
	return SEARCH_DONE;
}

static enum search_result
search_regex_itself(struct search *search)
{
	return search_regex_begin(search);
}

#define search_regex_end	NULL

#endif

const struct search_way search_regex = {
	.begin = search_regex_begin,
	.work = search_regex_work,
	.end = search_regex_end,
	.itself = search_regex_itself
};
