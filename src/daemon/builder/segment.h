/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_SEGMENT_H
#define TABLE_SEGMENT_H

/*
 * A run of entries in the making, filled by one thread: what its builder and
 * segment.c know of it, and nobody else.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/builder/builder.h"
#include "daemon/table/arena.h"
#include "daemon/table/layout.h"

#define SEGMENT_NUMBERS_LEN	40	/* bytes of an entry's numbers, at most */

struct table_segment {
	struct arena *arena;	/* the builder's, as the options */
	const struct table_options *options;
	const char *file;
	size_t start;		/* offsets into the arena */
	size_t used;		/* up to here, there are entries */
	size_t committed;	/* up to here, there is memory */
	size_t limit;
	size_t map;		/* where the mapped file is */
	size_t map_len;		/* 0: there is none */
	bool refers;		/* an entry does refer to it */
	bool weighs;		/* an entry has a weight */
	uint32_t weight;	/* of the entry that is added */
	bool large;
	size_t entries;
	size_t key_max;		/* of the longest key, as compared */
	unsigned int first;	/* the file's line that line 1 is */
	unsigned int line;	/* of the last entry */
	struct digest_sum digest;	/* of its entries */
	struct table_block *blocks;	/* owned; lines are the segment's */
	size_t n_blocks;
	size_t cap_blocks;
};

#endif
