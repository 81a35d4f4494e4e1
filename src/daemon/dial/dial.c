/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "daemon/dial/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/dial/dial_tls.h"

/* What is read at once of what is enciphered: it comes out with what was
 * inside of the library before. */
#define CIPHER_SIZE	(DIAL_READ_SIZE - DIAL_TLS_SPARE)

static const char lost[] = "the connection is lost";
static const char no_memory[] = "there is no memory for its connection";
static const char not_connected[] = "it cannot be connected to";

void
dial_close(struct dial *d)
{
	if (d->readable != NULL)
		event_free(d->readable);
	if (d->bev != NULL)
		bufferevent_free(d->bev);
	dial_tls_free(d->tls);
	*d = (struct dial){ .fd = -1 };
}

int
dial_room_make(struct dial_room *room)
{
	if (room->in == NULL)
		room->in = malloc(CIPHER_SIZE);
	return room->in != NULL ? 0 : -1;
}

void
dial_room_clear(struct dial_room *room)
{
	free(room->in);
	room->in = NULL;
	buf_clear(&room->out);
}

/* Send bytes as they are; what is not taken now is the bufferevent's. */
static const char *
send_all(struct dial *d, const char *p, size_t len)
{
	struct evbuffer *left = bufferevent_get_output(d->bev);
	ssize_t sent = 0;

	if (len == 0)
		return NULL;
	if (evbuffer_get_length(left) == 0) {
		sent = send(d->fd, p, len, MSG_NOSIGNAL);
		if (sent == -1) {
			if (errno != EAGAIN && errno != EINTR)
				return lost;
			sent = 0;
		}
	}
	if ((size_t)sent < len && (evbuffer_add(left, p + sent,
	    len - (size_t)sent) != 0 ||
	    bufferevent_enable(d->bev, EV_WRITE) != 0))
		return "there is no memory for what is sent";
	return NULL;
}

/* Send what the library has made. */
static const char *
send_made(struct dial *d)
{
	struct buf *out = &d->how.room->out;
	const char *why = send_all(d, out->data, out->len);

	buf_reset(out, DIAL_READ_SIZE);
	return why;
}

static void
opened(struct dial *d)
{
	d->greets = false;
	d->open = true;
	d->how.ops->open_cb(d->how.arg);
}

/* Receive what is enciphered into the thread's buffer. */
static ssize_t
receive(const struct dial *d)
{
	return recv(d->fd, d->how.room->in, CIPHER_SIZE, 0);
}

/*
 * Go on with the handshake.
 *
 * Returns NULL; or why it is no good.
 */
static const char *
greet(struct dial *d)
{
	struct dial_room *room = d->how.room;
	ssize_t n = receive(d);
	enum dial_tls_state state;
	const char *why;

	if (n == 0)
		return "it ends the connection in the handshake";
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? NULL : lost;
	state = dial_tls_shake(d->tls, room->in, (size_t)n, &room->out);
	why = send_made(d);
	if (state == DIAL_TLS_BROKEN)
		return dial_tls_why(d->tls);
	if (why == NULL && state == DIAL_TLS_OPEN)
		opened(d);
	return why;
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	const char *why;

	(void)fd;
	(void)what;
	if (!d->greets)
		d->how.ops->readable_cb(d->how.arg);
	else if ((why = greet(d)) != NULL)
		d->how.ops->failed_cb(why, d->how.arg);
}

/* The socket is connected. */
static const char *
connected(struct dial *d)
{
	const struct dial_how *how = &d->how;

	if (event_add(d->readable, NULL) != 0)
		return no_memory;
	if (!how->tls) {
		opened(d);
		return NULL;
	}
	d->tls = dial_tls_new(how->trust, how->address, &how->room->out);
	if (d->tls == NULL) {
		buf_reset(&how->room->out, DIAL_READ_SIZE);
		return no_memory;
	}
	d->greets = true;
	return send_made(d);
}

static void
event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct dial *d = arg;
	const char *why = lost;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		why = connected(d);
	else if (!d->open && !d->greets)
		why = not_connected;
	if (why != NULL)
		d->how.ops->failed_cb(why, d->how.arg);
}

const char *
dial_open(struct dial *d, const struct dial_how *how)
{
	int one = 1;

	*d = (struct dial){ .fd = -1, .how = *how };
	/* Rather not at all than in the clear. */
	if (how->tls && how->trust == NULL)
		return "there is nobody to trust";
	d->fd = socket(how->address->sa_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (d->fd == -1)
		return errno == EMFILE || errno == ENFILE ?
		    "no descriptor is left for its connection" : no_memory;
	d->bev = bufferevent_socket_new(how->base, d->fd,
	    BEV_OPT_CLOSE_ON_FREE);
	if (d->bev == NULL) {
		close(d->fd);
		d->fd = -1;
		return no_memory;
	}
	/* Without it a request waits for the reply to the one before. */
	(void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* Here: libevent would tell of an error in its call, or of none. */
	if (connect(d->fd, how->address, how->len) != 0 &&
	    errno != EINPROGRESS)
		return not_connected;
	bufferevent_setcb(d->bev, NULL, NULL, event_cb, d);
	d->readable = event_new(how->base, d->fd, EV_READ | EV_PERSIST,
	    readable_cb, d);
	return d->readable != NULL && bufferevent_socket_connect(d->bev, NULL,
	    0) == 0 ? NULL : no_memory;
}

/* As dial_read(), of n bytes that are enciphered. */
static ssize_t
decipher(struct dial *d, size_t n, char *p, const char **why)
{
	struct dial_room *room = d->how.room;
	size_t got;
	enum dial_tls_state state = dial_tls_decipher(d->tls, room->in, n, p,
	    &got, &room->out);

	*why = send_made(d);
	if (state == DIAL_TLS_BROKEN)
		*why = dial_tls_why(d->tls);
	if (*why != NULL)
		return -1;
	/* What follows its last word is the end of the connection. */
	return got > 0 || state == DIAL_TLS_ENDED ? (ssize_t)got : -1;
}

ssize_t
dial_read(struct dial *d, char *p, const char **why)
{
	ssize_t n = d->tls != NULL ? receive(d) :
	    recv(d->fd, p, DIAL_READ_SIZE, 0);

	*why = NULL;
	if (n > 0)
		return d->tls != NULL ? decipher(d, (size_t)n, p, why) : n;
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		*why = lost;
	return n;
}

const char *
dial_send(struct dial *d, const char *p, size_t len)
{
	if (d->tls == NULL)
		return send_all(d, p, len);
	if (dial_tls_encipher(d->tls, p, len, &d->how.room->out) != 0) {
		/* A part of it is nothing for the next one's connection. */
		buf_reset(&d->how.room->out, DIAL_READ_SIZE);
		return dial_tls_why(d->tls);
	}
	return send_made(d);
}

size_t
dial_unsent(const struct dial *d)
{
	return d->open ? evbuffer_get_length(
	    bufferevent_get_output(d->bev)) : 0;
}

const char *
dial_waits(const struct dial *d)
{
	return d->greets ? "its handshake takes too long" :
	    "it does not answer";
}
