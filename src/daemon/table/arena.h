/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ARENA_H
#define ARENA_H

/*
 * A range of addresses that is reserved at once and gets memory as it is
 * needed, so that what lies in it never moves and is never copied.
 *
 * Reserved pages are not writable, so that they cost nothing, also where the
 * kernel does not overcommit (vm.overcommit_memory=2).
 */

#include <stdbool.h>
#include <stddef.h>

/* What is left of the range at last: bytes from..to of it. */
struct arena_piece {
	size_t from;
	size_t to;
	bool file;		/* shows a file; takes no memory of ours */
};

struct arena {
	char *base;		/* NULL: nothing reserved */
	size_t size;
	struct arena_piece *pieces;	/* owned; NULL: the whole range */
	size_t n_pieces;
};

/* Pages of this size are asked for where an arena is large. */
#define ARENA_HUGE	((size_t)2 << 20)

/*
 * Reserve addresses.  The base is a multiple of ARENA_HUGE.
 *
 * Returns 0, or -1 with errno.
 */
int arena_init(struct arena *, size_t size);

/*
 * Ask for huge pages in the whole huge pages of a part of the range.
 */
void arena_huge(struct arena *, size_t from, size_t to);

/*
 * Make bytes from..to writable, and those that share a page with them.
 * Several threads may do so.
 *
 * Returns 0, or -1 with errno.
 */
int arena_commit(struct arena *, size_t from, size_t to);

/*
 * Have a file's first bytes, read-only, in the last whole pages of a part of
 * the range, none of which was made writable.
 *
 * fd   open for reading; may be closed afterwards
 * len  of the file, not 0
 * at   set to where they start, on success
 *
 * Returns 0, or -1 with errno: ENOSPC when the part is too small.
 */
int arena_map(struct arena *, size_t from, size_t to, int fd, size_t len,
    size_t *at);

/*
 * Give back all pages but those of some pieces.
 *
 * pieces  n of them, rising, from malloc(3); owned by the arena from now on
 *
 * Returns 0, or -1 with errno: then only arena_clear() is left to do.
 */
int arena_keep(struct arena *, struct arena_piece *pieces, size_t n);

/*
 * Have a part of the last piece, which was kept as if it showed a file while
 * it was just addresses, as memory that was committed by now.
 *
 * to  where it ends; where the piece begins: there is none
 */
void arena_settle(struct arena *, size_t to);

/*
 * Give back all.
 */
void arena_clear(struct arena *);

/*
 * The bytes of memory of the pieces that are kept, but for files.
 */
size_t arena_memory(const struct arena *);

#endif
