/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The same lines of the same files become the same bytes at the same places
 * of the arena, marks included, whatever the threads that put them there.
 */

#include "config.h"

#include "daemon/builder/like.h"

#include <string.h>

#include "daemon/table/layout.h"
#include "daemon/thread/pace.h"

#define STEP	((size_t)32 << 10)	/* bytes from one pace() to the next */

/* What is said of both, before anything large is compared. */
static bool
is_said_alike(const struct table *a, const struct table *b)
{
	size_t i;

	if (strcmp(a->name, b->name) != 0 || a->ways != b->ways ||
	    a->form != b->form || a->count != b->count ||
	    a->n_blocks != b->n_blocks || a->arena.pieces == NULL ||
	    b->arena.pieces == NULL || a->arena.n_pieces != b->arena.n_pieces)
		return false;
	for (i = 0; a->files[i] != NULL && b->files[i] != NULL; i++)
		if (strcmp(a->files[i], b->files[i]) != 0)
			return false;
	return a->files[i] == b->files[i];
}

static bool
are_places_alike(const struct table *a, const struct table *b)
{
	for (size_t i = 0; i < a->n_blocks; i++)
		if (a->blocks[i].offset != b->blocks[i].offset ||
		    a->blocks[i].line != b->blocks[i].line ||
		    a->blocks[i].file != b->blocks[i].file)
			return false;
	return true;
}

static bool
is_piece_alike(const struct table *a, const struct table *b, size_t i)
{
	const struct arena_piece *x = &a->arena.pieces[i];
	const struct arena_piece *y = &b->arena.pieces[i];
	size_t step;

	if (x->file || y->file || x->from != y->from || x->to != y->to)
		return false;
	for (size_t at = x->from; at < x->to; at += step) {
		step = x->to - at < STEP ? x->to - at : STEP;
		if (memcmp(a->arena.base + at, b->arena.base + at, step) != 0)
			return false;
		pace();
	}
	return true;
}

bool
table_is_like(const struct table *a, const struct table *b)
{
	if (!is_said_alike(a, b) || !are_places_alike(a, b))
		return false;
	for (size_t i = 0; i < a->arena.n_pieces; i++)
		if (!is_piece_alike(a, b, i))
			return false;
	return true;
}
