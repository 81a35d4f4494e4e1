/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Either the table is walked, with lookups in those before it; or, where they
 * are smaller, and no key is folded, they are, with lookups in it.
 */

#include "config.h"

#include "daemon/snapshot/hidden.h"

#include <stdbool.h>

#include "daemon/table/fold.h"
#include "daemon/table/way.h"
#include "daemon/thread/pace.h"

/* A count under way. */
struct count {
	const struct table *const *tables;
	const atomic_bool *stop;
	size_t walked;		/* entries */
	size_t n;		/* of them that are hidden */
};

/* To be called for each entry.  Returns whether to go on. */
static bool
step(struct count *c)
{
	if (c->walked++ % PACE_ENTRIES != 0)
		return true;
	pace();
	return !*c->stop;
}

/*
 * Whether one of the first n tables has the key that an entry shows.
 *
 * Returns 1 or 0; -1 when out of memory.
 */
static int
is_before(const struct count *c, size_t n, const struct table_entry *e)
{
	char folded[FOLD_ROOM(TABLE_KEY_MAX)];
	uint64_t hash = table_hash(e->shown, e->shown_len);
	struct table_entry other;
	bool is_folded = false, marks = false;
	size_t len;

	for (size_t i = 0; i < n; i++) {
		const struct table *t = c->tables[i];

		if (table_count(t) == 0)
			continue;
		if (!table_folds(t)) {
			if (table_find_hashed(t, hash, e->shown, e->shown_len,
			    &other) != TABLE_NO_ID)
				return 1;
			continue;
		}
		if ((!is_folded || marks != table_drops_marks(t)) &&
		    fold_as(table_drops_marks(t), e->shown, e->shown_len,
		    folded, &len) != 0)
			return -1;
		is_folded = true;
		marks = table_drops_marks(t);
		if (table_find(t, folded, len, &other) != TABLE_NO_ID)
			return 1;
	}
	return 0;
}

static int
walk_it(struct count *c, size_t which)
{
	struct table_entry e;
	table_id id = TABLE_NO_ID;

	while (table_next(c->tables[which], &id, &e)) {
		int hidden;

		if (!step(c) || (hidden = is_before(c, which, &e)) == -1)
			return -1;
		c->n += hidden == 1;
	}
	return 0;
}

/* A key that several of them have hides one entry. */
static int
walk_others(struct count *c, size_t which)
{
	struct table_entry e, other;

	for (size_t i = 0; i < which; i++) {
		table_id id = TABLE_NO_ID;

		while (table_next(c->tables[i], &id, &e)) {
			if (!step(c))
				return -1;
			if (table_find(c->tables[which], e.key, e.key_len,
			    &other) != TABLE_NO_ID &&
			    is_before(c, i, &e) == 0)
				c->n++;
		}
	}
	return 0;
}

int
hidden_count(const struct table *const *tables, size_t which,
    const atomic_bool *stop, size_t *count)
{
	struct count c = { .tables = tables, .stop = stop };
	bool folds = table_folds(tables[which]);
	size_t before = 0;
	int error = 0;

	for (size_t i = 0; i < which; i++) {
		before += table_count(tables[i]);
		folds = folds || table_folds(tables[i]);
	}
	if (before > 0)
		error = folds || before > table_count(tables[which]) ?
		    walk_it(&c, which) : walk_others(&c, which);
	*count = c.n;
	return error;
}
