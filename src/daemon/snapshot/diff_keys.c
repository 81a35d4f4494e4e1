/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How many there are of a table is known already: a walk ends with the last
 * of them.
 */

#include "config.h"

#include "daemon/snapshot/diff_keys.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/tell.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "daemon/table/way.h"
#include "daemon/thread/pace.h"

/* In the order that they are told in: what may be a mistake is the first. */
static const struct {
	const char *sign;
	const char *word;
} sorts[DIFF_SORTS] = {
	[DIFF_REMOVED] = { "-", "removed" },
	[DIFF_CHANGED] = { "~", "changed" },
	[DIFF_ADDED] = { "+", "added" },
};

static const struct table *
find_table(const struct snapshot *snap, const struct diff_table *d)
{
	const struct table *const *list;
	size_t n;

	list = d->binary ? snapshot_blobs(snap, &n) :
	    snapshot_tables(snap, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(table_name(list[i]), d->name) == 0)
			return list[i];
	return NULL;
}

static size_t
count(const struct diff_table *d, enum diff_sort sort)
{
	return sort == DIFF_REMOVED ? d->removed :
	    sort == DIFF_CHANGED ? d->changed : d->added;
}

/* What an entry of one table is, seen from the other, as diff.c compares
 * them. */
static bool
is_sort(const struct table *other, const struct table *t,
    const struct table_entry *e, enum diff_sort sort)
{
	struct table_entry was;

	if (other == NULL ||
	    table_find_again(other, t, e, &was) == TABLE_NO_ID)
		return sort != DIFF_CHANGED;
	return sort == DIFF_CHANGED && (was.value_len != e->value_len ||
	    memcmp(was.value, e->value, e->value_len) != 0);
}

/* The keys of one sort in one table. */
static void
find(struct diff_named *named, const struct diff_table *d,
    const struct table *walked, const struct table *other, size_t most)
{
	enum diff_sort sort = named->sort;
	size_t left = count(d, sort), seen = 0;
	table_id id = TABLE_NO_ID;
	struct table_entry e;

	while (left > 0 && named->n < most && table_next(walked, &id, &e)) {
		if (seen++ % PACE_ENTRIES == 0)
			pace();
		if (!is_sort(other, walked, &e, sort))
			continue;
		named->list[named->n++] = (struct diff_key){ d, e.shown,
		    e.shown_len };
		left--;
	}
}

int
diff_keys_find(struct diff *diff, const struct snapshot *old,
    const struct snapshot *new, size_t most)
{
	for (enum diff_sort sort = 0; most > 0 && sort < DIFF_SORTS; sort++) {
		struct diff_named *named = &diff->named[sort];

		named->sort = sort;
		named->list = calloc(most, sizeof(*named->list));
		if (named->list == NULL)
			return -1;
		for (size_t i = 0; i < diff->n; i++) {
			const struct diff_table *d = &diff->tables[i];
			const struct table *a, *b;

			if (count(d, sort) == 0)
				continue;
			a = find_table(old, d);
			b = find_table(new, d);
			if (sort == DIFF_REMOVED)
				find(named, d, a, b, most);
			else
				find(named, d, b, a, most);
		}
	}
	return 0;
}

static int
add_line(struct buf *b, const char *sign, const struct diff_key *key)
{
	char shown[ESCAPE_SIZE(TABLE_KEY_MAX)];

	escape(shown, sizeof(shown), key->key, key->len);
	if (buf_add(b, "\n", 1) != 0 || buf_add(b, sign, 1) != 0 ||
	    buf_add(b, " ", 1) != 0 || buf_add(b, key->table->name,
	    strlen(key->table->name)) != 0 || buf_add(b, " ", 1) != 0)
		return -1;
	return buf_add(b, shown, strlen(shown));
}

/* How many of a sort are told, of how many. */
static size_t
told(const struct diff *diff, enum diff_sort sort, size_t most, size_t *all)
{
	*all = sort == DIFF_REMOVED ? diff->removed :
	    sort == DIFF_CHANGED ? diff->changed : diff->added;
	return diff->named[sort].n < most ? diff->named[sort].n : most;
}

int
diff_remotes_text(const struct diff *diff, struct buf *b)
{
	for (size_t i = 0; i < diff->n_remotes; i++) {
		const struct diff_remote *r = &diff->remotes[i];
		const char *parts[] = { "\n", sorts[r->sort].sign, " ",
		    r->name, ", on other machines" };

		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
			if (buf_add(b, parts[k], strlen(parts[k])) != 0)
				return -1;
	}
	return 0;
}

int
diff_keys_text(const struct diff *diff, size_t most, struct buf *b)
{
	size_t n, all;
	char more[64];

	for (enum diff_sort sort = 0; sort < DIFF_SORTS; sort++) {
		n = told(diff, sort, most, &all);
		for (size_t i = 0; i < n; i++)
			if (add_line(b, sorts[sort].sign,
			    &diff->named[sort].list[i]) != 0)
				return -1;
		if (most == 0 || all == n)
			continue;
		snprintf(more, sizeof(more), "\n%s and %zu more %s",
		    sorts[sort].sign, all - n, sorts[sort].word);
		if (buf_add(b, more, strlen(more)) != 0)
			return -1;
	}
	return 0;
}

void
diff_keys_tell(const struct diff *diff, size_t most, struct tell *t)
{
	size_t n, all;

	tell_array(t, "remote");
	for (size_t i = 0; i < diff->n_remotes; i++) {
		tell_object(t, NULL);
		tell_text(t, "change", sorts[diff->remotes[i].sort].word);
		tell_text(t, "table", diff->remotes[i].name);
		tell_end(t);
	}
	tell_end(t);
	tell_array(t, "keys");
	for (enum diff_sort sort = 0; sort < DIFF_SORTS; sort++) {
		n = told(diff, sort, most, &all);
		for (size_t i = 0; i < n; i++) {
			const struct diff_key *key =
			    &diff->named[sort].list[i];

			tell_object(t, NULL);
			tell_text(t, "change", sorts[sort].word);
			tell_text(t, "table", key->table->name);
			tell_bool(t, "binary", key->table->binary);
			tell_any(t, "key", key->key, key->len);
			tell_end(t);
		}
	}
	tell_end(t);
}
