/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An enciphered connection, as a session sees it.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_worker.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "daemon/record/stats.h"
#include "daemon/tls/tls_private.h"
#include "daemon/who/who_names.h"

/* Bytes that are enciphered before the peer must have taken some. */
#define SEND_AT		((size_t)128 << 10)

/*
 * To encipher them later is to have them in the cache once more, and the
 * library's state of the connection: for a reply or a few that is worth it.
 */
#define KEEP_MAX	2048

/* How often in a call of more: others wait. */
#define MORE_TIMES	4

static ssize_t
tls_read(struct link *l, char *p, size_t len)
{
	struct tls_conn *c = l->transport;
	ssize_t n;

	switch (c->state) {
	case TLS_OPENING:
		return tls_shake_read(c, p, len);
	case TLS_OPEN:
		if (c->ended)
			return 0;
		n = tls_flow_fill(c, len);
		return n <= 0 ? n : tls_flow_decipher(c, p, len);
	case TLS_SHUT:
	case TLS_PLAIN:
		break;
	}
	return recv(l->fd, p, len, 0);
}

/* The protocol's own end. */
static void
end(struct tls_conn *c)
{
	if (SSL_shutdown(c->ssl) < 0)
		ERR_clear_error();
	c->state = TLS_SHUT;
	c->link->has_end = false;
}

static ssize_t
write_open(struct tls_conn *c, const struct link_piece *pieces, size_t n,
    bool last)
{
	struct buf *out = &c->worker->out;
	size_t all = 0, len;

	if (link_unsent(c->link) > 0)
		return 0;
	out->len = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < pieces[i].len; at += len) {
			if (out->len >= SEND_AT &&
			    tls_flow_send(c, false) != 0)
				return -1;
			if (link_unsent(c->link) > 0)
				return (ssize_t)all;
			len = pieces[i].len - at;
			if (len > SEND_AT)
				len = SEND_AT;
			if (tls_flow_encipher(c, pieces[i].p + at, len) != 0)
				return -1;
			all += len;
		}
	if (last)
		end(c);
	return tls_flow_send(c, last) != 0 ? -1 : (ssize_t)all;
}

static ssize_t
tls_write(struct link *l, const struct link_piece *pieces, size_t n,
    bool last)
{
	struct tls_conn *c = l->transport;

	switch (c->state) {
	case TLS_OPEN:
		return write_open(c, pieces, n, last);
	case TLS_PLAIN:
		return link_plain.write(l, pieces, n, last);
	case TLS_OPENING:
	case TLS_SHUT:
		break;
	}
	errno = EPIPE;
	return -1;
}

/* What is left of a plain one is plain, too. */
static int
take_late(struct tls_conn *c)
{
	struct link *l = c->link;
	size_t len = SEND_AT;
	const char *p = link_late_first(l, &len);
	int error = c->state == TLS_PLAIN ? buf_add(&c->worker->out, p, len) :
	    c->state == TLS_OPEN ? tls_flow_encipher(c, p, len) : -1;

	if (error == 0)
		link_late_took(l, len);
	return error;
}

static int
tls_more(struct link *l)
{
	struct tls_conn *c = l->transport;
	struct buf *out = &c->worker->out;
	int times = 0;

	out->len = 0;
	while (link_late(l) > 0 && link_unsent(l) == link_late(l)) {
		if (take_late(c) != 0)
			return -1;
		if (out->len < SEND_AT && link_late(l) > 0)
			continue;
		/* That waits until it is called again, as it must be. */
		if (++times == MORE_TIMES && link_queue_made(l, out->data,
		    out->len) == 0)
			out->len = 0;
		if (tls_flow_send(c, false) != 0)
			return -1;
	}
	return 0;
}

static void
tls_refuse(struct link *l, bool denied)
{
	/* An alert of TLS 1.0 to 1.3: fatal, access_denied or internal_error. */
	const char alert[] = { 21, 3, 1, 0, 2, 2, denied ? 49 : 80 };

	send(l->fd, alert, sizeof(alert), MSG_NOSIGNAL | MSG_DONTWAIT);
	tls_shake_leave(l->transport, TLS_SHUT);
}

/* There may be bytes of which the socket knows nothing. */
static bool
tls_is_readable(const struct link *l)
{
	return l->ahead || link_plain.is_readable(l);
}

static bool
tls_is_gone(const struct link *l)
{
	return link_plain.is_gone(l);
}

static const struct who_names *
tls_names(const struct link *l)
{
	const struct tls_conn *c = l->transport;

	return c->names;
}

static void
tls_shut(struct link *l)
{
	struct tls_conn *c = l->transport;

	tls_shake_leave(c, TLS_SHUT);
	if (c->state == TLS_OPEN) {
		c->worker->out.len = 0;
		end(c);
		if (tls_flow_send(c, true) != 0)
			link_plain.shut(l);
	}
	if (link_unsent(l) == 0)
		link_plain.shut(l);
}

/* The bufferevent is gone: what is not sent now never is. */
static void
send_end(struct tls_conn *c)
{
	const struct buf *made;

	c->worker->out.len = 0;
	end(c);
	made = tls_flow_made(c);
	if (made != NULL && made->len > 0)
		send(c->link->fd, made->data, made->len, MSG_NOSIGNAL |
		    MSG_DONTWAIT | MSG_MORE);
}

static void
tls_close(struct link *l)
{
	struct tls_conn *c = l->transport;

	if (c->opened)
		stats_add(c->worker->stats, STATS_TLS_CLOSED, 1);
	if (c->state == TLS_OPEN && !l->unsent)
		send_end(c);
	tls_shake_leave(c, TLS_SHUT);
	/* Its session is good, whatever the library thinks of such an end. */
	if (c->ssl != NULL)
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	who_names_free(c->names);
	buf_clear(&c->head);
	free(c);
	link_plain.close(l);
}

const struct link_ops *
tls_link(void)
{
	static const struct link_ops ops = {
		.open = tls_shake_open,
		.read = tls_read,
		.write = tls_write,
		.more = tls_more,
		.refuse = tls_refuse,
		.is_readable = tls_is_readable,
		.is_gone = tls_is_gone,
		.shut = tls_shut,
		.close = tls_close,
		.names = tls_names,
		.keep_max = KEEP_MAX
	};

	return &ops;
}

#endif
