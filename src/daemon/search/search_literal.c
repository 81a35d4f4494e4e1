/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A string that every match of a regular expression holds.
 *
 * Only what is plain is understood: characters one after the other, dots,
 * classes, groups as a whole, and what repeats them.  At anything
 * else the answer is that there is no such string, which is always right.
 */

#include "config.h"

#include "daemon/search/search_literal.h"

#include <string.h>

struct literal {
	const uint8_t *p, *end;
	bool caseless;
	uint8_t *run;		/* characters that follow each other */
	size_t run_len;
	size_t last;		/* of them, where the last one starts */
	bool run_at_start;
	uint8_t *best;
	size_t best_len;
	bool best_at_start;
};

/* The run ends here: keep it if it is the best one. */
static void
literal_end_run(struct literal *lit)
{
	/* Where keys start is found quicker than what they hold. */
	bool better = lit->run_at_start ? lit->run_len >= 1 :
	    lit->run_len > lit->best_len && !lit->best_at_start;

	if (better) {
		memcpy(lit->best, lit->run, lit->run_len);
		lit->best_len = lit->run_len;
		lit->best_at_start = lit->run_at_start;
	}
	lit->run_len = 0;
	lit->run_at_start = false;
}

static bool
literal_is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

/* After the bracket of a class; its end is passed. */
static bool
literal_class(struct literal *lit)
{
	if (lit->p < lit->end && *lit->p == '^')
		lit->p++;
	/* A bracket that is first is a character, or nothing is. */
	if (lit->p < lit->end && *lit->p == ']')
		return false;
	while (lit->p < lit->end) {
		uint8_t c = *lit->p++;

		if (c == ']')
			return true;
		if (c == '[')
			return false;
		if (c == '\\') {
			/* \Q hides brackets, \E nothing. */
			if (lit->p == lit->end || *lit->p == 'Q' ||
			    *lit->p == 'E' || *lit->p == 'c' ||
			    *lit->p >= 0x80)
				return false;
			lit->p++;
		}
	}
	return false;
}

/* Pass over a quantifier, if there is one; optional: it allows none. */
static bool
literal_quantifier(struct literal *lit, bool *is, bool *optional)
{
	*is = false;
	*optional = false;
	if (lit->p == lit->end)
		return true;
	switch (*lit->p) {
	case '{':
		/* Digits first: or it is not what it seems. */
		if (++lit->p == lit->end || *lit->p < '0' || *lit->p > '9')
			return false;
		*optional = true;
		while (lit->p < lit->end && *lit->p >= '0' && *lit->p <= '9')
			if (*lit->p++ != '0')
				*optional = false;
		if (lit->p < lit->end && *lit->p == ',')
			lit->p++;
		while (lit->p < lit->end && *lit->p >= '0' && *lit->p <= '9')
			lit->p++;
		if (lit->p == lit->end || *lit->p != '}')
			return false;
		break;
	case '*':
	case '?':
		*optional = true;
		break;
	case '+':
		break;
	default:
		return true;
	}
	*is = true;
	lit->p++;
	/* Lazy or possessive: the same strings. */
	if (lit->p < lit->end && (*lit->p == '?' || *lit->p == '+'))
		lit->p++;
	return true;
}

/* After the parenthesis of a group; its end is passed. */
static bool
literal_group(struct literal *lit)
{
	unsigned int depth = 1;

	while (lit->p < lit->end) {
		uint8_t c = *lit->p++;

		if (c == '[' && !literal_class(lit))
			return false;
		if (c == '\\') {
			if (lit->p == lit->end || literal_is_alnum(*lit->p) ||
			    *lit->p >= 0x80)
				return false;
			lit->p++;
		}
		if (c == '(')
			depth++;
		if (c == ')' && --depth == 0)
			return true;
	}
	return false;
}

/* Add a character, its first byte passed, to the run. */
static bool
literal_char(struct literal *lit, uint8_t c)
{
	bool is, optional;

	if (lit->caseless && c >= 0x80)
		return false;
	if (lit->caseless && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	lit->last = lit->run_len;
	lit->run[lit->run_len++] = c;
	while (lit->p < lit->end && *lit->p >= 0x80 && *lit->p < 0xc0 &&
	    c >= 0xc0)
		lit->run[lit->run_len++] = *lit->p++;
	if (!literal_quantifier(lit, &is, &optional))
		return false;
	if (is) {
		if (optional)
			lit->run_len = lit->last;
		literal_end_run(lit);
	}
	return true;
}

/* One item of the pattern. */
static bool
literal_item(struct literal *lit)
{
	uint8_t c = *lit->p++;
	bool is, optional;

	switch (c) {
	case '\\':
		if (lit->p == lit->end || *lit->p >= 0x80)
			return false;
		c = *lit->p++;
		if (!literal_is_alnum(c))
			return literal_char(lit, c);
		if (strchr("dDwWsSbB", c) == NULL)
			return false;
		break;
	case '[':
		if (!literal_class(lit))
			return false;
		break;
	case '(':
		if (!literal_group(lit))
			return false;
		break;
	case '.':
		break;
	case '$':
		literal_end_run(lit);
		return lit->p == lit->end;
	case '^':
	case ')':
	case '*':
	case '+':
	case '?':
	case '{':
	case '|':
		return false;
	default:
		return literal_char(lit, c);
	}
	literal_end_run(lit);
	return literal_quantifier(lit, &is, &optional);
}

size_t
search_literal(const char *pattern, size_t len, bool caseless,
    uint8_t *out, bool *at_start)
{
	const uint8_t *p = (const uint8_t *)pattern;
	uint8_t run[SEARCH_PATTERN_MAX];
	struct literal lit = { .p = p, .end = p + len, .caseless = caseless,
	    .run = run, .best = out };

	*at_start = false;
	/* What may change the meaning of the rest. */
	if (len > sizeof(run) || memchr(p, 0, len) != NULL ||
	    memmem(p, len, "(?", 2) != NULL ||
	    memmem(p, len, "(*", 2) != NULL)
		return 0;
	if (len > 0 && *p == '^') {
		lit.p++;
		lit.run_at_start = true;
	}
	while (lit.p < lit.end)
		if (!literal_item(&lit))
			return 0;
	literal_end_run(&lit);
	*at_start = lit.best_at_start;
	return lit.best_len;
}
