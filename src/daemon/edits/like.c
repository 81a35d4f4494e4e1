/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The costs are what the ways in which people go wrong suggest: letters change
 * places, are doubled or not, vowels are taken for each other, so are letters
 * that sound alike; letters are left out more often than put in, and least
 * often is the first one wrong.  The numbers were tuned on lists of
 * misspellings that bench/spelling.py does not measure by; they are small and
 * round, since finer ones were no better on others.
 */

#include "config.h"

#include "daemon/edits/like.h"

#include <stdbool.h>

#include "daemon/edits/edits.h"
#include "daemon/table/fold.h"

#define LIKE_SAME	2	/* one letter in two forms: case, marks */
#define LIKE_NEAR	4	/* vowels, or letters that sound alike */
#define LIKE_OTHER	8
#define LIKE_LEFT	4	/* left out of the query */
#define LIKE_LEFT_VOWEL	2
#define LIKE_PUT	8	/* put into it */
#define LIKE_PUT_VOWEL	6
#define LIKE_EXCHANGED	2	/* less: each of the two counts as apart twice */
#define LIKE_AT_START	4	/* more, where nothing is before the edit */
#define LIKE_AT_END	2

/* The number of edits is in the high bits: fewer are better whatever they
 * cost, which is far less. */
#define LIKE_EDIT	(1u << 16)
#define LIKE_NEVER	(1u << 30)

/* Diagonals on each side of the middle one. */
#define LIKE_BAND	EDITS_MAX
#define LIKE_CELLS	(2 * LIKE_BAND + 1)

struct like {
	const uint32_t *query, *key;
	size_t n, key_n;
};

/* Letters of one class sound alike; of class 1 are the vowels. */
static const uint8_t like_classes[26] = {
	['a' - 'a'] = 1, ['e' - 'a'] = 1, ['i' - 'a'] = 1, ['o' - 'a'] = 1,
	['u' - 'a'] = 1, ['y' - 'a'] = 1, ['b' - 'a'] = 2, ['p' - 'a'] = 2,
	['c' - 'a'] = 3, ['k' - 'a'] = 3, ['q' - 'a'] = 3, ['s' - 'a'] = 3,
	['x' - 'a'] = 3, ['z' - 'a'] = 3, ['d' - 'a'] = 4, ['t' - 'a'] = 4,
	['f' - 'a'] = 5, ['v' - 'a'] = 5, ['w' - 'a'] = 5, ['g' - 'a'] = 6,
	['j' - 'a'] = 6, ['m' - 'a'] = 7, ['n' - 'a'] = 7
};

#define LIKE_VOWEL	1

static unsigned int
like_class(uint32_t letter)
{
	return letter - 'a' < 26 ? like_classes[letter - 'a'] : 0;
}

/* A character in the query stands where another one is in the key. */
static unsigned int
like_replaced(uint32_t a, uint32_t b)
{
	uint32_t x = fold_letter(a), y = fold_letter(b);

	if (x == y)
		return LIKE_SAME;
	return like_class(x) != 0 && like_class(x) == like_class(y) ?
	    LIKE_NEAR : LIKE_OTHER;
}

/*
 * A character is in one of two texts only.
 *
 * at           where, in that text of n
 * left, vowel  what it costs
 */
static unsigned int
like_alone(const uint32_t *text, size_t at, size_t n, unsigned int left,
    unsigned int vowel)
{
	uint32_t c = text[at], letter;

	if ((at > 0 && text[at - 1] == c) ||
	    (at + 1 < n && text[at + 1] == c))
		return 0;
	letter = fold_letter(c);
	if (letter == 'e' && at + 1 == n)
		return 0;
	return like_class(letter) == LIKE_VOWEL ? vowel : left;
}

/* What an edit costs that leads from places i and j to places to_i, to_j. */
static unsigned int
like_edit(const struct like *like, size_t i, size_t j, size_t to_i,
    size_t to_j, unsigned int cost)
{
	if (i == 0 && j == 0)
		cost += LIKE_AT_START;
	if (to_i == like->n && to_j == like->key_n)
		cost += LIKE_AT_END;
	return LIKE_EDIT + cost;
}

static unsigned int
least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * The best way to the first i characters of the query and j of the key.
 *
 * row    of i, filled up to this cell, the cells before for smaller j
 * above  rows of i - 1 and i - 2, where there are such
 */
static unsigned int
like_cell(const struct like *like, size_t from, size_t i, size_t j,
    const unsigned int *row, const unsigned int *const above[2])
{
	const uint32_t *q = like->query, *k = like->key;
	size_t d = j + LIKE_BAND - i;
	unsigned int best = LIKE_NEVER;

	if (i > from && j > from)
		best = q[i - 1] == k[j - 1] ? above[0][d] : above[0][d] +
		    like_edit(like, i - 1, j - 1, i, j,
		    like_replaced(q[i - 1], k[j - 1]));
	if (j > from && d > 0)
		best = least(best, row[d - 1] + like_edit(like, i, j - 1, i,
		    j, like_alone(k, j - 1, like->key_n, LIKE_LEFT,
		    LIKE_LEFT_VOWEL)));
	if (i > from && d + 1 < LIKE_CELLS)
		best = least(best, above[0][d + 1] + like_edit(like, i - 1, j,
		    i, j, like_alone(q, i - 1, like->n, LIKE_PUT,
		    LIKE_PUT_VOWEL)));
	if (i > from + 1 && j > from + 1 && q[i - 1] == k[j - 2] &&
	    q[i - 2] == k[j - 1])
		best = least(best, above[1][d] + like_edit(like, i - 2, j - 2,
		    i, j, 0) - LIKE_EXCHANGED);
	return best;
}

/*
 * All cells from one place, equal in both texts, to two others, that a way of
 * EDITS_MAX edits can take: for each diagonal that it leaves the shortest way
 * by, it must come back.
 *
 * apart  what it costs before all edits
 */
static unsigned int
like_cells(const struct like *like, size_t from, size_t to, size_t key_to,
    unsigned int apart)
{
	unsigned int rows[3][LIKE_CELLS];
	size_t end = key_to + LIKE_BAND - to, low = LIKE_BAND, high = end;

	if (low > high) {
		low = end;
		high = LIKE_BAND;
	}
	low -= (EDITS_MAX - (high - low)) / 2;
	high = LIKE_BAND + end - low;
	for (size_t i = 0; i < 3; i++)
		for (size_t d = 0; d < LIKE_CELLS; d++)
			rows[i][d] = LIKE_NEVER;
	for (size_t i = from; i <= to; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *const above[2] = {
			rows[(i + 2) % 3], rows[(i + 1) % 3]
		};

		for (size_t d = low; d <= high; d++) {
			size_t j = i + d - LIKE_BAND;

			if (i + d < from + LIKE_BAND || j > key_to)
				row[d] = LIKE_NEVER;
			else if (i == from && j == from)
				row[d] = apart;
			else
				row[d] = like_cell(like, from, i, j, row,
				    above);
		}
	}
	return rows[to % 3][end] % LIKE_EDIT;
}

/*
 * What is cheaper than a matrix: the one edit between two texts.
 *
 * to, key_to  where they are equal again
 *
 * Returns the cost of it, or 0: they are more edits.
 */
static unsigned int
like_one(const struct like *like, size_t from, size_t to, size_t key_to)
{
	const uint32_t *q = like->query + from, *k = like->key + from;
	size_t n = to - from, key_n = key_to - from;
	unsigned int cost;

	if (n == 1 && key_n == 1)
		cost = like_replaced(*q, *k);
	else if (n == 0 && key_n == 1)
		cost = like_alone(like->key, from, like->key_n, LIKE_LEFT,
		    LIKE_LEFT_VOWEL);
	else if (n == 1 && key_n == 0)
		cost = like_alone(like->query, from, like->n, LIKE_PUT,
		    LIKE_PUT_VOWEL);
	else if (n == 2 && key_n == 2 && q[0] == k[1] && q[1] == k[0])
		return like_edit(like, from, from, to, key_to, 0) -
		    LIKE_EXCHANGED;
	else
		return 0;
	return like_edit(like, from, from, to, key_to, cost);
}

unsigned int
like_cost(const uint32_t *query, size_t n, const uint32_t *key,
    size_t key_n, unsigned int most)
{
	const struct like like = { query, key, n, key_n };
	size_t from = 0, to = n, key_to = key_n;
	unsigned int apart, one;

	while (from < n && from < key_n && query[from] == key[from])
		from++;
	while (to > from && key_to > from && query[to - 1] == key[key_to - 1]) {
		to--;
		key_to--;
	}
	apart = (unsigned int)(to - from + key_to - from);
	if (apart == 0 || (apart > EDITS_MAX * LIKE_EXCHANGED &&
	    apart - EDITS_MAX * LIKE_EXCHANGED > most))
		return apart;
	if ((one = like_one(&like, from, to, key_to)) != 0)
		return (apart + one) % LIKE_EDIT;
	return like_cells(&like, from, to, key_to, apart);
}
