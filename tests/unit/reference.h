/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REFERENCE_H
#define REFERENCE_H

/*
 * Tables to be searched, and a reference that says what must be found there,
 * since it looks at every key.  What is not as expected fails the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/search/search.h"
#include "daemon/table/fold.h"

#define CHARS_MAX	12	/* of a key */
#define BYTES_MAX	(4 * CHARS_MAX)

/* The ways that this build has: those by suffix arrays, and the others. */
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
	char p[TABLE_KEY_MAX];	/* FOLD_ROOM(BYTES_MAX) at least */
	size_t len;
};

/* Keys of a table as the reference knows them. */
struct keys {
	struct table *table;
	bool fold;
	size_t n;
	struct text *keys;	/* as they are compared, in order */
	struct text *shown;	/* which decide it among equal ones */
};

/* Matches are in the order of these members, from the second on. */
struct found {
	const struct keys *keys;
	unsigned int distance;
	unsigned int like;	/* fuzzy: the cost of the edits */
	bool other;		/* than the value */
	size_t table;		/* which of those that are asked */
	unsigned int group;	/* of those of a table */
	bool unasked;		/* equal to the value, and not what a lookup of
				   that finds */
	const struct text *key;
	const struct text *shown;
};

#define REFERENCE_LOST	SIZE_MAX

/*
 * As memcmp(3), a text before those that it begins: for qsort(3).
 */
int text_compare(const void *, const void *);

/* Make the text what a folding table has for it. */
void text_fold(struct text *);

/*
 * Build a table with an index.
 *
 * texts  its keys; of those with the same bytes the first counts
 *
 * Returns it, owned by the caller, table_unref().
 */
struct table *reference_table(const struct text *texts, size_t n,
    unsigned int ways, bool folds);

/*
 * The same, and know its keys: the struct is set anew, and its parts are
 * owned by it.
 */
void keys_init(struct keys *, struct text *texts, size_t n,
    unsigned int ways, bool folds);

void keys_clear(struct keys *);

/*
 * Which key a lookup finds.
 *
 * text, own  what is looked up, as the table compares it, and as it is
 *
 * Returns its number, or n where there is none.
 */
size_t keys_find(const struct keys *, const struct text *text,
    const struct text *own);

/*
 * What the edits between a query and a key cost, as appmsg-protocol(7) says.
 */
unsigned int reference_like(const struct text *query, const struct text *key);

/*
 * Whether a key matches.
 *
 * text      what is looked for, folded where keys are
 * distance  set: how far it is for fuzzy, else 0
 */
bool reference_matches(const struct text *key, const struct text *text,
    const struct search_query *, bool folds, unsigned int *distance);

/*
 * What should be found in n tables.
 *
 * found  has room for all keys; what is set behind the limit of the query
 *        tells that there is more
 *
 * Returns how many were set, or REFERENCE_LOST.
 */
size_t reference_find(const struct keys *, size_t n,
    const struct search_query *, struct found *found);

/*
 * The characters of a text.
 *
 * starts, has  set, with one more than there are: where each starts, and
 *              whether it is of a word
 *
 * Returns how many they are.
 */
size_t reference_chars(const struct text *text, size_t *starts, bool *has);

/*
 * Whether a word is in a text: at each place, by all that may be around.
 *
 * begins  or one that begins so
 */
bool reference_has_word(const struct text *text, const char *word, size_t len,
    bool begins);

/* Whether the query is no regular expression. */
bool reference_regex_is_bad(const struct search_query *);

/*
 * Forget the expression that was looked for, before the next.
 */
void reference_regex_forget(void);

/*
 * Search n tables, at most 4, in slices.
 *
 * Returns the search that has ended, owned by the caller, search_free().
 */
struct search *reference_search(const struct keys *, size_t n,
    const struct search_query *, int64_t slice_us, enum search_result *);

#endif
