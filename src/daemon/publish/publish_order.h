/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_ORDER_H
#define PUBLISH_ORDER_H

/*
 * The entries of a table in the order of the buckets that they go into, so
 * that each bucket is written at once: 8 bytes an entry while it lasts.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/table/table.h"

/* Bytes of an answer as it is sent; whoever asks takes no longer one. */
#define PUBLISH_ANSWER_MAX	((size_t)1 << 20)

enum publish_sorted {
	PUBLISH_SORTED,
	PUBLISH_STOPPED,
	PUBLISH_NO_MEMORY,
	PUBLISH_TOO_LONG	/* an answer is */
};

struct publish_order {
	const struct table *table;	/* borrowed */
	table_id *ids;			/* owned, n of them */
	size_t n;
	size_t *ends;			/* owned, of each bucket in ids */
	size_t n_buckets;
	uint64_t bytes;			/* of all keys and answers */
	table_id long_id;		/* whose answer is too long */
};

/*
 * Sort a table of answers into as many buckets as suit it, at least one.
 *
 * o     set; publish_order_clear(), whatever is returned
 * stop  looked at now and then
 */
enum publish_sorted publish_order(struct publish_order *o,
    const struct table *table, const atomic_bool *stop);

/*
 * The entries of a bucket.
 *
 * n  set
 *
 * Returns the first one's id in ids.
 */
const table_id *publish_order_bucket(const struct publish_order *,
    size_t bucket, size_t *n);

/*
 * Free what it owns.
 */
void publish_order_clear(struct publish_order *);

#endif
