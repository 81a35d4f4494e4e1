/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bounds are inclusive above, as those of OpenMetrics: a bucket is found by
 * the time less one.  So no sum up to a power of two cuts a bucket in two.
 */

#include "config.h"

#include "common/histogram.h"

#include <stdbool.h>

#define SUB	((uint64_t)1 << HISTOGRAM_SUB)

static uint64_t
get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

/* No locked instruction: only one thread writes. */
static void
set(_Atomic uint64_t *p, uint64_t value)
{
	atomic_store_explicit(p, value, memory_order_relaxed);
}

size_t
histogram_bucket(uint64_t ns)
{
	uint64_t v = ns > 0 ? ns - 1 : 0;
	unsigned int shift;

	if (v < SUB)
		return (size_t)v;
	if (v >> HISTOGRAM_TOP != 0)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned int)__builtin_clzll(v) - HISTOGRAM_SUB;
	return (size_t)((shift + 1) * SUB + (v >> shift) - SUB);
}

uint64_t
histogram_bound(size_t bucket)
{
	uint64_t shift, v = bucket % SUB;

	if (bucket < SUB)
		return v + 1;
	shift = bucket / SUB - 1;
	return (SUB + v + 1) << shift;
}

void
histogram_record(struct histogram *h, uint64_t ns, uint64_t n)
{
	_Atomic uint64_t *bucket = &h->buckets[histogram_bucket(ns)];

	if (ns == 0)
		ns = 1;
	set(bucket, get(bucket) + n);
	set(&h->sum, get(&h->sum) + n * ns);
	if (ns > get(&h->max))
		set(&h->max, ns);
}

void
histogram_add(struct histogram_sum *sum, const struct histogram *h)
{
	uint64_t max = get(&h->max), n;

	if (max == 0)
		return;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n = get(&h->buckets[i]);
		sum->buckets[i] += n;
		sum->count += n;
	}
	sum->sum += get(&h->sum);
	if (max > sum->max)
		sum->max = max;
}

uint64_t
histogram_quantile(const struct histogram_sum *sum, unsigned int permille)
{
	/* The rank, rounded up, without what may overflow. */
	uint64_t rank = sum->count / 1000 * permille +
	    (sum->count % 1000 * permille + 999) / 1000;
	uint64_t seen = 0, bound;
	size_t i;

	if (sum->count == 0)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++)
		if ((seen += sum->buckets[i]) >= rank)
			break;
	bound = histogram_bound(i);
	/* The last bucket has no end but the longest time of all. */
	return i == HISTOGRAM_BUCKETS - 1 || bound > sum->max ? sum->max :
	    bound;
}

uint64_t
histogram_below(const struct histogram_sum *sum, unsigned int bits)
{
	size_t end = histogram_bucket((uint64_t)1 << bits) + 1;
	uint64_t n = 0;

	for (size_t i = 0; i < end; i++)
		n += sum->buckets[i];
	return n;
}
