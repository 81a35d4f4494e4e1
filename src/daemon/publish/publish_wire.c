/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "daemon/publish/publish_wire.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/dial/dial_tls.h"

#define READ_MIN	((size_t)64 << 10)	/* room for each recv(2) */
#define KEEP_MAX	((size_t)1 << 20)	/* of a buffer that is empty */
#define ENCIPHER_MAX	((size_t)64 << 10)	/* at once */

struct publish_wire *
publish_wire_new(const struct slotmap_address *address)
{
	struct publish_wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->address = *address;
	w->fd = -1;
	address_text((const struct sockaddr *)&w->address.ss,
	    w->address.len, w->name, sizeof(w->name));
	return w;
}

void
publish_wire_free(struct publish_wire *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		close(w->fd);
	dial_tls_free(w->tls);
	free(w->cipher);
	buf_clear(&w->made);
	buf_clear(&w->out);
	buf_clear(&w->in);
	free(w);
}

/* Wait for something at a descriptor.  Returns 0, or -1 with errno. */
static int
wait_for(struct pollfd *pfd, int64_t until, const atomic_bool *stop)
{
	int n;

	while (!*stop && clock_ms() < until) {
		n = poll(pfd, 1, PUBLISH_WIRE_LOOK_MS);
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
	}
	errno = *stop ? ECANCELED : ETIMEDOUT;
	return -1;
}

static int
connected(struct publish_wire *w, int64_t timeout_ms, const atomic_bool *stop)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0, one = 1;

	if (connect(w->fd, (const struct sockaddr *)&w->address.ss,
	    w->address.len) != 0) {
		if (errno != EINPROGRESS || wait_for(&pfd, clock_ms() +
		    timeout_ms, stop) != 0)
			return -1;
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) != 0)
			return -1;
	}
	if (error != 0) {
		errno = error;
		return -1;
	}
	/* Each request is sent as a whole, and its reply waited for. */
	return setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int
publish_wire_open(struct publish_wire *w, int64_t timeout_ms,
    const atomic_bool *stop)
{
	int saved;

	w->fd = socket(w->address.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (w->fd == -1)
		return -1;
	w->moved = clock_ms();
	if (connected(w, timeout_ms, stop) == 0)
		return 0;
	saved = errno;
	close(w->fd);
	w->fd = -1;
	errno = saved;
	return -1;
}

struct pollfd
publish_wire_poll(const struct publish_wire *w, bool owed)
{
	struct pollfd pfd = { .fd = w->fd };

	if (publish_wire_unsent(w) > 0)
		pfd.events |= POLLOUT;
	if (owed)
		pfd.events |= POLLIN;
	if (pfd.events == 0)
		pfd.fd = -1;
	return pfd;
}

/* Returns how many bytes went, 0 where none can now; or -1. */
static ssize_t
send_bytes(struct publish_wire *w, const char *p, size_t len)
{
	ssize_t n = send(w->fd, p, len, MSG_NOSIGNAL);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	w->moved = clock_ms();
	return n;
}

/* Have something made of the requests, if all that was is sent. */
static int
encipher(struct publish_wire *w)
{
	size_t len = w->out.len - w->sent;

	if (w->made_sent < w->made.len)
		return 0;
	w->made.len = w->made_sent = 0;
	if (len > ENCIPHER_MAX)
		len = ENCIPHER_MAX;
	if (dial_tls_encipher(w->tls, w->out.data + w->sent, len,
	    &w->made) != 0) {
		w->wrong = dial_tls_why(w->tls);
		return -1;
	}
	w->sent += len;
	return 0;
}

static int
send_made(struct publish_wire *w)
{
	ssize_t n = send_bytes(w, w->made.data + w->made_sent,
	    w->made.len - w->made_sent);

	if (n == -1)
		return -1;
	w->made_sent += (size_t)n;
	if (w->made_sent < w->made.len)
		return 0;
	buf_reset(&w->made, KEEP_MAX);
	w->made_sent = 0;
	return 0;
}

static int
send_some(struct publish_wire *w)
{
	ssize_t n;

	if (w->tls != NULL) {
		if (encipher(w) != 0 || send_made(w) != 0)
			return -1;
	} else {
		n = send_bytes(w, w->out.data + w->sent, w->out.len - w->sent);
		if (n == -1)
			return -1;
		w->sent += (size_t)n;
	}
	if (w->sent == w->out.len) {
		buf_reset(&w->out, KEEP_MAX);
		w->sent = 0;
	} else if (w->sent >= ENCIPHER_MAX) {
		/* More comes before all has gone: room is for what is left. */
		w->out.len -= w->sent;
		memmove(w->out.data, w->out.data + w->sent, w->out.len);
		w->sent = 0;
	}
	return 0;
}

/* As recv(2), of which 0 and other errors than "not now" are told. */
static ssize_t
receive_bytes(struct publish_wire *w, char *to)
{
	ssize_t n = recv(w->fd, to, READ_MIN, 0);

	if (n == 0) {
		w->wrong = "it closed the connection";
		return -1;
	}
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return n;
}

static int
decipher(struct publish_wire *w, size_t len)
{
	char *to = buf_reserve(&w->in, len + DIAL_TLS_SPARE);
	size_t got;

	if (to == NULL) {
		errno = ENOMEM;
		return -1;
	}
	switch (dial_tls_decipher(w->tls, w->cipher, len, to, &got,
	    &w->made)) {
	case DIAL_TLS_OPENING:
	case DIAL_TLS_OPEN:
		break;
	case DIAL_TLS_ENDED:
		if (got == 0)
			w->wrong = "it closed the connection";
		break;
	case DIAL_TLS_BROKEN:
		w->wrong = dial_tls_why(w->tls);
		break;
	}
	w->in.len += got;
	return w->wrong == NULL ? 0 : -1;
}

static int
receive_some(struct publish_wire *w)
{
	char *to;
	ssize_t n;

	/* What was taken makes room. */
	if (w->taken > 0)
		memmove(w->in.data, w->in.data + w->taken,
		    w->in.len - w->taken);
	w->in.len -= w->taken;
	w->taken = 0;
	if (w->tls != NULL) {
		n = receive_bytes(w, w->cipher);
		return n > 0 ? decipher(w, (size_t)n) : (int)n;
	}
	if ((to = buf_reserve(&w->in, READ_MIN)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if ((n = receive_bytes(w, to)) == -1)
		return -1;
	w->in.len += (size_t)n;
	return 0;
}

/* One step of the handshake: send, or wait for what comes next. */
static int
shake(struct publish_wire *w, enum dial_tls_state *state, int64_t until,
    const atomic_bool *stop)
{
	struct pollfd pfd = publish_wire_poll(w, true);
	ssize_t n = 0;

	if (wait_for(&pfd, until, stop) != 0) {
		if (errno == ETIMEDOUT)
			w->wrong = "its handshake takes too long";
		return -1;
	}
	if ((pfd.revents & POLLOUT) && send_made(w) != 0)
		return -1;
	if ((pfd.revents & (POLLIN | POLLHUP | POLLERR)) &&
	    (n = receive_bytes(w, w->cipher)) == -1)
		return -1;
	if (n == 0)
		return 0;
	*state = dial_tls_shake(w->tls, w->cipher, (size_t)n, &w->made);
	if (*state != DIAL_TLS_BROKEN)
		return 0;
	/* The alert, if it can be. */
	if (w->made.len > w->made_sent)
		(void)send_made(w);
	w->wrong = dial_tls_why(w->tls);
	return -1;
}

int
publish_wire_encipher(struct publish_wire *w, const struct dial_trust *trust,
    int64_t timeout_ms, const atomic_bool *stop)
{
	enum dial_tls_state state = DIAL_TLS_OPENING;
	int64_t until = clock_ms() + timeout_ms;

	if ((w->cipher = malloc(READ_MIN)) != NULL && trust != NULL)
		w->tls = dial_tls_new(trust,
		    (const struct sockaddr *)&w->address.ss, &w->made);
	if (w->tls == NULL) {
		errno = ENOMEM;
		return -1;
	}
	while (state == DIAL_TLS_OPENING)
		if (shake(w, &state, until, stop) != 0)
			return -1;
	return 0;
}

int
publish_wire_move(struct publish_wire *w, short events)
{
	if (publish_wire_unsent(w) > 0 && (events & POLLOUT) &&
	    send_some(w) != 0)
		return -1;
	if ((events & (POLLIN | POLLHUP | POLLERR)) && receive_some(w) != 0)
		return -1;
	return 0;
}

enum resp_result
publish_wire_take(struct publish_wire *w, struct publish_reply *reply)
{
	enum resp_result rc;
	const char *at;
	size_t used;

	if (w->taken == w->in.len)
		return RESP_MORE;
	at = w->in.data + w->taken;
	rc = resp_measure(&w->scan, at, w->in.len - w->taken, &used);
	if (rc == RESP_BROKEN)
		w->wrong = "what it says is no reply of Redis";
	if (rc != RESP_WHOLE)
		return rc;
	*reply = (struct publish_reply){ .from = at, .at = at,
	    .end = at + used };
	resp_next(&reply->at, reply->end, &reply->head);
	w->taken += used;
	w->moved = clock_ms();
	return RESP_WHOLE;
}

int
publish_wire_wait(struct publish_wire *w, struct publish_reply *reply,
    int64_t timeout_ms, const atomic_bool *stop)
{
	int64_t until = clock_ms() + timeout_ms;
	enum resp_result rc;
	struct pollfd pfd;

	while ((rc = publish_wire_take(w, reply)) == RESP_MORE) {
		pfd = publish_wire_poll(w, true);
		if (wait_for(&pfd, until, stop) != 0 ||
		    publish_wire_move(w, pfd.revents) != 0)
			return -1;
	}
	return rc == RESP_WHOLE ? 0 : -1;
}

const char *
publish_wire_wrong(const struct publish_wire *w)
{
	return w->wrong != NULL ? w->wrong : strerror(errno);
}
