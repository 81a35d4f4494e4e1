/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Addresses by mmap(2) without access, memory by mprotect(2): that is when
 * the kernel accounts for it.  Once a gap was given back, anybody may get its
 * addresses; so the pieces that are still ours are remembered one by one.
 */

#include "config.h"

#include "daemon/table/arena.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t
down(size_t n, size_t unit)
{
	return n - n % unit;
}

static size_t
up(size_t n, size_t unit)
{
	return down(n + unit - 1, unit);
}

int
arena_init(struct arena *a, size_t size)
{
	char *p, *base;
	size_t all;

	*a = (struct arena){ .base = NULL };
	if (size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return -1;
	}
	size = up(size + 1, page_size());
	all = size + ARENA_HUGE;
	p = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	base = p + (up((uintptr_t)p, ARENA_HUGE) - (uintptr_t)p);
	if (base > p)
		munmap(p, (size_t)(base - p));
	if (base + size < p + all)
		munmap(base + size, (size_t)(p + all - (base + size)));
	a->base = base;
	a->size = size;
	return 0;
}

void
arena_huge(struct arena *a, size_t from, size_t to)
{
	from = up(from, ARENA_HUGE);
	to = down(to, ARENA_HUGE);
	/* A kernel without them is as good, only slower. */
	if (from < to)
		(void)madvise(a->base + from, to - from, MADV_HUGEPAGE);
}

int
arena_commit(struct arena *a, size_t from, size_t to)
{
	from = down(from, page_size());
	to = up(to, page_size());
	return mprotect(a->base + from, to - from, PROT_READ | PROT_WRITE);
}

int
arena_map(struct arena *a, size_t from, size_t to, int fd, size_t len,
    size_t *at)
{
	char *p;

	from = up(from, page_size());
	to = down(to, page_size());
	if (from > to || len > to - from) {
		errno = ENOSPC;
		return -1;
	}
	to -= up(len, page_size());
	/*
	 * Private, since that is to be had from more file systems.  Not at
	 * once at its place: where it fails, that may be anybody's afterwards.
	 */
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	if (mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
	    a->base + to) == MAP_FAILED) {
		munmap(p, len);
		return -1;
	}
	*at = to;
	return 0;
}

/*
 * The last, partly used huge page of a piece: cutting it would leave the
 * memory of its rest with us until the kernel is short of it, so what is used
 * moves to small pages at the same place.
 */
static int
shrink_tail(struct arena *a, size_t from, size_t to)
{
	size_t start = down(to, ARENA_HUGE), len = to - start;
	char *copy;

	if (start < from || len == 0 || up(len, page_size()) == ARENA_HUGE)
		return 0;
	if ((copy = malloc(len)) == NULL)
		return -1;
	memcpy(copy, a->base + start, len);
	/* cppcheck-suppress leakReturnValNotUsed; it is where it was */
	if (mmap(a->base + start, up(len, page_size()), PROT_READ |
	    PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED) {
		free(copy);
		return -1;
	}
	(void)madvise(a->base + start, up(len, page_size()),
	    MADV_NOHUGEPAGE);
	memcpy(a->base + start, copy, len);
	free(copy);
	return 0;
}

int
arena_keep(struct arena *a, struct arena_piece *pieces, size_t n)
{
	size_t page = page_size(), kept = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		bool shares = i + 1 < n &&
		    pieces[i + 1].from < up(pieces[i].to, page);

		if (!shares && !pieces[i].file && shrink_tail(a,
		    pieces[i].from, pieces[i].to) != 0) {
			free(pieces);
			return -1;
		}
	}
	/* Pieces that share a page, or touch, are one. */
	for (size_t i = 0; i < n; i++) {
		struct arena_piece one = { down(pieces[i].from, page),
		    up(pieces[i].to, page), pieces[i].file };

		if (one.from == one.to)
			continue;
		if (kept > 0 && one.from <= pieces[kept - 1].to &&
		    one.file == pieces[kept - 1].file)
			pieces[kept - 1].to = one.to;
		else
			pieces[kept++] = one;
	}
	for (size_t i = 0; i < kept; i++) {
		if (pieces[i].from > at)
			munmap(a->base + at, pieces[i].from - at);
		at = pieces[i].to;
	}
	if (a->size > at)
		munmap(a->base + at, a->size - at);
	a->pieces = pieces;
	a->n_pieces = kept;
	return 0;
}

void
arena_settle(struct arena *a, size_t to)
{
	struct arena_piece *last = &a->pieces[a->n_pieces - 1];

	to = up(to, page_size());
	if (to < last->to)
		munmap(a->base + to, last->to - to);
	last->to = to;
	last->file = false;
	if (last->from == last->to)
		a->n_pieces--;
}

void
arena_clear(struct arena *a)
{
	if (a->pieces != NULL)
		for (size_t i = 0; i < a->n_pieces; i++)
			munmap(a->base + a->pieces[i].from,
			    a->pieces[i].to - a->pieces[i].from);
	else if (a->base != NULL)
		munmap(a->base, a->size);
	free(a->pieces);
	*a = (struct arena){ .base = NULL };
}

size_t
arena_memory(const struct arena *a)
{
	size_t bytes = 0;

	for (size_t i = 0; i < a->n_pieces; i++)
		if (!a->pieces[i].file)
			bytes += a->pieces[i].to - a->pieces[i].from;
	return bytes;
}
