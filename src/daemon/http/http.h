/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_H
#define HTTP_H

/*
 * What service=http serves, to people and their tools:
 *
 *	/		a page that shows the numbers as they move
 *	/stats.json	the reply of "appmsgctl --json stats"
 *	/metrics	the same for Prometheus, as OpenMetrics
 *	/healthz	whether answers are served
 *
 * It only reads.  Requests are taken by libevent's evhttp in the server's own
 * thread, so that no worker ever waits for them.  Its connections are bounded
 * by http_conns.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/buf.h"

struct event_base;
struct http;

/* Where the numbers come from. */
struct http_source {
	/* append the text; 0, or -1 for no memory */
	int (*stats)(struct buf *, void *arg);
	int (*metrics)(struct buf *, void *arg);
	bool (*healthy)(void *arg);
	/* ms that a connection has for a request, and for the next one */
	int64_t (*patience)(void *arg);
	void *arg;
};

/*
 * Prepare to serve.
 *
 * source  copied
 *
 * Returns it, owned by the caller, http_free(); or NULL when out of memory.
 */
struct http *http_new(struct event_base *, const struct http_source *source);

/*
 * Serve what comes in at a listening socket.
 *
 * fd     borrowed until http_free()
 * local  it is a unix socket, whose peers may name any host; at an address
 *        only requests for an address or for localhost are answered, so that
 *        no web page can have a browser ask under another name
 *
 * Returns 0, or -1 when out of memory.
 */
int http_listen(struct http *, int fd, bool local);

/*
 * Close all connections, and forget the sockets.  NULL is allowed.
 */
void http_free(struct http *);

#endif
