/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A view is known by a bit for each table that has allow= or deny=.  There are
 * few: as many as there are sorts of clients.  So they are looked through, by
 * each session once a generation.
 */

#include "config.h"

#include "daemon/snapshot/views.h"

#include <sys/queue.h>

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/who/who.h"
#include "lib/appmsg.h"

struct view {
	SLIST_ENTRY(view) entry;
	struct generation gen;		/* its snap is owned */
	bool sees[];			/* n of its views */
};

struct views {
	pthread_mutex_t lock;		/* of the list, not of who is in it */
	SLIST_HEAD(, view) list;
	size_t n;
	const struct conf_table *tables[];	/* that have rules, by their
						   names; borrowed */
};

static const struct view *
view_of(const struct generation *gen)
{
	return (const void *)((const char *)gen - offsetof(struct view, gen));
}

static int
compare_tables(const void *a, const void *b)
{
	const struct conf_table *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int
views_new(const struct conf *conf, struct views **views)
{
	const struct conf_table *t;
	struct views *v;
	size_t n = 0;

	*views = NULL;
	STAILQ_FOREACH(t, &conf->tables, entry)
		n += who_rule_is_set(&t->rule);
	if (n == 0)
		return 0;
	v = calloc(1, sizeof(*v) + n * sizeof(v->tables[0]));
	if (v == NULL)
		return -1;
	pthread_mutex_init(&v->lock, NULL);
	SLIST_INIT(&v->list);
	STAILQ_FOREACH(t, &conf->tables, entry)
		if (who_rule_is_set(&t->rule))
			v->tables[v->n++] = t;
	qsort(v->tables, v->n, sizeof(v->tables[0]), compare_tables);
	*views = v;
	return 0;
}

/* What a snapshot is filtered by. */
struct filter {
	const struct views *views;
	const struct view *view;
};

static int
compare_name(const void *name, const void *table)
{
	const struct conf_table *const *t = table;

	return strcmp(name, (*t)->name);
}

static bool
is_seen(const char *table, const void *arg)
{
	const struct filter *f = arg;
	const struct conf_table *const *found = bsearch(table,
	    f->views->tables, f->views->n, sizeof(f->views->tables[0]),
	    compare_name);

	return found == NULL || f->view->sees[found - f->views->tables];
}

/* With what it sees to be set, and what it is of. */
static struct view *
view_new(const struct views *views)
{
	return calloc(1, sizeof(struct view) +
	    views->n * sizeof(((struct view *)0)->sees[0]));
}

static void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	snapshot_free(v->gen.snap);
	free(v);
}

static int
fill(struct view *v, const struct views *views, struct generation *whole)
{
	const struct filter filter = { views, v };

	v->gen.number = whole->number;
	v->gen.loaded_at = whole->loaded_at;
	v->gen.conf = whole->conf;
	v->gen.whole = whole;
	v->gen.snap = snapshot_part(whole->snap, is_seen, &filter);
	return v->gen.snap == NULL ? -1 : 0;
}

/*
 * The view that sees what a new one sees, which is taken, and perhaps is it.
 * NULL: out of memory.
 */
static struct view *
find(struct views *views, struct generation *gen, struct view *new)
{
	struct view *v;

	SLIST_FOREACH(v, &views->list, entry)
		if (memcmp(v->sees, new->sees,
		    views->n * sizeof(v->sees[0])) == 0)
			break;
	if (v == NULL && fill(new, views, gen) == 0) {
		SLIST_INSERT_HEAD(&views->list, new, entry);
		return new;
	}
	view_free(new);
	return v;
}

struct generation *
views_find(struct generation *gen, const struct who *who)
{
	struct views *views = gen->views;
	bool all = true;
	struct view *v;

	if (views == NULL)
		return gen;
	if ((v = view_new(views)) == NULL)
		return NULL;
	for (size_t i = 0; i < views->n; i++) {
		v->sees[i] = who_judge(&views->tables[i]->rule, who) ==
		    WHO_MAY;
		all = all && v->sees[i];
	}
	if (all) {
		view_free(v);
		return gen;
	}
	pthread_mutex_lock(&views->lock);
	v = find(views, gen, v);
	pthread_mutex_unlock(&views->lock);
	return v == NULL ? NULL : &v->gen;
}

const char *
views_hidden(const struct generation *gen, const struct appmsg_str *name)
{
	const struct views *views = gen->whole != NULL ? gen->whole->views :
	    NULL;
	const char *table;

	for (size_t i = 0; views != NULL && i < views->n; i++) {
		table = views->tables[i]->name;
		if (!views->tables[i]->binary && !view_of(gen)->sees[i] &&
		    appmsg_str_eq(name, table, strlen(table)))
			return table;
	}
	return NULL;
}

void
views_free(struct views *views)
{
	struct view *v;

	if (views == NULL)
		return;
	while ((v = SLIST_FIRST(&views->list)) != NULL) {
		SLIST_REMOVE_HEAD(&views->list, entry);
		view_free(v);
	}
	pthread_mutex_destroy(&views->lock);
	free(views);
}
