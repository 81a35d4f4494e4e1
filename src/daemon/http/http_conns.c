/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Of a new connection evhttp lets its bufferevent be made, which is the only
 * look at it before there is a request; that it is gone, evhttp tells nobody.
 * So each bufferevent has a reference from here, and one whose callbacks were
 * taken away is gone: its descriptor, which evhttp has shut, is closed with
 * that reference, within a second or when the next one comes.
 *
 * The list is in the order in which the connections began or last asked.
 */

#include "config.h"

#include "daemon/http/http_conns.h"

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/http.h>

#include "common/clock.h"
#include "daemon/base/descriptors.h"

#define TICK_S		1
#define INPUT_MAX	16384	/* bytes; more than a request's headers */

struct http_conn {
	TAILQ_ENTRY(http_conn) entry;
	struct bufferevent *bev;	/* a reference */
	int64_t since;			/* ms, when it began or last asked */
};
TAILQ_HEAD(http_conn_list, http_conn);

struct http_conns {
	int64_t (*patience)(void *);
	void *arg;
	struct event *tick;		/* owned; added while there are any */
	struct event *made;		/* owned; behind evhttp's accepting */
	struct http_conn *fresh;	/* that evhttp is about to set up */
	struct http_conn_list list;
	struct http_conn_list spare;
	struct http_conn all[HTTP_CONNS_MAX];
};

static bool
is_gone(const struct http_conn *c)
{
	bufferevent_event_cb cb;

	bufferevent_getcb(c->bev, NULL, NULL, &cb, NULL);
	return cb == NULL;
}

static void
drop(struct http_conns *conns, struct http_conn *c)
{
	bufferevent_decref(c->bev);
	TAILQ_REMOVE(&conns->list, c, entry);
	TAILQ_INSERT_HEAD(&conns->spare, c, entry);
}

/*
 * Where the socket could not be watched evhttp gives the new connection up,
 * and has closed its descriptor itself: a second time would be somebody
 * else's.
 */
static void
look_at_fresh(struct http_conns *conns)
{
	struct http_conn *c = conns->fresh;

	conns->fresh = NULL;
	if (c != NULL && is_gone(c) &&
	    !event_pending(&c->bev->ev_read, EV_READ, NULL))
		bufferevent_setfd(c->bev, -1);
}

static void
sweep(struct http_conns *conns)
{
	struct http_conn *c, *next;

	look_at_fresh(conns);
	for (c = TAILQ_FIRST(&conns->list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (is_gone(c))
			drop(conns, c);
	}
}

/* As evhttp does it with one that was silent for too long. */
static void
end(struct http_conns *conns, struct http_conn *c)
{
	bufferevent_trigger_event(c->bev, BEV_EVENT_READING |
	    BEV_EVENT_TIMEOUT, 0);
	if (is_gone(c))
		drop(conns, c);
}

static void
made_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sweep(arg);
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_conns *conns = arg;
	struct http_conn *c, *next;
	int64_t began = clock_ms() - conns->patience(conns->arg);

	(void)fd;
	(void)what;
	sweep(conns);
	for (c = TAILQ_FIRST(&conns->list);
	    c != NULL && c->since <= began; c = next) {
		next = TAILQ_NEXT(c, entry);
		end(conns, c);
	}
	if (TAILQ_EMPTY(&conns->list))
		event_del(conns->tick);
}

/*
 * While a reply waits to be taken evhttp goes on reading, whatever comes.  It
 * enables that again for the next request; a watermark would do so by itself,
 * but libevent crashes where it cannot have its callback.
 */
static void
input_cb(struct evbuffer *input, const struct evbuffer_cb_info *info,
    void *bev)
{
	if (info->n_added > 0 && evbuffer_get_length(input) >= INPUT_MAX)
		bufferevent_disable(bev, EV_READ);
}

/* A bufferevent with a bound on its input; NULL when out of memory. */
static struct bufferevent *
bounded(struct event_base *base)
{
	struct bufferevent *bev = bufferevent_socket_new(base, -1,
	    BEV_OPT_CLOSE_ON_FREE);

	if (bev != NULL && evbuffer_add_cb(bufferevent_get_input(bev),
	    input_cb, bev) == NULL) {
		bufferevent_free(bev);
		return NULL;
	}
	return bev;
}

/*
 * evhttp's bufferevent for the next connection.  Without a result it would
 * make one itself, which only happens where there is no memory.
 */
static struct bufferevent *
make_cb(struct event_base *base, void *arg)
{
	static const struct timeval tick = { .tv_sec = TICK_S };
	struct http_conns *conns = arg;
	struct http_conn *c;

	sweep(conns);
	if (TAILQ_EMPTY(&conns->spare))
		end(conns, TAILQ_FIRST(&conns->list));
	if ((c = TAILQ_FIRST(&conns->spare)) == NULL ||
	    (c->bev = bounded(base)) == NULL)
		return NULL;
	bufferevent_incref(c->bev);
	/* Else it would be watched for writing, which may fail, too. */
	bufferevent_disable(c->bev, EV_WRITE);
	c->since = clock_ms();
	TAILQ_REMOVE(&conns->spare, c, entry);
	TAILQ_INSERT_TAIL(&conns->list, c, entry);
	conns->fresh = c;
	event_active(conns->made, 0, 0);
	if (!event_pending(conns->tick, EV_TIMEOUT, NULL))
		event_add(conns->tick, &tick);
	return c->bev;
}

struct http_conns *
http_conns_new(struct event_base *base, int64_t (*patience)(void *),
    void *arg)
{
	struct http_conns *conns = calloc(1, sizeof(*conns));

	if (conns == NULL)
		return NULL;
	conns->patience = patience;
	conns->arg = arg;
	TAILQ_INIT(&conns->list);
	TAILQ_INIT(&conns->spare);
	for (size_t i = 0; i < descriptors_share(HTTP_CONNS_MAX); i++)
		TAILQ_INSERT_TAIL(&conns->spare, &conns->all[i], entry);
	conns->tick = event_new(base, -1, EV_PERSIST, tick_cb, conns);
	conns->made = event_new(base, -1, 0, made_cb, conns);
	if (conns->tick == NULL || conns->made == NULL) {
		http_conns_free(conns);
		return NULL;
	}
	return conns;
}

void
http_conns_free(struct http_conns *conns)
{
	if (conns == NULL)
		return;
	sweep(conns);
	if (conns->tick != NULL)
		event_free(conns->tick);
	if (conns->made != NULL)
		event_free(conns->made);
	free(conns);
}

void
http_conns_use(struct http_conns *conns, struct evhttp *eh)
{
	evhttp_set_bevcb(eh, make_cb, conns);
}

void
http_conns_asked(struct http_conns *conns, struct bufferevent *bev)
{
	struct http_conn *c;

	TAILQ_FOREACH(c, &conns->list, entry)
		if (c->bev == bev)
			break;
	if (c == NULL)
		return;
	c->since = clock_ms();
	TAILQ_REMOVE(&conns->list, c, entry);
	TAILQ_INSERT_TAIL(&conns->list, c, entry);
}
