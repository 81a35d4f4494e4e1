/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_CONNS_H
#define HTTP_CONNS_H

/*
 * How many connections evhttp has, and for how long: it counts them against
 * nothing, and starts its timeouts again with each byte.  One of these is
 * for all of a process's, since their number is what is limited.
 */

#include <stdint.h>

struct bufferevent;
struct event_base;
struct evhttp;
struct http_conns;

/* At a time; the one that has not asked for longest makes room for another. */
#define HTTP_CONNS_MAX	64

/*
 * patience  how long a connection has for a whole request, in ms, from its
 *           beginning or the last one on; asked again each second
 *
 * Returns NULL when out of memory; else it is owned by the caller.
 */
struct http_conns *http_conns_new(struct event_base *,
    int64_t (*patience)(void *arg), void *arg);

/*
 * Only behind evhttp_free() of all that it was given to.  NULL is allowed.
 */
void http_conns_free(struct http_conns *);

/*
 * Have the connections of a server counted, and closed when their time is up.
 */
void http_conns_use(struct http_conns *, struct evhttp *);

/*
 * A whole request has come: from now on its connection has all of the time
 * again, to take the reply and ask once more.
 *
 * bev  that of its connection
 */
void http_conns_asked(struct http_conns *, struct bufferevent *bev);

#endif
