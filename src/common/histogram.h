/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HISTOGRAM_H
#define HISTOGRAM_H

/*
 * How often which time was taken, in constant memory: each power of two of
 * nanoseconds has 16 buckets, so a bucket's bounds are 6.25% apart at most.
 *
 * One thread records; others may read meanwhile.  What they see is never
 * torn, but the newest may be missing from one part and not from another.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB	4	/* bits: buckets of a power of two */
#define HISTOGRAM_TOP	36	/* bits: more than 68 s is in the last one */
#define HISTOGRAM_BUCKETS \
	((size_t)(HISTOGRAM_TOP - HISTOGRAM_SUB + 1) << HISTOGRAM_SUB)

/* Zeroed memory is an empty one. */
struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
	_Atomic uint64_t sum;		/* ns */
	_Atomic uint64_t max;		/* ns; 0: nothing was recorded */
};

/* What was read of one or more: a plain copy. */
struct histogram_sum {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count;			/* of all buckets */
	uint64_t sum;			/* ns */
	uint64_t max;			/* ns */
};

/*
 * Record a time; for the thread that owns the histogram.
 *
 * ns  0 counts as 1
 * n   how many took it
 */
void histogram_record(struct histogram *, uint64_t ns, uint64_t n);

/*
 * Add what a histogram has to a sum; zeroed memory is an empty sum.
 */
void histogram_add(struct histogram_sum *, const struct histogram *);

/*
 * The time that a share of all did not exceed: the upper bound of its bucket,
 * so at most 6.25% too much.
 *
 * permille  1 to 1000
 *
 * Returns nanoseconds; 0 when nothing was recorded.
 */
uint64_t histogram_quantile(const struct histogram_sum *,
    unsigned int permille);

/*
 * How many took at most 2^bits ns, which is exact.
 *
 * bits  below HISTOGRAM_TOP
 */
uint64_t histogram_below(const struct histogram_sum *, unsigned int bits);

/*
 * The bucket of a time, and the longest time of a bucket; the last one has
 * all that is longer, too.
 */
size_t histogram_bucket(uint64_t ns);
uint64_t histogram_bound(size_t bucket);

#endif
