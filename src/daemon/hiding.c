/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One errand at a time.  What it finds is for the generation that it began
 * with; by then another may serve, which the next one who asks has counted.
 */

#include "config.h"

#include "daemon/hiding.h"

#include <stdlib.h>

#include "daemon/reload.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/inventory.h"
#include "daemon/thread/errand.h"

struct hiding {
	struct errands *errands;	/* borrowed */
	bool busy;			/* an errand is under way */
	uint64_t generation;		/* of the rows; 0: none */
	struct inventory_row *rows;	/* owned; of them, what is hidden */
	size_t n;
};

struct hiding_errand {
	struct errand errand;		/* must be first */
	struct hiding *hiding;
	struct generation *gen;		/* a reference */
	struct inventory_row *rows;	/* owned; NULL: not done */
	size_t n;
};

static void
work(struct errand *errand, const atomic_bool *stop)
{
	struct hiding_errand *e = (struct hiding_errand *)errand;

	if (inventory_count(e->gen, stop, &e->rows, &e->n) != 0)
		e->rows = NULL;
}

static void
end(struct errand *errand, const char *undone)
{
	struct hiding_errand *e = (struct hiding_errand *)errand;
	struct hiding *h = e->hiding;

	(void)undone;
	h->busy = false;
	if (e->rows != NULL) {
		free(h->rows);
		h->rows = e->rows;
		h->n = e->n;
		h->generation = e->gen->number;
	}
	generation_unref(e->gen);
	free(e);
}

struct hiding *
hiding_new(struct errands *errands)
{
	struct hiding *h = calloc(1, sizeof(*h));

	if (h != NULL)
		h->errands = errands;
	return h;
}

void
hiding_free(struct hiding *h)
{
	if (h == NULL)
		return;
	free(h->rows);
	free(h);
}

void
hiding_want(struct hiding *h, const struct reload *reload)
{
	struct hiding_errand *e;

	if (h->busy || reload_current(reload)->number == h->generation)
		return;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return;
	e->errand.work = work;
	e->errand.end = end;
	e->hiding = h;
	e->gen = reload_take(reload);
	h->busy = true;
	errands_run(h->errands, &e->errand);
}

bool
hiding_get(const struct hiding *h, uint64_t generation, size_t i,
    size_t *hidden)
{
	if (h->generation != generation || i >= h->n)
		return false;
	*hidden = h->rows[i].hidden;
	return true;
}
