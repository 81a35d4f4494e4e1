/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is to be done only as long as something else holds is done by WATCH,
 * MULTI and EXEC, over one connection.
 */

#include "config.h"

#include "daemon/publish/publish_desk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/escape.h"
#include "daemon/conf/conf.h"

#define LOCK_MS		20000	/* it lasts without being renewed */
#define RENEW_MS	5000	/* how often it is */
#define WRITER		"writer"	/* field of a pointer: a token */
#define TRIES		3	/* where others change what is watched */
#define NUMBER_SIZE	24	/* decimal, with NUL */

static int
no_memory(struct publish_desk *d)
{
	return publish_servers_fail(&d->servers, "out of memory");
}

/* Append a request of n words, each a string. */
static int
words(struct buf *b, unsigned int n, ...)
{
	int error = resp_command(b, n);
	va_list ap;

	va_start(ap, n);
	for (unsigned int i = 0; i < n && error == 0; i++) {
		const char *word = va_arg(ap, const char *);

		error = resp_arg(b, word, strlen(word));
	}
	va_end(ap);
	return error;
}

static unsigned int
slot_of(const char *name)
{
	return slotmap_slot(name, strlen(name));
}

/*
 * Ask the master of a name.
 *
 * request  cleared
 *
 * Returns who answered, whose reply is no error; or NULL with why.
 */
static struct publish_wire *
ask(struct publish_desk *d, const char *name, struct buf *request, int error,
    struct publish_reply *reply)
{
	struct publish_wire *w = NULL;

	if (error != 0)
		no_memory(d);
	else
		w = publish_servers_call(&d->servers, slot_of(name), request,
		    reply);
	buf_clear(request);
	if (w != NULL && reply->head.type == RESP_ERROR) {
		publish_servers_refused(&d->servers, w, &reply->head);
		return NULL;
	}
	return w;
}

static bool
is_text(const struct resp *r, const char *text)
{
	return (r->type == RESP_BULK || r->type == RESP_STRING) &&
	    r->len == strlen(text) && memcmp(r->str, text, r->len) == 0;
}

/* One more of a transaction, at the same server. */
static int
step(struct publish_desk *d, struct publish_wire *w, const struct buf *request,
    struct publish_reply *reply)
{
	if (publish_servers_converse(&d->servers, w, request, reply) != 0)
		return -1;
	if (reply->head.type == RESP_ERROR)
		return publish_servers_refused(&d->servers, w, &reply->head);
	return 0;
}

static int
plain_step(struct publish_desk *d, struct publish_wire *w, const char *line,
    struct publish_reply *reply)
{
	struct buf request = { 0 };
	int error = resp_words(&request, line);

	error = error == 0 ? step(d, w, &request, reply) : no_memory(d);
	buf_clear(&request);
	return error;
}

/* From MULTI on.  done: whether it was. */
static int
change(struct publish_desk *d, struct publish_wire *w,
    const struct buf *request, bool *done)
{
	struct publish_reply reply;
	struct resp r;

	if (plain_step(d, w, "MULTI", &reply) != 0 ||
	    step(d, w, request, &reply) != 0 ||
	    plain_step(d, w, "EXEC", &reply) != 0)
		return -1;
	*done = reply.head.type == RESP_ARRAY;
	if (*done && resp_next(&reply.at, reply.end, &r) &&
	    r.type == RESP_ERROR)
		return publish_servers_refused(&d->servers, w, &r);
	return 0;
}

/*
 * Make a change to a name as long as a look at it finds our token.
 *
 * Returns 0, or -1 with why.
 */
static int
guarded(struct publish_desk *d, const char *name, const struct buf *look,
    const struct buf *request)
{
	struct publish_reply reply;
	struct publish_wire *w;
	bool done = false;

	for (int i = 0; i < TRIES && !done; i++) {
		struct buf watch = { 0 };

		w = ask(d, name, &watch, words(&watch, 2, "WATCH", name),
		    &reply);
		if (w == NULL || step(d, w, look, &reply) != 0)
			return -1;
		if (!is_text(&reply.head, d->token)) {
			plain_step(d, w, "UNWATCH", &reply);
			break;
		}
		if (change(d, w, request, &done) != 0)
			return -1;
	}
	if (done)
		return 0;
	d->locked = false;
	return publish_servers_fail(&d->servers, "somebody else began to "
	    "publish meanwhile");
}

/* The same with the lock. */
static int
with_lock(struct publish_desk *d, unsigned int n, const char *verb,
    const char *value)
{
	char name[BUCKET_NAME_MAX];
	struct buf look = { 0 }, request = { 0 };
	int error;

	bucket_lock_name(d->prefix, name);
	error = words(&look, 2, "GET", name);
	if (error == 0)
		error = words(&request, n, verb, name, value);
	error = error == 0 ? guarded(d, name, &look, &request) : no_memory(d);
	buf_clear(&look);
	buf_clear(&request);
	return error;
}

int
publish_desk_keep(struct publish_desk *d)
{
	char ms[NUMBER_SIZE];

	if (*d->servers.stop)
		return publish_servers_fail(&d->servers,
		    "the daemon is stopping");
	if (clock_ms() - d->renewed < RENEW_MS)
		return 0;
	d->renewed = clock_ms();
	snprintf(ms, sizeof(ms), "%d", LOCK_MS);
	return with_lock(d, 3, "PEXPIRE", ms);
}

/* Say who has it. */
static int
tell_holder(struct publish_desk *d, const char *name)
{
	char who[4 * PUBLISH_WHO_SIZE];
	struct publish_reply reply;
	struct buf request = { 0 };
	const char *mark;
	size_t len;

	if (ask(d, name, &request, words(&request, 2, "GET", name),
	    &reply) == NULL)
		return -1;
	if (reply.head.type != RESP_BULK)
		return publish_servers_fail(&d->servers, "somebody else was "
		    "publishing until now");
	mark = memmem(reply.head.str, reply.head.len, " #", 2);
	len = mark != NULL ? (size_t)(mark - reply.head.str) :
	    reply.head.len;
	escape(who, sizeof(who), reply.head.str, len);
	return publish_servers_fail(&d->servers, "somebody else publishes: "
	    "%s; if that has ended, its lock does in %d s", who,
	    LOCK_MS / 1000);
}

static int
lock(struct publish_desk *d)
{
	char name[BUCKET_NAME_MAX], ms[NUMBER_SIZE];
	struct publish_reply reply;
	struct buf request = { 0 };

	bucket_lock_name(d->prefix, name);
	snprintf(ms, sizeof(ms), "%d", LOCK_MS);
	if (ask(d, name, &request, words(&request, 6, "SET", name, d->token,
	    "NX", "PX", ms), &reply) == NULL) {
		/* Told to end, nobody waits for the reply: it may be ours. */
		d->locked = *d->servers.stop;
		return -1;
	}
	if (!is_text(&reply.head, "OK"))
		return tell_holder(d, name);
	d->renewed = clock_ms();
	d->locked = true;
	return 0;
}

/* From now on no other's pointer is written. */
static int
sign(struct publish_desk *d)
{
	char name[BUCKET_NAME_MAX];
	struct publish_reply reply;

	for (unsigned int i = 0; i < BUCKET_POINTS; i++) {
		struct buf request = { 0 };

		bucket_point_name(d->prefix, i, name);
		if (ask(d, name, &request, words(&request, 4, "HSET", name,
		    WRITER, d->token), &reply) == NULL)
			return -1;
	}
	return 0;
}

static int
read_points(struct publish_desk *d)
{
	char name[BUCKET_NAME_MAX];
	struct publish_reply reply;

	d->point = (struct bucket_point){ 0 };
	for (unsigned int i = 0; i < BUCKET_POINTS; i++) {
		struct buf request = { 0 };
		int error;

		bucket_point_name(d->prefix, i, name);
		error = bucket_point_ask(&request, name);
		if (ask(d, name, &request, error, &reply) == NULL)
			return -1;
		if (bucket_point_take(&d->points[i], reply.from,
		    (size_t)(reply.end - reply.from)) != 0)
			return publish_servers_fail(&d->servers, "\"%s\" is "
			    "no pointer of appmsgd: somebody else has this "
			    "prefix=, or a newer version published", name);
		if (d->points[i].generation > d->point.generation)
			d->point = d->points[i];
	}
	return 0;
}

/* A number of a reply, which others may have written; 0: it is none. */
static uint64_t
number_of(const struct resp *r)
{
	char text[NUMBER_SIZE];

	if (r->type != RESP_BULK || r->len >= sizeof(text) ||
	    memchr(r->str, '\0', r->len) != NULL)
		return 0;
	memcpy(text, r->str, r->len);
	text[r->len] = '\0';
	return (uint64_t)strtonum(text, 1, INT64_MAX, NULL);
}

static int
read_record(struct publish_desk *d)
{
	char name[BUCKET_NAME_MAX];
	struct publish_reply reply;
	struct buf request = { 0 };
	struct resp number, buckets;

	bucket_record_name(d->prefix, name);
	if (ask(d, name, &request, words(&request, 2, "HGETALL", name),
	    &reply) == NULL)
		return -1;
	if (reply.head.type != RESP_ARRAY)
		return 0;
	d->begun = calloc(reply.head.n / 2 + 1, sizeof(*d->begun));
	if (d->begun == NULL)
		return no_memory(d);
	while (resp_next(&reply.at, reply.end, &number) &&
	    resp_next(&reply.at, reply.end, &buckets)) {
		struct publish_begun *b = &d->begun[d->n_begun];

		b->number = number_of(&number);
		b->buckets = number_of(&buckets);
		if (b->number == 0 || b->buckets == 0 ||
		    b->buckets > BUCKET_MAX)
			return publish_servers_fail(&d->servers, "\"%s\" is "
			    "no record of appmsgd: somebody else has this "
			    "prefix=", name);
		d->n_begun++;
	}
	return 0;
}

static int
keep_cb(void *arg)
{
	return publish_desk_keep(arg);
}

/* What was written outlives its server, if that has a replica. */
static int
settle(struct publish_desk *d)
{
	return publish_servers_settle(&d->servers, keep_cb, d);
}

int
publish_desk_open(struct publish_desk *d, const struct conf_remote *conf,
    const char *who, const atomic_bool *stop)
{
	*d = (struct publish_desk){ .prefix = conf->prefix };
	snprintf(d->token, sizeof(d->token), "%s #%08x%08x", who,
	    arc4random(), arc4random());
	if (publish_servers_open(&d->servers, conf, stop) != 0 ||
	    lock(d) != 0 || read_points(d) != 0 || read_record(d) != 0)
		return -1;
	/* Now that these are known to be no others' keys. */
	if (sign(d) != 0 || settle(d) != 0)
		return -1;
	/* What somebody did who did not know that his lock was over. */
	return read_points(d);
}

void
publish_desk_close(struct publish_desk *d)
{
	char why[PUBLISH_WHY_SIZE];

	/* What went wrong may not be this, and stays what it is. */
	memcpy(why, d->servers.why, sizeof(why));
	/* A lock that is left holds up the next one for its time. */
	if (d->locked && (!*d->servers.stop ||
	    publish_servers_reopen(&d->servers) == 0))
		with_lock(d, 2, "DEL", NULL);
	memcpy(d->servers.why, why, sizeof(why));
	publish_servers_close(&d->servers);
	free(d->begun);
	d->begun = NULL;
	d->n_begun = 0;
}

bool
publish_desk_needs(const struct publish_desk *d, uint64_t number)
{
	for (size_t i = 0; i < BUCKET_POINTS; i++)
		if (d->points[i].now.number == number ||
		    d->points[i].before.number == number)
			return true;
	return d->point.now.number == number ||
	    d->point.before.number == number;
}

uint64_t
publish_desk_next(const struct publish_desk *d)
{
	uint64_t last = d->point.generation;
	struct timespec ts = { 0 };
	uint64_t now;

	for (size_t i = 0; i < d->n_begun; i++)
		if (d->begun[i].number > last)
			last = d->begun[i].number;
	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	return now > last ? now : last + 1;
}

static int
record(struct publish_desk *d, uint64_t number, uint64_t buckets)
{
	char name[BUCKET_NAME_MAX], field[NUMBER_SIZE], value[NUMBER_SIZE];
	struct publish_reply reply;
	struct buf request = { 0 };

	bucket_record_name(d->prefix, name);
	snprintf(field, sizeof(field), "%" PRIu64, number);
	snprintf(value, sizeof(value), "%" PRIu64, buckets);
	return ask(d, name, &request, buckets > 0 ?
	    words(&request, 4, "HSET", name, field, value) :
	    words(&request, 3, "HDEL", name, field), &reply) != NULL ? 0 : -1;
}

int
publish_desk_begin(struct publish_desk *d, uint64_t number, uint64_t buckets)
{
	const struct bucket_table *tables[] = { &d->point.now,
	    &d->point.before };

	/* The record may have been lost with a server. */
	for (size_t i = 0; i < 2; i++)
		if (tables[i]->number > 0 && record(d, tables[i]->number,
		    tables[i]->buckets) != 0)
			return -1;
	return record(d, number, buckets) != 0 ? -1 :
	    settle(d);
}

int
publish_desk_forget(struct publish_desk *d, uint64_t number)
{
	return record(d, number, 0);
}

int
publish_desk_point(struct publish_desk *d, const struct bucket_point *point,
    unsigned int *n)
{
	char name[BUCKET_NAME_MAX];
	int error = 0;

	*n = 0;
	for (unsigned int i = 0; i < BUCKET_POINTS && error == 0; i++) {
		struct buf look = { 0 }, request = { 0 };

		bucket_point_name(d->prefix, i, name);
		error = words(&look, 3, "HGET", name, WRITER);
		if (error == 0)
			error = bucket_point_write(&request, name, point);
		error = error == 0 ? guarded(d, name, &look, &request) :
		    no_memory(d);
		if (error == 0) {
			d->points[i] = d->point = *point;
			++*n;
		}
		buf_clear(&look);
		buf_clear(&request);
	}
	return error != 0 ? -1 : settle(d);
}
