/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_BUCKETS_H
#define PUBLISH_BUCKETS_H

/*
 * What is done with the buckets of one generation, all of them: they are
 * written, seen to be there, removed.
 */

#include <stddef.h>
#include <stdint.h>

struct publish_order;
struct publish_servers;

struct publish_buckets {
	struct publish_servers *servers;	/* whose wires owe nothing */
	uint64_t number;		/* of the generation */
	size_t n;			/* buckets that it has */
	int (*tick_cb)(void *arg);	/* as publish_bulk.h has it */
	void *arg;
	_Atomic uint64_t *done;		/* counted up a bucket; or NULL */
};

/*
 * Write each bucket with its entries and its seal, by one command.
 *
 * order  of n buckets
 *
 * Each returns 0, or -1 with the servers' why.
 */
int publish_buckets_write(const struct publish_buckets *,
    const struct publish_order *order);

/*
 * See that each has its seal.
 */
int publish_buckets_check(const struct publish_buckets *);

/*
 * Remove each, as far as it is there.
 */
int publish_buckets_remove(const struct publish_buckets *);

#endif
