/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An edition is the only thing that changes: the highest generation ever read
 * counts, so that no pointer which somebody lost or restored leads back.
 */

#include "config.h"

#include "daemon/remote/source.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/remote/cache.h"

struct source *
source_new(const struct conf_remote *conf, struct cluster *cluster,
    struct asker *asker)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->asks);
	TAILQ_INIT(&s->waiters);
	s->conf = conf_remote_ref(conf);
	s->cluster = cluster;
	s->asker = asker;
	return s;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	edition_unref(s->edition);
	cache_free(s->cache);
	conf_remote_unref(s->conf);
	free(s);
}

bool
source_is_alike(const struct conf_remote *a, const struct conf_remote *b)
{
	return a->live == b->live && a->prefix_len == b->prefix_len &&
	    memcmp(a->prefix, b->prefix, a->prefix_len) == 0;
}

struct edition *
edition_ref(struct edition *e)
{
	e->refs++;
	return e;
}

void
edition_unref(struct edition *e)
{
	if (e != NULL && --e->refs == 0)
		free(e);
}

int
source_publish(struct source *s, const struct bucket_point *point)
{
	struct edition *e;

	if (point->generation == 0 || point->now.number == 0 ||
	    (s->edition != NULL &&
	    s->edition->generation >= point->generation))
		return 0;
	if ((e = malloc(sizeof(*e))) == NULL)
		return -1;
	e->refs = 1;
	e->generation = point->generation;
	e->table = point->now;
	bucket_base_set(&e->base, s->conf->prefix, point->now.number);
	edition_unref(s->edition);
	s->edition = e;
	return 0;
}

void
source_inherit(struct source *s, struct source *from)
{
	struct edition *e = from->edition;

	if (s->cache == NULL && !from->used &&
	    from->conf->cache == s->conf->cache) {
		s->cache = from->cache;
		from->cache = NULL;
	}
	if (e == NULL || (s->edition != NULL &&
	    s->edition->generation >= e->generation))
		return;
	edition_unref(s->edition);
	s->edition = edition_ref(e);
	s->looked = true;
}

void
source_use(struct source *s)
{
	const struct conf_remote *conf = s->conf;

	s->used = true;
	/* What others write may have changed: it is for want of better. */
	if (s->cache == NULL && conf->cache > 0 &&
	    (!conf->live || conf->stale > 0))
		s->cache = cache_new((size_t)conf->cache);
}
