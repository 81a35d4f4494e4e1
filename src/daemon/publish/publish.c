/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The steps, in their order: sort, lock, remove what somebody else left
 * unfinished, note what is begun, write, wait for replicas, look whether all
 * is there, point to it.
 */

#include "config.h"

#include "daemon/publish/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/base/iso_time.h"
#include "daemon/conf/conf.h"
#include "daemon/publish/publish_buckets.h"
#include "daemon/publish/publish_desk.h"
#include "daemon/publish/publish_order.h"
#include "daemon/publish/publish_servers.h"
#include "daemon/table/digest.h"

struct run {
	const struct publish_wanted *wanted;
	const atomic_bool *stop;
	struct publish_progress *progress;	/* NULL: nobody looks */
	struct publish_desk desk;
	struct publish_servers data;	/* those of the buckets */
	struct publish_order order;
	struct publish_outcome *o;
};

static int
fail(const struct run *r, const char *why)
{
	if (r->o->why[0] == '\0')
		strlcpy(r->o->why, why, sizeof(r->o->why));
	return -1;
}

static int
keep_cb(void *arg)
{
	return publish_desk_keep(arg);
}

/* The first that went wrong is what is told. */
static int
why_of(const struct run *r)
{
	if (r->data.why[0] != '\0')
		return fail(r, r->data.why);
	if (r->desk.servers.why[0] != '\0')
		return fail(r, r->desk.servers.why);
	return fail(r, "out of memory");
}

static struct publish_buckets
buckets_of(struct run *r, uint64_t number, uint64_t n)
{
	return (struct publish_buckets){ .servers = &r->data,
	    .number = number, .n = (size_t)n, .tick_cb = keep_cb,
	    .arg = &r->desk, .done = r->progress != NULL ?
	    &r->progress->done : NULL };
}

static int
sort(struct run *r)
{
	char text[128];
	struct table_entry e;

	switch (publish_order(&r->order, r->wanted->from, r->stop)) {
	case PUBLISH_SORTED:
		break;
	case PUBLISH_STOPPED:
		return fail(r, "the daemon is stopping");
	case PUBLISH_NO_MEMORY:
		return fail(r, "out of memory");
	case PUBLISH_TOO_LONG:
		table_entry(r->wanted->from, r->order.long_id, &e);
		snprintf(text, sizeof(text), "an answer of %zu bytes is "
		    "longer than the %zu that can be published", e.value_len,
		    PUBLISH_ANSWER_MAX);
		return fail(r, text);
	}
	r->o->entries = r->order.n;
	r->o->buckets = r->order.n_buckets;
	r->o->bytes = r->order.bytes;
	if (r->progress != NULL)
		r->progress->all = 2 * (uint64_t)r->order.n_buckets;
	return 0;
}

/* All connections; the lock is ours then. */
static int
connect_all(struct run *r)
{
	if (publish_desk_open(&r->desk, r->wanted->to, r->wanted->who,
	    r->stop) != 0 || publish_servers_open(&r->data, r->wanted->to,
	    r->stop) != 0)
		return why_of(r);
	return 0;
}

/* Remove a generation whole, then its line in the record. */
static int
drop(struct run *r, uint64_t number, uint64_t n)
{
	struct publish_buckets b = buckets_of(r, number, n);

	b.done = NULL;
	log_debug("removing published generation=%llu",
	    (unsigned long long)number);
	if (publish_buckets_remove(&b) != 0 ||
	    publish_desk_forget(&r->desk, number) != 0)
		return why_of(r);
	return 0;
}

/*
 * What was begun and never pointed to: it has a higher number than all that
 * was, since whoever published after it has removed it.  Without any pointer
 * nothing is known, and all stays.
 */
static int
drop_unfinished(struct run *r)
{
	const struct publish_desk *d = &r->desk;

	for (size_t i = 0; i < d->n_begun && d->point.generation > 0; i++)
		if (d->begun[i].number > d->point.generation &&
		    drop(r, d->begun[i].number, d->begun[i].buckets) != 0)
			return -1;
	return 0;
}

/* Which keys they are is not looked at, but so many must be gone. */
static int
guard(const struct run *r)
{
	uint64_t old = r->desk.point.now.entries, new = r->order.n;
	char text[256];

	if (r->wanted->guard == CONF_NO_GUARD || new >= old ||
	    (double)(old - new) * 100 <= (double)old * r->wanted->guard)
		return 0;
	snprintf(text, sizeof(text), "the table has %llu entries fewer than "
	    "the %llu that are published, more than guard=%u%% allows; "
	    "\"appmsgctl publish --force\" publishes it",
	    (unsigned long long)(old - new), (unsigned long long)old,
	    r->wanted->guard);
	return fail(r, text);
}

static int
alive_cb(void *arg)
{
	const struct run *r = arg;

	return *r->stop ? -1 : 0;
}

/*
 * When a generation cannot be finished: as if it had not been begun.  Nobody
 * else has its number, so that this is right without the lock, too.
 */
static int
give_up(struct run *r, uint64_t number, uint64_t n)
{
	struct publish_buckets b = buckets_of(r, number, n);

	b.tick_cb = alive_cb;
	b.arg = r;
	b.done = NULL;
	why_of(r);
	/* Replies may be owed over the old connections. */
	publish_servers_close(&r->data);
	r->desk.servers.why[0] = '\0';
	if (!*r->stop && publish_servers_open(&r->data, r->wanted->to,
	    r->stop) == 0 && publish_buckets_remove(&b) == 0)
		publish_desk_forget(&r->desk, number);
	return -1;
}

/* Returns 0: all is there, but not pointed to. */
static int
write_all(struct run *r, uint64_t number)
{
	const struct publish_buckets b = buckets_of(r, number,
	    r->order.n_buckets);

	if (publish_desk_begin(&r->desk, number, b.n) != 0)
		return why_of(r);
	if (publish_buckets_write(&b, &r->order) != 0 ||
	    publish_servers_settle(&r->data, keep_cb, &r->desk) != 0 ||
	    publish_buckets_check(&b) != 0)
		return give_up(r, number, b.n);
	return 0;
}

/* n: set to how many pointers say so for sure. */
static int
point_to(struct run *r, uint64_t generation, const struct bucket_table *now,
    unsigned int *n)
{
	const struct bucket_point point = { .generation = generation,
	    .now = *now, .before = r->desk.point.now };
	char text[128];

	r->o->generation = generation;
	r->o->before = r->desk.point.generation;
	strlcpy(r->o->digest, now->digest, sizeof(r->o->digest));
	if (publish_desk_point(&r->desk, &point, n) == 0)
		return 0;
	why_of(r);
	if (*n == 0)
		return -1;
	snprintf(text, sizeof(text), "; it is read all the same, since %u of "
	    "%d pointers say so", *n, BUCKET_POINTS);
	strlcat(r->o->why, text, sizeof(r->o->why));
	return -1;
}

static int
forth(struct run *r)
{
	struct bucket_table now = { .fold = table_folds(r->wanted->from) };
	char published[ISO_TIME_SIZE], digest[DIGEST_TEXT_SIZE];
	unsigned int n;

	if (sort(r) != 0 || connect_all(r) != 0 || guard(r) != 0 ||
	    drop_unfinished(r) != 0)
		return -1;
	now.number = publish_desk_next(&r->desk);
	now.buckets = r->order.n_buckets;
	now.entries = r->order.n;
	if (write_all(r, now.number) != 0)
		return -1;
	iso_time_utc(time(NULL), published);
	strlcpy(now.published, published, sizeof(now.published));
	strlcpy(now.digest, digest_text(table_digest(r->wanted->from),
	    digest), sizeof(now.digest));
	if (point_to(r, now.number, &now, &n) == 0)
		return 0;
	/* A server that says nothing may have taken a pointer; but who was
	 * overtaken has written none. */
	return n == 0 && !r->desk.locked ?
	    give_up(r, now.number, now.buckets) : -1;
}

/* What is kept may have been lost since. */
static int
back(struct run *r)
{
	struct publish_buckets b;
	struct bucket_table now;
	unsigned int n;

	if (connect_all(r) != 0)
		return -1;
	now = r->desk.point.before;
	if (now.number == 0)
		return fail(r, "there is nothing that was published before "
		    "and is kept");
	r->o->entries = now.entries;
	r->o->buckets = now.buckets;
	if (r->progress != NULL)
		r->progress->all = now.buckets;
	b = buckets_of(r, now.number, now.buckets);
	if (publish_buckets_check(&b) != 0)
		return why_of(r);
	return point_to(r, publish_desk_next(&r->desk), &now, &n);
}

static void
run_clear(struct run *r)
{
	publish_desk_close(&r->desk);
	publish_servers_close(&r->data);
	publish_order_clear(&r->order);
}

void
publish_run(const struct publish_wanted *wanted,
    struct publish_progress *progress, const atomic_bool *stop,
    struct publish_outcome *o)
{
	struct run r = { .wanted = wanted, .stop = stop,
	    .progress = progress, .o = o };

	*o = (struct publish_outcome){ 0 };
	o->ok = (wanted->from != NULL ? forth(&r) : back(&r)) == 0;
	run_clear(&r);
}

/* Returns whether the time has passed. */
static bool
linger(const atomic_bool *stop)
{
	static const struct timespec look = { .tv_nsec =
	    PUBLISH_WIRE_LOOK_MS * 1000000L };
	int64_t until = clock_ms() + PUBLISH_LINGER_MS;

	while (!*stop && clock_ms() < until)
		nanosleep(&look, NULL);
	return !*stop;
}

void
publish_tidy(const struct publish_wanted *wanted, const atomic_bool *stop)
{
	struct publish_outcome outcome = { 0 };
	struct run r = { .wanted = wanted, .stop = stop, .o = &outcome };
	const struct publish_desk *d = &r.desk;
	int error;

	if (!linger(stop))
		return;
	error = connect_all(&r);
	for (size_t i = 0; i < d->n_begun && error == 0; i++)
		if (d->begun[i].number < d->point.generation &&
		    !publish_desk_needs(d, d->begun[i].number))
			error = drop(&r, d->begun[i].number,
			    d->begun[i].buckets);
	if (error != 0)
		log_debug("what was published before stays for now: %s",
		    outcome.why);
	run_clear(&r);
}
