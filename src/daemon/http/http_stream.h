/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

/*
 * What service=http serves, to people and their tools:
 *
 *	/		a page that shows the numbers as they move
 *	/stats.json	the reply of "appmsgctl --json stats", and the tables
 *	/history.json	the last hour, in steps
 *	/metrics	the same for Prometheus, as OpenMetrics, or as it was
 *			written before that to who would rather have it so
 *	/healthz	whether answers are served
 *
 * It only reads.  Bytes in, replies out, as stream.h has it for messages: it
 * knows no sockets, and keeps no bytes and nothing else from call to call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "daemon/base/buf.h"
#include "daemon/http/http_host.h"

/* Where the numbers come from; texts are appended: 0, or -1 for no memory. */
struct http_numbers {
	int (*stats)(struct buf *, bool keys, void *arg);
	int (*history)(struct buf *, void *arg);
	int (*metrics)(struct buf *, bool classic, void *arg);
	bool (*healthy)(void *arg);
	void *arg;
};

enum http_verdict {
	HTTP_MORE,		/* more bytes are needed to go on */
	HTTP_AGAIN,		/* the turn is over, requests may be left */
	HTTP_CLOSE,		/* the last reply was given */
	HTTP_FAILED		/* out of memory */
};

/* A turn; all in it is borrowed for the call. */
struct http_turn {
	const struct http_numbers *source;
	bool local;		/* by a unix socket, whose peers may name any
				   host; at an address only requests for an
				   address or one of hosts are answered, so
				   that no web page can have a browser ask
				   under another name */
	struct http_hosts hosts;
	bool keys;		/* may be shown */
	bool draining;		/* close after what is there is answered */
	time_t now;
	int64_t requests_max;	/* that are answered in it */
	size_t out_max;		/* bytes of out, with which it ends */
	int64_t ns_max;		/* for about so long; 0: as long as it takes */
	struct buf *body;	/* of a reply in the making; else empty */
	struct buf *out;	/* gets the replies */
};

/*
 * Answer the whole requests at the front of some bytes.
 *
 * buf, len  all bytes not used up yet
 * used      set to how many of them are done with
 *
 * Returns the verdict; after HTTP_CLOSE and HTTP_FAILED there is no next call.
 */
enum http_verdict http_stream_feed(const struct http_turn *, const char *buf,
    size_t len, size_t *used);

/*
 * Append a reply that closes to what stands at the front of some bytes, whole
 * or not, or to nothing.
 *
 * status  any that http_reply.c knows
 *
 * Returns HTTP_CLOSE or HTTP_FAILED.
 */
enum http_verdict http_stream_refuse(const struct http_turn *, int status,
    const char *buf, size_t len);

#endif
