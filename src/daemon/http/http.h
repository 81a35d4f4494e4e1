/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_H
#define HTTP_H

/*
 * Who serves service=http: a host of sessions like a worker, but on the
 * server's own thread, so that no worker ever waits for a page; what is
 * served http_stream.h says.  Its connections are counted apart: however many
 * peers there are, the numbers can be looked at.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/report/report.h"

struct conf;
struct conf_listen;
struct event_base;
struct http;

/*
 * Connections at a time, fewer where descriptors are.  One more ends another,
 * of the address that has most the one that has not been served for longest:
 * who has few is not pushed out by who has many.
 */
#define HTTP_CONNECTIONS_MAX	64

/*
 * Prepare to serve.
 *
 * report  makes the numbers of now, which are borrowed until control returns
 *         to the loop; called with arg, every second; count: somebody looks,
 *         so that what takes long to count shall be there some time later
 * held    counts the bytes that are held for peers; borrowed until
 *         http_free()
 *
 * Returns it, owned by the caller, http_free(); or NULL when out of memory.
 * http_use() is due before anything is served.
 */
struct http *http_new(struct event_base *,
    struct report (*report)(const void *arg, bool count), const void *arg,
    atomic_llong *held);

/*
 * Use these limits and timeouts, for connections that are there too, and the
 * allow= and deny= of listeners, for those that come.
 *
 * conf  borrowed until the next call
 */
void http_use(struct http *, const struct conf *);

/*
 * Serve what comes in at a listening socket.
 *
 * fd      borrowed until http_drain() or http_free()
 * listen  its line; borrowed until http_free()
 *
 * Returns 0, or -1 when out of memory.
 */
int http_listen(struct http *, int fd, const struct conf_listen *listen);

/*
 * Accept what waits and nothing more, and end all connections once they owe
 * no reply; a moment later for those that did not ask yet, since a request may
 * be on its way.
 *
 * drained_cb  called when there are none any more, perhaps at once
 */
void http_drain(struct http *, void (*drained_cb)(void *arg), void *arg);

/*
 * How many connections there are.
 */
int64_t http_connections(const struct http *);

/*
 * Close all connections.  NULL is allowed.
 */
void http_free(struct http *);

#endif
