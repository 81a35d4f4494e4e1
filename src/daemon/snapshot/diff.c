/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One walk over each new table, with a lookup in the old one an entry: what
 * was not met there is what was removed.  A table that both share is not
 * walked.
 */

#include "config.h"

#include "daemon/snapshot/diff.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/table.h"
#include "daemon/thread/pace.h"

static const struct table *
find_table(const struct table *const *tables, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table_name(tables[i]), name) == 0)
			return tables[i];
	return NULL;
}

static void
compare(const struct table *old, const struct table *new,
    struct diff_table *d)
{
	struct table_entry e, was;
	table_id id = TABLE_NO_ID;
	size_t kept = 0, seen = 0;

	d->name = table_name(new != NULL ? new : old);
	d->old_count = old != NULL ? table_count(old) : 0;
	d->new_count = new != NULL ? table_count(new) : 0;
	if (old == new)
		return;
	while (old != NULL && new != NULL && table_next(new, &id, &e)) {
		if (seen++ % PACE_ENTRIES == 0)
			pace();
		/* Where one of them folds, the keys cannot be compared so. */
		if (table_find_again(old, new, &e, &was) == TABLE_NO_ID)
			continue;
		kept++;
		d->changed += was.value_len != e.value_len ||
		    memcmp(was.value, e.value, e.value_len) != 0;
	}
	d->added = d->new_count - kept;
	d->removed = d->old_count - kept;
}

static void
compare_all(struct diff *diff, const struct table *const *old, size_t n_old,
    const struct table *const *new, size_t n_new, bool binary)
{
	for (size_t i = 0; i < n_new; i++) {
		struct diff_table *d = &diff->tables[diff->n++];

		d->binary = binary;
		compare(find_table(old, n_old, table_name(new[i])), new[i],
		    d);
	}
	for (size_t i = 0; i < n_old; i++) {
		if (find_table(new, n_new, table_name(old[i])) != NULL)
			continue;
		diff->tables[diff->n].binary = binary;
		compare(old[i], NULL, &diff->tables[diff->n++]);
	}
}

static size_t
count_later(const struct snapshot *snap)
{
	size_t n = 0, before;

	while (snapshot_later_at(snap, n, &before) != NULL)
		n++;
	return n;
}

/* Those that one snapshot has and the other does not, or otherwise. */
static void
compare_later(struct diff *diff, const struct snapshot *snap,
    const struct snapshot *other, enum diff_sort alone)
{
	const struct later *one, *same;
	enum diff_sort sort;
	size_t before;

	for (size_t i = 0; (one = snapshot_later_at(snap, i, &before)) !=
	    NULL; i++) {
		same = snapshot_old_later(other, one->name);
		sort = same == NULL ? alone : DIFF_CHANGED;
		/* What changed is told once. */
		if (same != NULL && (same->what == one->what ||
		    alone == DIFF_REMOVED))
			continue;
		diff->remotes[diff->n_remotes++] = (struct diff_remote){
		    one->name, sort };
	}
}

static int
compare_remotes(struct diff *diff, const struct snapshot *old,
    const struct snapshot *new)
{
	size_t n = count_later(old) + count_later(new);

	if (n == 0)
		return 0;
	diff->remotes = calloc(n, sizeof(*diff->remotes));
	if (diff->remotes == NULL)
		return -1;
	compare_later(diff, old, new, DIFF_REMOVED);
	compare_later(diff, new, old, DIFF_ADDED);
	return 0;
}

int
diff_snapshots(const struct snapshot *old, const struct snapshot *new,
    struct diff *diff)
{
	const struct table *const *a, *const *b, *const *c, *const *d;
	size_t n_a, n_b, n_c, n_d;

	a = snapshot_tables(old, &n_a);
	b = snapshot_tables(new, &n_b);
	c = snapshot_blobs(old, &n_c);
	d = snapshot_blobs(new, &n_d);
	*diff = (struct diff){ 0 };
	diff->tables = calloc(n_a + n_b + n_c + n_d, sizeof(*diff->tables));
	if (diff->tables == NULL || compare_remotes(diff, old, new) != 0) {
		diff_clear(diff);
		return -1;
	}
	compare_all(diff, a, n_a, b, n_b, false);
	compare_all(diff, c, n_c, d, n_d, true);
	for (size_t i = 0; i < diff->n; i++) {
		diff->added += diff->tables[i].added;
		diff->removed += diff->tables[i].removed;
		diff->changed += diff->tables[i].changed;
	}
	return 0;
}

static bool
is_named(const struct conf *conf, const char *name)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (strcmp(t->name, name) == 0)
			return true;
	return false;
}

/* Hold what became of a table against its guard. */
static void
guard(const struct diff *diff, const struct conf_table *t, bool gone,
    struct problems *problems)
{
	for (size_t i = 0; i < diff->n; i++) {
		const struct diff_table *d = &diff->tables[i];

		/* The options of main are not for its binary lines. */
		if (strcmp(d->name, t->name) != 0 ||
		    (t->path == NULL && d->binary) ||
		    t->guard == CONF_NO_GUARD ||
		    d->removed * 100 <= d->old_count * t->guard)
			continue;
		if (gone)
			problems_add(problems, t->place.file, t->place.line,
			    "the table \"%s\" that was here is gone, and "
			    "lost %zu of %zu keys, more than guard=%u%% "
			    "allows; \"appmsgctl reload --force\" takes it "
			    "away", t->name, d->removed, d->old_count,
			    t->guard);
		else
			problems_add(problems, t->place.file, t->place.line,
			    "the table \"%s\" lost %zu of %zu keys, more than "
			    "guard=%u%% allows; \"appmsgctl reload --force\" "
			    "takes it", t->name, d->removed, d->old_count,
			    t->guard);
	}
}

void
diff_guard(const struct diff *diff, const struct conf *old,
    const struct conf *new, struct problems *problems)
{
	const struct conf_table *t;

	if (new->main != NULL)
		guard(diff, new->main, false, problems);
	STAILQ_FOREACH(t, &new->tables, entry)
		guard(diff, t, false, problems);
	STAILQ_FOREACH(t, &old->tables, entry)
		if (!is_named(new, t->name))
			guard(diff, t, true, problems);
}

void
diff_clear(struct diff *diff)
{
	for (size_t i = 0; i < DIFF_SORTS; i++)
		free(diff->named[i].list);
	free(diff->tables);
	free(diff->remotes);
	*diff = (struct diff){ 0 };
}
