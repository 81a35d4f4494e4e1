/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIAL_H
#define DIAL_H

/*
 * A connection that we open to a server of others, plain or by TLS.
 *
 * As a session's link does it: what comes is read straight into the caller's
 * buffer, what he sends leaves in one send(2), and the bufferevent, which owns
 * the socket, connects it and has what that did not take.  That is worth a
 * quarter of the processor's time of a lookup.
 *
 * Nothing waits, and nothing is sent before it is open: for TLS that is when
 * the server has proven who it is.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buf.h"

struct bufferevent;
struct dial_tls;
struct dial_trust;
struct event;
struct event_base;

/* Of a thread, for all its connections that are enciphered. */
struct dial_room {
	char *in;		/* owned; NULL: none was made */
	struct buf out;
};

/* What its owner is called for, with arg; only later, never in a call. */
struct dial_ops {
	/* It is open: he may send. */
	void (*open_cb)(void *arg);
	/* There is something for dial_read(). */
	void (*readable_cb)(void *arg);
	/* It is lost, or never came to be: static words, or borrowed until it
	 * is closed, which is due. */
	void (*failed_cb)(const char *why, void *arg);
};

/* How to connect. */
struct dial_how {
	struct event_base *base;	/* borrowed, as the others */
	const struct sockaddr *address;
	socklen_t len;
	bool tls;
	const struct dial_trust *trust;	/* NULL with tls: to nobody */
	struct dial_room *room;		/* made, with tls */
	const struct dial_ops *ops;
	void *arg;
};

struct dial {
	bool open;
	/* Private: */
	bool greets;			/* it is in the handshake */
	int fd;				/* borrowed from bev; -1: none */
	struct bufferevent *bev;	/* owned, as the others */
	struct event *readable;
	struct dial_tls *tls;		/* NULL: plain, or not connected yet */
	struct dial_how how;
};

/*
 * Begin to connect.
 *
 * d  dial_close(), whatever is returned
 *
 * Returns NULL; or why it cannot, in static words.
 */
const char *dial_open(struct dial *d, const struct dial_how *how);

/*
 * Close it, and forget what was not sent.  May be called twice, and on zeroed
 * memory.
 */
void dial_close(struct dial *);

/* What dial_read() has room for at least. */
#define DIAL_READ_SIZE	((size_t)64 << 10)

/*
 * Read, as recv(2) does.
 *
 * p    has room for DIAL_READ_SIZE bytes, of which it may take fewer
 * why  set with -1: as failed_cb has it; NULL: there is nothing now
 */
ssize_t dial_read(struct dial *, char *p, const char **why);

/*
 * Send some bytes; it is open.
 *
 * Returns NULL; or why not, as failed_cb has it.
 */
const char *dial_send(struct dial *, const char *p, size_t len);

/*
 * How many bytes the server has not taken yet.
 */
size_t dial_unsent(const struct dial *);

/*
 * What a connection that is not open waits for: static words.
 */
const char *dial_waits(const struct dial *);

/*
 * Make what a thread's enciphered connections have together, if it is not
 * there.  Begins with zeroed memory.
 *
 * Returns 0, or -1 when out of memory.
 */
int dial_room_make(struct dial_room *);

/*
 * Free what a thread's connections had together, after all of them.  May be
 * called on zeroed memory.
 */
void dial_room_clear(struct dial_room *);

#endif
