/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which tables are asked, in what way, now or later.  An exact lookup is
 * answered on the spot and allocates nothing.  All else is a search, and so are
 * the keys that were perhaps meant.
 */

#include "config.h"

#include "daemon/request/query.h"

#include "daemon/search/search.h"
#include "daemon/snapshot/snapshot.h"

/* A table that may be searched in one of these ways has near keys. */
#define QUERY_NEAR_WAYS	(TABLE_WAY(TABLE_FUZZY) | TABLE_WAY(TABLE_PREFIX) | \
	TABLE_WAY(TABLE_SUBSTRING))

/* The way in which a query is searched, if it is not answered at once. */
static enum table_way
search_way(const struct query *q)
{
	return q->way == TABLE_EXACT ? TABLE_FUZZY : q->way;
}

/* The tables to ask, n of them: the one that is wanted, or all. */
static const struct table *const *
tables_for(const struct snapshot *snap, const struct query *q, size_t *n)
{
	/* One that answers later cannot be searched. */
	*n = q->later != NULL ? 0 : 1;
	return q->table != NULL || q->later != NULL ? &q->table :
	    snapshot_tables(snap, n);
}

/* Whether one of them allows the way. */
static bool
is_allowed(const struct snapshot *snap, const struct query *q)
{
	unsigned int ways = q->way == TABLE_EXACT ? QUERY_NEAR_WAYS :
	    TABLE_WAY(q->way);
	const struct table *const *tables;
	size_t n;

	tables = tables_for(snap, q, &n);
	for (size_t i = 0; i < n; i++)
		if (table_ways(tables[i]) & ways)
			return true;
	return false;
}

/* Ask the tables that are left. */
static enum snapshot_found
find(const struct snapshot *snap, const struct query *q,
    struct snapshot_answer *entry, struct answer *a)
{
	a->at = q->at;
	if (q->later != NULL) {
		a->ask = q->later;
		return a->at++ == 0 ? SNAPSHOT_LATER : SNAPSHOT_MISSED;
	}
	if (q->table != NULL)
		return snapshot_find(snap, q->table, q->key, q->key_len,
		    entry);
	return snapshot_find_from(snap, &a->at, q->key, q->key_len, entry,
	    &a->ask);
}

static enum request_result
lookup_exact(const struct snapshot *snap, const struct query *q,
    struct answer *a)
{
	struct snapshot_answer entry;

	*a = (struct answer){ .status = REQUEST_NOT_FOUND };
	/* It has one match at most: nothing is behind that. */
	if (q->after_len > 0)
		return REQUEST_ANSWERED;
	switch (find(snap, q, &entry, a)) {
	case SNAPSHOT_FOUND:
		a->status = REQUEST_FOUND;
		a->table = entry.table;
		a->id = entry.id;
		a->text = entry.text;
		a->text_len = entry.text_len;
		a->n = 1;
		return REQUEST_ANSWERED;
	case SNAPSHOT_LATER:
		return REQUEST_LATER;
	case SNAPSHOT_MISSED:
		break;
	}
	a->ask = NULL;
	return q->suggest > 0 && is_allowed(snap, q) ? REQUEST_LATER :
	    REQUEST_ANSWERED;
}

enum request_result
query_lookup(const struct snapshot *snap, const struct query *q,
    struct answer *a)
{
	if (q->way == TABLE_EXACT)
		return lookup_exact(snap, q, a);
	if (is_allowed(snap, q)) {
		a->status = REQUEST_NOT_FOUND;
		a->ask = NULL;
		return REQUEST_LATER;
	}
	*a = (struct answer){ .status = REQUEST_ERROR, .code = "not-allowed",
	    .why = q->table != NULL || q->later != NULL ?
	    "the table may not be searched so" :
	    "no table may be searched so" };
	return REQUEST_ANSWERED;
}

/*
 * How many edits are looked for.  A few letters with two of them changed are
 * any other letters.  Near keys of a long one may be farther than others.
 */
static unsigned int
distance_for(const struct query *q)
{
	size_t chars = 0;

	if (q->distance != 0 && q->way != TABLE_EXACT)
		return q->distance;
	for (size_t i = 0; i < q->key_len && chars < QUERY_SHORT; i++)
		chars += ((unsigned char)q->key[i] & 0xc0) != 0x80;
	if (chars < QUERY_SHORT)
		return 1;
	return QUERY_DISTANCE_MAX + (q->way == TABLE_EXACT);
}

struct search *
query_begin(const struct snapshot *snap, const struct query *q)
{
	struct search_query search = { .way = search_way(q), .key = q->key,
	    .key_len = q->key_len, .distance = distance_for(q),
	    .limit = q->limit, .after = q->after, .after_len = q->after_len,
	    .by_weight = q->by_weight };
	const struct table *const *tables;
	size_t n;

	if (q->way == TABLE_EXACT) {
		search.limit = q->suggest;
		search.fill = true;
	}
	tables = tables_for(snap, q, &n);
	return search_new(tables, n, &search);
}

/* What was found is the answer; near keys are none, but they come with it. */
static void
take_matches(const struct query *q, const struct search *search,
    struct answer *a)
{
	struct table_entry e;

	a->n = search_matches(search, &a->list, &a->more);
	if (a->n == 0 || q->way == TABLE_EXACT)
		return;
	a->status = REQUEST_FOUND;
	a->table = a->list[0].table;
	a->id = a->list[0].id;
	table_entry(a->table, a->id, &e);
	a->text = e.value;
	a->text_len = e.value_len;
}

enum request_result
query_step(const struct query *q, struct search *search, int64_t slice_us,
    struct answer *a)
{
	enum search_result result = search_step(search, slice_us);

	if (result == SEARCH_MORE)
		return REQUEST_LATER;
	if (result == SEARCH_FAILED)
		return REQUEST_FAILED;
	*a = (struct answer){ .status = REQUEST_NOT_FOUND };
	if (result == SEARCH_DONE) {
		take_matches(q, search, a);
	} else if (q->way != TABLE_EXACT) {
		/* But what was only meant to help must not harm. */
		a->status = REQUEST_ERROR;
		a->code = result == SEARCH_BAD ? "bad-match" :
		    result == SEARCH_LOST ? "bad-request" : "timeout";
		a->why = result == SEARCH_LATE ?
		    "the search would take too long" : search_why(search);
	}
	return REQUEST_ANSWERED;
}
