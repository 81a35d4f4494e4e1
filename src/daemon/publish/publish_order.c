/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A counting sort: how many go into each bucket, then each to its place.  A
 * key is hashed twice, which costs less than to keep what came of it.
 */

#include "config.h"

#include "daemon/publish/publish_order.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/remote/bucket.h"
#include "daemon/thread/pace.h"

/* The bucket that an entry goes into. */
static size_t
bucket_of(const struct publish_order *o, const struct table_entry *e)
{
	return (size_t)(bucket_hash(e->key, e->key_len) % o->n_buckets);
}

/* Now and then. */
static bool
is_stopped(size_t i, const atomic_bool *stop)
{
	if (i % PACE_ENTRIES != 0)
		return false;
	pace();
	return atomic_load_explicit(stop, memory_order_relaxed);
}

static enum publish_sorted
count(struct publish_order *o, const atomic_bool *stop)
{
	table_id id = TABLE_NO_ID;
	struct table_entry e;

	for (size_t i = 0; table_next(o->table, &id, &e); i++) {
		if (is_stopped(i, stop))
			return PUBLISH_STOPPED;
		if (e.value_len > PUBLISH_ANSWER_MAX) {
			o->long_id = id;
			return PUBLISH_TOO_LONG;
		}
		o->ends[bucket_of(o, &e)]++;
		o->bytes += e.key_len + e.value_len;
	}
	return PUBLISH_SORTED;
}

/* From counts to where each bucket starts. */
static void
add_up(struct publish_order *o)
{
	size_t sum = 0, n;

	for (size_t i = 0; i < o->n_buckets; i++) {
		n = o->ends[i];
		o->ends[i] = sum;
		sum += n;
	}
}

/* Each one moves the start of its bucket on, which so becomes its end. */
static enum publish_sorted
place(struct publish_order *o, const atomic_bool *stop)
{
	table_id id = TABLE_NO_ID;
	struct table_entry e;

	for (size_t i = 0; table_next(o->table, &id, &e); i++) {
		if (is_stopped(i, stop))
			return PUBLISH_STOPPED;
		o->ids[o->ends[bucket_of(o, &e)]++] = id;
	}
	return PUBLISH_SORTED;
}

enum publish_sorted
publish_order(struct publish_order *o, const struct table *table,
    const atomic_bool *stop)
{
	enum publish_sorted rc;

	*o = (struct publish_order){ .table = table,
	    .n = table_count(table) };
	o->n_buckets = (size_t)bucket_count(o->n);
	o->ends = calloc(o->n_buckets, sizeof(*o->ends));
	o->ids = reallocarray(NULL, o->n + 1, sizeof(*o->ids));
	if (o->ends == NULL || o->ids == NULL)
		return PUBLISH_NO_MEMORY;
	rc = count(o, stop);
	if (rc != PUBLISH_SORTED)
		return rc;
	add_up(o);
	return place(o, stop);
}

const table_id *
publish_order_bucket(const struct publish_order *o, size_t bucket, size_t *n)
{
	size_t start = bucket == 0 ? 0 : o->ends[bucket - 1];

	*n = o->ends[bucket] - start;
	return o->ids + start;
}

void
publish_order_clear(struct publish_order *o)
{
	free(o->ids);
	free(o->ends);
	*o = (struct publish_order){ 0 };
}
