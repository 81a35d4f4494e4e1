/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Joins tables (source.c), servers (cluster.c) and lookups (ask.c), and gives
 * them time.  Sources and clusters that nobody needs any more are freed only
 * between two of these: no call of them has one in hand then.
 */

#include "config.h"

#include "daemon/remote/remote.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/conf/conf.h"
#include "daemon/record/remotes.h"
#include "daemon/remote/ask.h"
#include "daemon/remote/cache.h"
#include "daemon/remote/cluster.h"
#include "daemon/remote/pulse.h"
#include "daemon/remote/source.h"
#include "daemon/snapshot/snapshot.h"

/* How long after they were read they are read again, ms. */
#define READ_MIN	800
#define READ_MAX	1200
/* The same, where nothing was published or could be read. */
#define NONE_MIN	100
#define NONE_MAX	300

struct remote {
	struct pulse pulse;
	struct asker asker;
	char *in;			/* owned; NULL: not needed yet */
	struct dial_room room;
	LIST_HEAD(, source) sources;
	LIST_HEAD(, cluster) clusters;
};

static void
flush(void *arg)
{
	struct remote *r = arg;
	struct cluster *c;

	r->asker.round++;
	LIST_FOREACH(c, &r->clusters, entry)
		node_flush(&c->owner);
}

static void
free_source(struct source *s)
{
	LIST_REMOVE(s, entry);
	s->cluster->users--;
	source_free(s);
}

/* Free what no generation and no lookup needs any more. */
static void
sweep(struct remote *r)
{
	struct source *s, *next_s;
	struct cluster *c, *next_c;

	LIST_FOREACH_SAFE(s, &r->sources, entry, next_s)
		if (!s->used && TAILQ_EMPTY(&s->asks))
			free_source(s);
	LIST_FOREACH_SAFE(c, &r->clusters, entry, next_c) {
		if (c->users > 0)
			continue;
		LIST_REMOVE(c, entry);
		cluster_free(c);
	}
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * A pointer was read.  There are three, in places of which each may be lost or
 * be late: the highest generation counts that any of them ever said.
 */
static void
read_cb(struct source *s, const char *reply, size_t len, void *arg)
{
	bool was = s->edition != NULL;
	struct asker *a = arg;
	struct bucket_point point;

	s->reading--;
	if (reply != NULL && bucket_point_take(&point, reply, len) == 0) {
		s->told = true;
		(void)source_publish(s, &point);
	}
	if (s->reading == 0)
		s->looked = true;
	if (s->looked || (!was && s->edition != NULL))
		ask_wake(a, s);
	if (s->reading > 0)
		return;
	s->read_at = clock_ms() + (s->edition == NULL ?
	    pulse_between(a->pulse, NONE_MIN, NONE_MAX) :
	    pulse_between(a->pulse, READ_MIN, READ_MAX));
	pulse_at(a->pulse, s->read_at);
}

/* Read the pointers of a table, when the time has come. */
static int64_t
read_points(struct asker *a, struct source *s, int64_t now)
{
	/* One that no generation has any more may still be asked. */
	if (s->conf->live || s->reading > 0 || (!s->used &&
	    (s->edition != NULL || TAILQ_EMPTY(&s->asks))))
		return INT64_MAX;
	if (now < s->read_at)
		return s->read_at;
	for (unsigned int i = 0; i < BUCKET_POINTS; i++)
		if (ask_point(a, s, i, read_cb, a) == 0)
			s->reading++;
	if (s->reading == 0)
		s->read_at = now + NONE_MAX;
	return s->reading == 0 ? s->read_at : INT64_MAX;
}

static int64_t
beat(void *arg)
{
	struct remote *r = arg;
	int64_t now = clock_ms(), next = INT64_MAX;
	struct source *s;
	struct cluster *c;

	LIST_FOREACH(s, &r->sources, entry) {
		next = sooner(next, ask_expire(&r->asker, s, now));
		next = sooner(next, read_points(&r->asker, s, now));
	}
	LIST_FOREACH(c, &r->clusters, entry)
		next = sooner(next, cluster_beat(c, now));
	next = sooner(next, asker_beat(&r->asker, now));
	sweep(r);
	return next;
}

struct remote *
remote_new(struct event_base *base, struct stats *stats)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	LIST_INIT(&r->sources);
	LIST_INIT(&r->clusters);
	asker_init(&r->asker, &r->pulse, stats);
	if (pulse_init(&r->pulse, base, beat, flush, r) == 0)
		return r;
	remote_free(r);
	return NULL;
}

void
remote_free(struct remote *r)
{
	struct source *s, *next;

	if (r == NULL)
		return;
	LIST_FOREACH_SAFE(s, &r->sources, entry, next) {
		ask_end_all(&r->asker, s);
		free_source(s);
	}
	sweep(r);
	asker_clear(&r->asker);
	pulse_clear(&r->pulse);
	dial_room_clear(&r->room);
	free(r->in);
	free(r);
}

static struct cluster *
cluster_of(struct remote *r, const struct conf_remote *conf)
{
	struct node_owner owner = { .pulse = &r->pulse, .room = &r->room,
	    .reply_cb = ask_reply_cb, .soon_cb = ask_soon_cb,
	    .lost_cb = ask_lost_cb, .late_cb = ask_late_cb, .arg = &r->asker };
	struct cluster *c;

	LIST_FOREACH(c, &r->clusters, entry)
		if (cluster_is_of(c, conf))
			return c;
	if (r->in == NULL && (r->in = malloc(NODE_IN_SIZE)) == NULL)
		return NULL;
	if (conf->tls && dial_room_make(&r->room) != 0)
		return NULL;
	owner.in = r->in;
	if ((c = cluster_new(conf, &owner)) != NULL)
		LIST_INSERT_HEAD(&r->clusters, c, entry);
	return c;
}

static struct source *
find(const struct remote *r, const struct conf_remote *conf)
{
	struct source *s;

	LIST_FOREACH(s, &r->sources, entry)
		if (s->conf == conf)
			return s;
	return NULL;
}

static struct source *
source_of(struct remote *r, const struct conf_remote *conf)
{
	struct source *s = find(r, conf), *other;
	struct cluster *c;

	if (s != NULL)
		return s;
	if ((c = cluster_of(r, conf)) == NULL ||
	    (s = source_new(conf, c, &r->asker)) == NULL)
		return NULL;
	c->users++;
	LIST_FOREACH(other, &r->sources, entry)
		if (other->cluster == c &&
		    source_is_alike(other->conf, conf))
			source_inherit(s, other);
	LIST_INSERT_HEAD(&r->sources, s, entry);
	/* For its pointers; or that it goes again. */
	pulse_at(&r->pulse, clock_ms());
	return s;
}

/* The shortest time that a table has on a cluster is for all. */
static void
set_deadlines(struct remote *r)
{
	struct cluster *c;
	struct source *s;

	LIST_FOREACH(c, &r->clusters, entry) {
		int64_t ms = INT64_MAX;

		LIST_FOREACH(s, &r->sources, entry)
			if (s->cluster == c && s->used)
				ms = sooner(ms, s->conf->deadline);
		if (ms != INT64_MAX)
			cluster_set_deadline(c, ms);
	}
}

void
remote_use(struct remote *r, const struct snapshot *snap)
{
	const struct later *later;
	struct source *s;
	size_t before;

	LIST_FOREACH(s, &r->sources, entry)
		s->used = false;
	/* As lookups have them: of a line that did not change, the old one. */
	for (size_t i = 0; (later = snapshot_later_at(snap, i, &before)) !=
	    NULL; i++) {
		if ((s = source_of(r, later->what)) != NULL)
			source_use(s);
		else
			log_warnx("out of memory for a table table=%s",
			    later->name);
	}
	set_deadlines(r);
	/* What is not used any more. */
	pulse_at(&r->pulse, clock_ms());
}

static void
ask(void *arg, const struct later *later, struct lookup *lookup)
{
	struct remote *r = arg;
	struct source *s = source_of(r, later->what);

	if (s != NULL) {
		ask_lookup(&r->asker, s, lookup);
		return;
	}
	lookup->said.cause = REMOTE_BUSY;
	lookup_answer(&lookup, LOOKUP_UNAVAILABLE, NULL, 0);
}

static enum lookup_result
known(void *arg, const struct later *later, struct lookup_known *known)
{
	struct remote *r = arg;
	const struct source *s = find(r, later->what);

	return s == NULL ? LOOKUP_NONE : ask_known(&r->asker, s, known);
}

static void
fetch(void *arg, const struct later *later, uint64_t hash, bool again)
{
	const struct source *s = find(arg, later->what);

	if (s != NULL && !s->conf->live)
		cache_fetch(s->cache, hash, again);
}

const struct later_ops remote_ops = { ask, ask_forget, known, fetch };

static time_t
published_at(const struct bucket_table *t)
{
	struct tm tm = { 0 };

	return strptime(t->published, "%Y-%m-%dT%H:%M:%S", &tm) == NULL ? 0 :
	    timegm(&tm);
}

void
remote_look(void *arg, const struct conf_remote *conf,
    struct remote_look *look)
{
	const struct remote *r = arg;
	const struct source *s = find(r, conf);
	size_t up;

	if (s == NULL)
		return;
	look->known = true;
	look->servers = (unsigned int)cluster_servers(s->cluster, &up);
	look->servers_up = (unsigned int)up;
	look->up = up > 0 && (s->conf->live || s->edition != NULL);
	look->cause = up == 0 || !s->told ? cluster_cause(s->cluster) :
	    REMOTE_UNPUBLISHED;
	if (s->edition == NULL)
		return;
	look->published = s->edition->generation;
	look->published_at = published_at(&s->edition->table);
	look->entries = s->edition->table.entries;
	strlcpy(look->digest, s->edition->table.digest, sizeof(look->digest));
}
