/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A connection until its handshake is done.
 *
 * At first there is nothing of the library, whose state takes forty times the
 * memory of all else: the bytes stay in the kernel, which is told how many of
 * them it should wait for, and are looked at there.  When the client's first
 * message is whole, it makes one step if nobody else has in this wake-up; else
 * the connection waits for its turn, and reads nothing meanwhile.
 *
 * A kernel that is short of memory wakes up for less than it was told, and would
 * do so again and again: then the library gets what is there.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "common/log.h"
#include "daemon/dial/dial_pem.h"
#include "daemon/record/stats.h"
#include "daemon/tls/tls_hello.h"

int
tls_shake_open(struct link *l, size_t door)
{
	struct tls_worker *w = l->owner->transport;
	struct tls_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -1;
	c->link = l;
	c->worker = w;
	c->door = door;
	l->transport = c;
	l->opening = true;
	TAILQ_INSERT_TAIL(&w->opening, c, entry);
	w->tls->opening++;
	tls_worker_relieve(w);
	return 0;
}

void
tls_shake_leave(struct tls_conn *c, enum tls_state state)
{
	struct tls_worker *w = c->worker;

	if (c->state != TLS_OPENING)
		return;
	stats_add(w->stats, state == TLS_OPEN ? STATS_TLS_OPENED :
	    STATS_TLS_FAILED, 1);
	c->state = state;
	c->opened = state == TLS_OPEN;
	c->link->opening = false;
	TAILQ_REMOVE(&w->opening, c, entry);
	w->tls->opening--;
	if (c->waits)
		TAILQ_REMOVE(&w->turns, c, turn_entry);
	c->waits = false;
	tls_set_unref(c->set);
	c->set = NULL;
}

/* Wake up when there are so many bytes. */
static void
wait_for(struct tls_conn *c, size_t len)
{
	int n = (int)len;

	if (len == 1 && c->low == 0)
		return;
	setsockopt(c->link->fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
	c->low = len > 1 ? len : 0;
}

/*
 * Whether the peer sends no more; then what came is taken, since to close with
 * it would be a reset.
 */
static bool
is_over(const struct tls_conn *c)
{
	struct pollfd p = { .fd = c->link->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 && recv(c->link->fd, c->worker->in,
	    TLS_IN_SIZE, MSG_DONTWAIT) >= 0;
}

/* In the protocol's words, to who has none of the library's state. */
static void
tell_too_long(const struct tls_conn *c)
{
	/* An alert of TLS 1.0 to 1.3: fatal, illegal_parameter. */
	static const char alert[] = { 21, 3, 1, 0, 2, 2, 47 };

	send(c->link->fd, alert, sizeof(alert), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Whether there is something to be done in a turn; else as a read returns. */
static ssize_t
look(struct tls_conn *c, bool *due)
{
	struct tls_worker *w = c->worker;
	ssize_t n = recv(c->link->fd, w->in, TLS_IN_SIZE, MSG_PEEK);
	size_t need;

	if (n <= 0)
		return n;
	switch (tls_hello_look((const unsigned char *)w->in, (size_t)n,
	    &need)) {
	case TLS_HELLO_MORE:
		/* Its end wakes us up, however much is waited for. */
		if (is_over(c))
			return 0;
		*due = (size_t)n < c->low;
		wait_for(c, *due ? 1 : need);
		break;
	case TLS_HELLO_WHOLE:
		wait_for(c, 1);
		*due = true;
		break;
	case TLS_HELLO_PLAIN:
		wait_for(c, 1);
		tls_shake_leave(c, TLS_PLAIN);
		errno = EPROTOTYPE;
		return -1;
	case TLS_HELLO_LONG:
		wait_for(c, 1);
		tell_too_long(c);
		tls_shake_leave(c, TLS_SHUT);
		errno = EPROTO;
		return -1;
	}
	errno = EAGAIN;
	return -1;
}

/* Messages of the protocol's own, which cost without asking for anything. */
static void
message_cb(int writes, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_conn *c = arg;

	(void)version;
	(void)buf;
	(void)len;
	(void)ssl;
	if (!writes && type == SSL3_RT_HANDSHAKE && c->state == TLS_OPEN &&
	    c->asides <= TLS_ASIDES_MAX)
		c->asides++;
}

static int
begin(struct tls_conn *c)
{
	struct tls_worker *w = c->worker;
	SSL_CTX *ctx;

	tls_look(w->tls);
	c->set = tls_set_now(w->tls);
	ctx = c->set != NULL ? tls_set_ctx(c->set, c->door) : NULL;
	if (ctx == NULL || (c->ssl = SSL_new(ctx)) == NULL) {
		ERR_clear_error();
		errno = ENOMEM;
		return -1;
	}
	BIO_up_ref(w->bio);
	SSL_set0_rbio(c->ssl, w->bio);
	BIO_up_ref(w->bio);
	SSL_set0_wbio(c->ssl, w->bio);
	SSL_set_msg_callback(c->ssl, message_cb);
	SSL_set_msg_callback_arg(c->ssl, c);
	SSL_set_accept_state(c->ssl);
	return 0;
}

/* What a key holds; the library keeps the rest of it. */
static void
empty_key(EVP_PKEY *key)
{
	/* Of another kind it cannot be what it was. */
	EVP_PKEY_set_type(key, EVP_PKEY_X25519);
	EVP_PKEY_free(key);
}

/*
 * The two sides' keys, which made the connection's, are kept by the library
 * until it ends, though there is no renegotiation: one of ML-KEM takes 6 KB of
 * an idle connection.
 */
static void
forget_keys(SSL *ssl)
{
	EVP_PKEY *key;

	if (SSL_get_peer_tmp_key(ssl, &key) == 1)
		empty_key(key);
	if (SSL_get_tmp_key(ssl, &key) == 1)
		empty_key(key);
}

/*
 * A ticket, which nobody waits for, goes with the first reply.  The worker's
 * buffer stays where it is: it may be a thousand times as large.
 */
static int
keep_head(struct tls_conn *c)
{
	struct buf *out = &c->worker->out;

	if (buf_add(&c->head, out->data, out->len) != 0)
		return -1;
	buf_trim(&c->head);
	out->len = 0;
	return 0;
}

/* The handshake is done; the first bytes may have come with its end. */
static ssize_t
opened(struct tls_conn *c, char *p, size_t len)
{
	struct tls_worker *w = c->worker;
	ssize_t n;
	int error;

	tls_shake_leave(c, TLS_OPEN);
	c->link->has_end = true;
	forget_keys(c->ssl);
	/* What it noted in passing would be taken for another's failure. */
	ERR_clear_error();
	if (tls_names_read(c->ssl, &c->names) != 0) {
		errno = ENOMEM;
		return -1;
	}
	if (SSL_session_reused(c->ssl))
		stats_add(w->stats, STATS_TLS_RESUMED, 1);
	if (w->in_at == w->in_len || SSL_version(c->ssl) < TLS1_3_VERSION) {
		if (tls_flow_send(c, false) != 0)
			return -1;
	} else if (keep_head(c) != 0) {
		errno = ENOMEM;
		return -1;
	}
	if (w->in_at == w->in_len) {
		errno = EAGAIN;
		return -1;
	}
	n = tls_flow_decipher(c, p, len);
	if (n > 0 || c->head.len == 0)
		return n;
	error = errno;
	if (tls_flow_send(c, false) != 0)
		return -1;
	errno = error;
	return n;
}

/* The library has said why to the peer. */
static ssize_t
failed(struct tls_conn *c)
{
	log_debug("handshake failed why=%s", dial_pem_why());
	if (tls_flow_send(c, false) != 0)
		return -1;
	tls_shake_leave(c, TLS_SHUT);
	errno = EPROTO;
	return -1;
}

static ssize_t
step(struct tls_conn *c, char *p, size_t len)
{
	ssize_t n;
	int done;

	if (c->ssl == NULL && begin(c) != 0)
		return -1;
	/* Or nothing would wake it up any more. */
	if (link_set_reading(c->link, true) != 0) {
		errno = ENOMEM;
		return -1;
	}
	n = tls_flow_fill(c, len);
	if (n <= 0)
		return n;
	done = SSL_do_handshake(c->ssl);
	if (done == 1)
		return opened(c, p, len);
	if (SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ)
		return failed(c);
	if (tls_flow_send(c, false) != 0)
		return -1;
	errno = EAGAIN;
	return -1;
}

ssize_t
tls_shake_read(struct tls_conn *c, char *p, size_t len)
{
	bool due = c->ssl != NULL;
	ssize_t n;

	if (c->worker->turn == c)
		return step(c, p, len);
	if (!c->waits) {
		if (!due && ((n = look(c, &due)) >= 0 || !due))
			return n;
		if (tls_worker_may_step(c->worker))
			return step(c, p, len);
		tls_worker_turn(c->worker, c);
	}
	link_set_reading(c->link, false);
	errno = EAGAIN;
	return -1;
}

#endif
