/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "daemon/publish/publish_servers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/escape.h"
#include "daemon/conf/conf.h"

#define CONNECT_MIN_MS	1000	/* where lookups have less, this has time */
#define PAUSE_MS	50	/* before a server is asked once more */
#define SETTLE_TRIES	60	/* of a second each, for a slow replica */

int
publish_servers_fail(struct publish_servers *s, const char *format, ...)
{
	va_list ap;

	if (s->why[0] != '\0')
		return -1;
	va_start(ap, format);
	vsnprintf(s->why, sizeof(s->why), format, ap);
	va_end(ap);
	return -1;
}

/* What an error means to who publishes; "": no more than it says. */
static const char *
meaning(const struct resp *error)
{
	switch (resp_error(error)) {
	case RESP_OOM:
		return "is full";
	case RESP_NOPERM:
		return "does not let this user do that";
	case RESP_NOAUTH:
	case RESP_WRONGPASS:
		return "does not let us in";
	case RESP_READONLY:
		return "is a replica, where the master has to be named first";
	case RESP_WRONGTYPE:
		return "has keys of somebody else under this prefix=";
	case RESP_NOREPLICAS:
		return "has too few replicas to take anything";
	case RESP_OTHER:
	case RESP_ASK:
	case RESP_CLUSTERDOWN:
	case RESP_LOADING:
	case RESP_MASTERDOWN:
	case RESP_MOVED:
	case RESP_TRYAGAIN:
		break;
	}
	return "refuses";
}

int
publish_servers_refused(struct publish_servers *s,
    const struct publish_wire *w, const struct resp *error)
{
	char said[256];

	escape(said, sizeof(said), error->str, error->len);
	return publish_servers_fail(s, "%s %s: %s", w->name, meaning(error),
	    said);
}

int
publish_servers_lost(struct publish_servers *s, const struct publish_wire *w)
{
	if (*s->stop)
		return publish_servers_fail(s, "the daemon is stopping");
	if (w->wrong == NULL && errno == ETIMEDOUT)
		return publish_servers_fail(s, "%s does not answer", w->name);
	return publish_servers_fail(s, "%s: %s", w->name,
	    publish_wire_wrong(w));
}

bool
publish_servers_elsewhere(const struct resp *head)
{
	if (head->type != RESP_ERROR)
		return false;
	switch (resp_error(head)) {
	case RESP_ASK:
	case RESP_CLUSTERDOWN:
	case RESP_LOADING:
	case RESP_MASTERDOWN:
	case RESP_MOVED:
	case RESP_TRYAGAIN:
		return true;
	case RESP_NOAUTH:
	case RESP_NOPERM:
	case RESP_NOREPLICAS:
	case RESP_OOM:
	case RESP_OTHER:
	case RESP_READONLY:
	case RESP_WRONGPASS:
	case RESP_WRONGTYPE:
		break;
	}
	return false;
}

int
publish_servers_converse(struct publish_servers *s, struct publish_wire *w,
    const struct buf *request, struct publish_reply *reply)
{
	if (buf_add(&w->out, request->data, request->len) != 0)
		return publish_servers_fail(s, "out of memory");
	if (publish_wire_wait(w, reply, s->patience_ms, s->stop) != 0)
		return publish_servers_lost(s, w);
	return 0;
}

/* AUTH PASSWORD, or AUTH USER PASSWORD. */
static int
log_in(struct publish_servers *s, struct publish_wire *w)
{
	const struct conf_remote *c = s->conf;
	struct publish_reply reply = { 0 };
	struct buf request = { 0 };
	int error;

	if (c->password == NULL)
		return 0;
	error = resp_auth(&request, c->user, c->password) == 0 ?
	    publish_servers_converse(s, w, &request, &reply) :
	    publish_servers_fail(s, "out of memory");
	if (request.data != NULL)
		explicit_bzero(request.data, request.len);
	/* Nothing else was sent yet. */
	if (w->out.data != NULL)
		explicit_bzero(w->out.data, w->out.cap);
	buf_clear(&request);
	if (error == 0 && reply.head.type == RESP_ERROR)
		return publish_servers_refused(s, w, &reply.head);
	return error;
}

/* The connection to an address, made if there is none. */
static struct publish_wire *
wire_to(struct publish_servers *s, const struct slotmap_address *address)
{
	int64_t timeout = s->conf->deadline;
	struct publish_wire *w;

	for (size_t i = 0; i < s->n_wires; i++)
		if (slotmap_same(&s->wires[i]->address, address))
			return s->wires[i];
	if (s->n_wires == PUBLISH_SERVERS_MAX) {
		publish_servers_fail(s, "there are too many servers");
		return NULL;
	}
	if ((w = publish_wire_new(address)) == NULL) {
		publish_servers_fail(s, "out of memory");
		return NULL;
	}
	if (timeout < CONNECT_MIN_MS)
		timeout = CONNECT_MIN_MS;
	/* At the end of the daemon there is less. */
	if (timeout > s->patience_ms)
		timeout = s->patience_ms;
	if (publish_wire_open(w, timeout, s->stop) != 0 || (s->conf->tls &&
	    publish_wire_encipher(w, s->conf->trust, timeout, s->stop) != 0)) {
		publish_servers_lost(s, w);
		publish_wire_free(w);
		return NULL;
	}
	if (log_in(s, w) != 0) {
		publish_wire_free(w);
		return NULL;
	}
	s->wires[s->n_wires++] = w;
	return w;
}

/* Learn from one server where all slots are. */
static int
learn(struct publish_servers *s, struct publish_wire *w)
{
	struct publish_reply reply = { 0 };
	struct buf request = { 0 };
	struct publish_wire **by_node;
	struct slotmap map;
	int error = resp_words(&request, "CLUSTER SLOTS");

	error = error == 0 ? publish_servers_converse(s, w, &request, &reply) :
	    publish_servers_fail(s, "out of memory");
	buf_clear(&request);
	if (error != 0)
		return -1;
	if (reply.head.type == RESP_ERROR)
		return publish_servers_refused(s, w, &reply.head);
	if (slotmap_take(&map, reply.from, (size_t)(reply.end - reply.from),
	    &w->address, 0) != 0)
		return publish_servers_fail(s, "%s: no map of slots: %s",
		    w->name, strerror(errno));
	by_node = calloc(map.n_nodes + 1, sizeof(*by_node));
	if (by_node == NULL) {
		slotmap_clear(&map);
		return publish_servers_fail(s, "out of memory");
	}
	slotmap_clear(&s->map);
	free(s->by_node);
	s->map = map;
	s->by_node = by_node;
	return 0;
}

/* There is no connection yet. */
static int
connect_any(struct publish_servers *s)
{
	const struct conf_remote *conf = s->conf;

	slotmap_init(&s->map);
	/* Of a cluster any that answers will do; of others only the master. */
	for (size_t i = 0; i < (conf->cluster ? conf->n_servers : 1); i++) {
		const struct slotmap_address address = {
			.ss = conf->servers[i].ss,
			.len = conf->servers[i].ss_len };
		struct publish_wire *w;

		s->why[0] = '\0';
		w = wire_to(s, &address);
		if (w != NULL && (!conf->cluster || learn(s, w) == 0))
			return 0;
		if (*s->stop)
			break;
	}
	return -1;
}

int
publish_servers_open(struct publish_servers *s, const struct conf_remote *conf,
    const atomic_bool *stop)
{
	*s = (struct publish_servers){ .conf = conf, .stop = stop,
	    .patience_ms = PUBLISH_PATIENCE_MS };
	return connect_any(s);
}

int
publish_servers_reopen(struct publish_servers *s)
{
	static const atomic_bool never;

	publish_servers_close(s);
	s->stop = &never;
	s->patience_ms = PUBLISH_HASTE_MS;
	return connect_any(s);
}

void
publish_servers_close(struct publish_servers *s)
{
	for (size_t i = 0; i < s->n_wires; i++)
		publish_wire_free(s->wires[i]);
	s->n_wires = 0;
	slotmap_clear(&s->map);
	free(s->by_node);
	s->by_node = NULL;
}

struct publish_wire *
publish_servers_slot(struct publish_servers *s, unsigned int slot)
{
	uint16_t node;

	if (!s->conf->cluster)
		return s->wires[0];
	node = s->map.masters[slot];
	if (node == SLOTMAP_NONE || node >= s->map.n_nodes) {
		publish_servers_fail(s, "no server of the cluster has slot %u",
		    slot);
		return NULL;
	}
	if (s->by_node[node] == NULL)
		s->by_node[node] = wire_to(s, &s->map.nodes[node]);
	return s->by_node[node];
}

static void
pause_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

/* ASKING, and a request, whose reply is the one that counts. */
static int
ask_there(struct publish_servers *s, struct publish_wire *w,
    const struct buf *request, struct publish_reply *reply)
{
	struct buf asking = { 0 };
	int error = resp_words(&asking, "ASKING");

	error = error == 0 ? publish_servers_converse(s, w, &asking, reply) :
	    publish_servers_fail(s, "out of memory");
	buf_clear(&asking);
	return error == 0 ? publish_servers_converse(s, w, request, reply) : -1;
}

/*
 * Follow an error that leads elsewhere.
 *
 * Returns who is to be asked out of turn, by ASKING; or NULL: the master, as
 * far as it is known by now, or none with why.
 */
static struct publish_wire *
follow(struct publish_servers *s, struct publish_wire *w,
    const struct resp *error)
{
	struct slotmap_redirect redirect;
	struct publish_wire *to;

	if (slotmap_redirect(&redirect, error->str, error->len,
	    &w->address) != 0) {
		/* Not now. */
		pause_ms(PAUSE_MS);
		/* One that reads its own data does not say this either. */
		if (s->conf->cluster && resp_error(error) != RESP_LOADING)
			learn(s, w);
		return NULL;
	}
	to = wire_to(s, &redirect.to);
	if (to == NULL || redirect.ask)
		return to;
	/* Who it is moved to knows best; others may have moved, too. */
	if (learn(s, to) == 0 &&
	    slotmap_move(&s->map, redirect.slot, &redirect.to) >=
	    s->map.n_nodes)
		publish_servers_fail(s, "out of memory");
	return NULL;
}

struct publish_wire *
publish_servers_call(struct publish_servers *s, unsigned int slot,
    const struct buf *request, struct publish_reply *reply)
{
	int64_t until = clock_ms() + s->patience_ms;
	struct publish_wire *w, *there = NULL;

	for (int tries = 0;; tries++) {
		w = there != NULL ? there : publish_servers_slot(s, slot);
		if (w == NULL || (there != NULL ? ask_there(s, w, request,
		    reply) : publish_servers_converse(s, w, request, reply)) != 0)
			return NULL;
		if (!publish_servers_elsewhere(&reply->head))
			return w;
		if (clock_ms() > until || *s->stop) {
			publish_servers_refused(s, w, &reply->head);
			return NULL;
		}
		/* In a circle, perhaps. */
		if (tries > 2)
			pause_ms(PAUSE_MS);
		there = follow(s, w, &reply->head);
		if (s->why[0] != '\0')
			return NULL;
	}
}

/* Whether the master at a connection has a replica that is known. */
static bool
has_replica(const struct publish_servers *s, const struct publish_wire *w)
{
	uint16_t node;

	if (!s->conf->cluster)
		return s->conf->n_servers > 1;
	node = slotmap_find(&s->map, &w->address);
	for (size_t i = 0; node != SLOTMAP_NONE && i < SLOTMAP_SLOTS; i++)
		if (s->map.masters[i] == node &&
		    s->map.replicas[i] != SLOTMAP_NONE)
			return true;
	return false;
}

/* Ask one master until a replica of it has all, or for too long. */
static int
settle_one(struct publish_servers *s, struct publish_wire *w,
    const struct buf *request, int (*tick_cb)(void *), void *arg)
{
	struct publish_reply reply = { 0 };

	for (int tries = 0; tries < SETTLE_TRIES; tries++) {
		if (publish_servers_converse(s, w, request, &reply) != 0)
			return -1;
		if (reply.head.type == RESP_ERROR)
			return publish_servers_refused(s, w, &reply.head);
		if (reply.head.type == RESP_INTEGER && reply.head.number > 0)
			return 0;
		if (tick_cb(arg) != 0)
			return -1;
	}
	return publish_servers_fail(s, "no replica of %s has taken what was "
	    "written, for %d s; its INFO replication tells which it has",
	    w->name, SETTLE_TRIES);
}

int
publish_servers_settle(struct publish_servers *s, int (*tick_cb)(void *),
    void *arg)
{
	struct buf request = { 0 };
	int error = resp_words(&request, "WAIT 1 1000");

	if (error != 0)
		publish_servers_fail(s, "out of memory");
	for (size_t i = 0; error == 0 && i < s->n_wires; i++)
		if (has_replica(s, s->wires[i]))
			error = settle_one(s, s->wires[i], &request, tick_cb,
			    arg);
	buf_clear(&request);
	return error;
}
