/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes between the socket, the worker's two buffers and the library.
 *
 * The library's state cannot be used any more once it has failed; then what
 * the peer is still told is in the worker's buffer already.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <sys/socket.h>

#include <errno.h>

#include <openssl/err.h>

#include "common/log.h"
#include "daemon/dial/dial_pem.h"
#include "daemon/record/stats.h"

/* Bytes of a record, and what else the library may have of one. */
#define RECORD_MAX	((size_t)16 << 10)
#define RECORD_SPARE	((size_t)512)

/*
 * What was inside of the library, a record at most, comes out with what is
 * read now.
 */
ssize_t
tls_flow_fill(struct tls_conn *c, size_t len)
{
	struct tls_worker *w = c->worker;
	ssize_t n;

	len -= RECORD_MAX + RECORD_SPARE;
	if (len > TLS_IN_SIZE)
		len = TLS_IN_SIZE;
	n = recv(c->link->fd, w->in, len, 0);
	w->in_at = 0;
	w->in_len = n > 0 ? (size_t)n : 0;
	w->out.len = 0;
	stats_add(w->stats, STATS_BYTES_IN, w->in_len);
	return n;
}

/* Send some bytes, and leave to the link what the peer does not take. */
static int
send_now(struct link *l, const char *p, size_t len, bool last)
{
	ssize_t n = 0;

	if (len == 0)
		return 0;
	if (link_unsent(l) == 0) {
		n = send(l->fd, p, len, MSG_NOSIGNAL | (last ? MSG_MORE : 0));
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n == -1)
			n = 0;
		l->given += (size_t)n;
		l->held_back = last;
	}
	return (size_t)n == len ? 0 : link_queue_made(l, p + n,
	    len - (size_t)n);
}

struct buf *
tls_flow_made(struct tls_conn *c)
{
	struct buf *out = &c->worker->out;

	if (c->head.len == 0)
		return out;
	return out->len == 0 || buf_add(&c->head, out->data, out->len) == 0 ?
	    &c->head : NULL;
}

int
tls_flow_send(struct tls_conn *c, bool last)
{
	struct buf *out = &c->worker->out;
	const struct buf *made = tls_flow_made(c);
	int error = made == NULL ? -1 : send_now(c->link, made->data,
	    made->len, last), saved = errno;

	buf_clear(&c->head);
	buf_reset(out, TLS_OUT_KEEP);
	errno = saved;
	return error;
}

/* The peer broke the rules, and was told so by the library, or will be now. */
static ssize_t
broken(struct tls_conn *c)
{
	log_debug("connection is not as TLS has it why=%s", dial_pem_why());
	if (tls_flow_send(c, false) != 0)
		return -1;
	c->state = TLS_SHUT;
	c->link->has_end = false;
	errno = EPROTO;
	return -1;
}

/*
 * One record, or what there is of it.
 *
 * got  set to its bytes; 0: it had none
 *
 * Returns 0; or -1 if there is no more, or never will be: ended and broken
 * tell.
 */
static int
decipher_record(struct tls_conn *c, char *p, size_t len, size_t *got,
    bool *is_broken)
{
	const struct tls_worker *w = c->worker;
	int error, ok;

	*got = 0;
	ok = SSL_read_ex(c->ssl, p, len, got);
	if (ok == 1) {
		c->asides = 0;
		return w->in_at < w->in_len ? 0 : -1;
	}
	error = SSL_get_error(c->ssl, ok);
	if (error == SSL_ERROR_ZERO_RETURN)
		c->ended = true;
	else if (error != SSL_ERROR_WANT_READ)
		*is_broken = true;
	else if (c->asides <= TLS_ASIDES_MAX)
		return w->in_at < w->in_len ? 0 : -1;
	else {
		SSL_shutdown(c->ssl);
		*is_broken = true;
	}
	return -1;
}

ssize_t
tls_flow_decipher(struct tls_conn *c, char *p, size_t len)
{
	struct tls_worker *w = c->worker;
	size_t all = 0, got;
	bool is_broken = false;
	int more;

	do {
		more = decipher_record(c, p + all, len - all, &got,
		    &is_broken);
		all += got;
	} while (more == 0);
	/* The session counts them once more. */
	stats_add(w->stats, STATS_BYTES_IN, -(uint64_t)all);
	c->link->inside = got == 0 && SSL_has_pending(c->ssl) ? RECORD_MAX : 0;
	if (is_broken)
		return broken(c);
	if (w->out.len > 0 && tls_flow_send(c, false) != 0)
		return -1;
	c->link->ahead = c->ended;
	if (all > 0 || c->ended)
		return (ssize_t)all;
	errno = EAGAIN;
	return -1;
}

int
tls_flow_encipher(const struct tls_conn *c, const char *p, size_t len)
{
	size_t n;

	if (SSL_write_ex(c->ssl, p, len, &n) == 1)
		return 0;
	ERR_clear_error();
	errno = EPIPE;
	return -1;
}

#endif
