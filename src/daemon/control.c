/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A bufferevent a connection and one request at a time.  The socket's mode
 * keeps strangers out, and who comes in by another way, such as a mode that
 * somebody changed, is refused by what the kernel knows of him.  What the
 * others say is checked all the same, frames here and contents in command.c.
 */

#include "config.h"

#include "daemon/control.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "common/log.h"
#include "daemon/base/buf.h"
#include "daemon/base/status.h"
#include "daemon/base/tell.h"
#include "daemon/base/warning.h"
#include "daemon/net/acceptor.h"
#include "lib/appmsg.h"

#define CONNECTIONS_MAX	64
#define DENIED_MAX	8	/* of them; more are closed without a word */
#define CONTENT_MAX	((size_t)64 << 10)
#define MESSAGE_MAX	(APPMSG_LENGTH_SIZE + (size_t)APPMSG_HEADER_MAX + \
			CONTENT_MAX)
#define TIMEOUT_S	60	/* for a request to come, a reply to go */
#define DENIED_S	5	/* the same, for who is not allowed */

struct control_conn {
	LIST_ENTRY(control_conn) entry;
	struct control *control;
	struct bufferevent *bev;
	struct credentials peer;
	struct control_request *request;	/* whose reply is owed, or NULL */
	bool denied;				/* peer is not allowed */
	bool closing;				/* when all is written */
};

/* Outlives its connection when that ends before the reply. */
struct control_request {
	struct control_conn *conn;		/* NULL: it has ended */
	bool changes;				/* something, when done */
};

struct control {
	struct event_base *base;
	struct acceptor *acceptor;		/* owned */
	LIST_HEAD(, control_conn) conns;
	unsigned int n, n_denied;
	gid_t group;
	struct warning warning;			/* of who is not allowed: */
	uid_t warned_of;
	void (*action_cb)(struct control_request *, const char *, size_t,
	    void *);
	void *arg;
};

static void
conn_free(struct control_conn *conn)
{
	LIST_REMOVE(conn, entry);
	conn->control->n--;
	if (conn->denied)
		conn->control->n_denied--;
	if (conn->request != NULL)
		conn->request->conn = NULL;
	bufferevent_free(conn->bev);
	credentials_clear(&conn->peer);
	free(conn);
}

/* Not in this call, which may be one of its callbacks. */
static void
conn_give_up(struct control_conn *conn)
{
	bufferevent_trigger_event(conn->bev, BEV_EVENT_ERROR,
	    BEV_TRIG_DEFER_CALLBACKS);
}

/* All of a reply, or nothing and -1 when memory is out. */
static int
conn_write(struct control_conn *conn, enum request_status status,
    const char *text, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close"),
		.content_length = len
	};
	char head[512];
	size_t head_len;

	hdr.status = status_words[status];
	if (appmsg_header_encode(&hdr, head, sizeof(head), &head_len) != 0 ||
	    evbuffer_expand(out, head_len + len) != 0 ||
	    evbuffer_add(out, head, head_len) != 0 ||
	    evbuffer_add(out, text, len) != 0)
		return -1;
	/* By itself it would not say that the system takes no more events. */
	if (bufferevent_enable(conn->bev, EV_WRITE) != 0)
		conn_give_up(conn);
	return 0;
}

/*
 * The last thing that is said.
 *
 * text  NULL: there was no memory for it
 */
static void
conn_send(struct control_conn *conn, enum request_status status,
    bool done, const char *text, size_t len)
{
	static const char sorry[] = "{ \"result\": \"out of memory\" }";
	static const char sorry_done[] = "{ \"result\": \"done, but there is "
	    "no memory to tell more\" }";

	conn->closing = true;
	if (text != NULL && conn_write(conn, status, text, len) == 0)
		return;
	log_warnx("out of memory for a control reply");
	if ((done ? conn_write(conn, REQUEST_FOUND, sorry_done,
	    sizeof(sorry_done) - 1) : conn_write(conn, REQUEST_ERROR, sorry,
	    sizeof(sorry) - 1)) != 0)
		conn_give_up(conn);
}

static void
conn_tell(struct control_conn *conn, enum request_status status,
    bool done, struct tell *reply)
{
	struct buf text = { 0 };

	if (tell_print(reply, &text) == 0)
		conn_send(conn, status, done, text.data, text.len);
	else
		conn_send(conn, status, done, NULL, 0);
	buf_clear(&text);
}

static void
conn_say(struct control_conn *conn, enum request_status status,
    const char *result)
{
	struct tell reply;

	tell_init(&reply);
	tell_text(&reply, "result", result);
	conn_tell(conn, status, false, &reply);
	tell_clear(&reply);
}

/* Whatever was asked. */
static void
conn_deny(struct control_conn *conn)
{
	char why[64];

	snprintf(why, sizeof(why), "uid %ju may not control this daemon",
	    (uintmax_t)conn->peer.uid);
	conn_say(conn, REQUEST_DENIED, why);
}

static void
conn_request(struct control_conn *conn, const char *text, size_t len)
{
	struct control *control = conn->control;
	struct control_request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		conn_send(conn, REQUEST_ERROR, false, NULL, 0);
		return;
	}
	request->conn = conn;
	conn->request = request;
	control->action_cb(request, text, len, control->arg);
}

static void
conn_read_cb(struct bufferevent *bev, void *arg)
{
	struct control_conn *conn = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in), used;
	const char *p = (const char *)evbuffer_pullup(in, -1);
	struct appmsg_header hdr;
	int error;

	/* A watermark of libevent's crashes when it gets no memory. */
	if (len >= MESSAGE_MAX)
		bufferevent_disable(bev, EV_READ);
	if (conn->closing || conn->request != NULL || len == 0)
		return;
	if (p == NULL) {
		conn_send(conn, REQUEST_ERROR, false, NULL, 0);
		return;
	}
	/* Not before it has asked: closing then would lose the reply. */
	if (conn->denied) {
		conn_deny(conn);
		return;
	}
	error = appmsg_header_decode(p, len, &hdr, &used);
	if (error == APPMSG_EAGAIN)
		return;
	if (error != 0 || hdr.content_length > CONTENT_MAX) {
		conn_say(conn, REQUEST_ERROR, "the message cannot be read");
		return;
	}
	if (len - used < (size_t)hdr.content_length)
		return;
	conn_request(conn, p + used, (size_t)hdr.content_length);
}

static void
conn_write_cb(struct bufferevent *bev, void *arg)
{
	struct control_conn *conn = arg;

	(void)bev;
	if (conn->closing)
		conn_free(conn);
}

static void
conn_event_cb(struct bufferevent *bev, short what, void *arg)
{
	struct control_conn *conn = arg;

	/* A client that shut its side still waits for its reply. */
	if ((what & BEV_EVENT_EOF) && (conn->request != NULL ||
	    conn->closing))
		return;
	/* So does one whose request takes long. */
	if ((what & BEV_EVENT_TIMEOUT) && conn->request != NULL) {
		if (evbuffer_get_length(bufferevent_get_input(bev)) <
		    MESSAGE_MAX)
			bufferevent_enable(bev, EV_READ);
		return;
	}
	conn_free(conn);
}

/* Once in a while for each who tries. */
static void
control_warn_denied(struct control *control, const struct credentials *peer)
{
	uint64_t more;

	if (peer->uid != control->warned_of)
		control->warning.last = 0;
	control->warned_of = peer->uid;
	if (warning_due(&control->warning, &more))
		log_warnx("control denied uid=%ju gid=%ju pid=%jd before=%ju",
		    (uintmax_t)peer->uid, (uintmax_t)peer->gid,
		    (intmax_t)peer->pid, (uintmax_t)more);
}

/* A connection that is not counted yet; NULL when there can be none. */
static struct control_conn *
conn_new(struct control *control, evutil_socket_t fd)
{
	struct control_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->control = control;
	if (credentials_read(&conn->peer, fd) != 0)
		log_warn("cannot tell who connected to the control socket");
	conn->denied = !credentials_allow(&conn->peer, geteuid(),
	    control->group);
	if (conn->denied)
		control_warn_denied(control, &conn->peer);
	if ((!conn->denied || control->n_denied < DENIED_MAX) &&
	    (conn->bev = bufferevent_socket_new(control->base, fd,
	    BEV_OPT_CLOSE_ON_FREE)) != NULL)
		return conn;
	credentials_clear(&conn->peer);
	free(conn);
	return NULL;
}

static void
control_accept_cb(int fd, const struct sockaddr *sa, socklen_t sa_len,
    void *arg)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct control *control = arg;
	struct control_conn *conn = NULL;

	(void)sa;
	(void)sa_len;
	if (control->n - control->n_denied < CONNECTIONS_MAX)
		conn = conn_new(control, fd);
	else
		log_warnx("too many connections to the control socket");
	if (conn == NULL) {
		evutil_closesocket(fd);
		return;
	}
	LIST_INSERT_HEAD(&control->conns, conn, entry);
	control->n++;
	if (conn->denied) {
		control->n_denied++;
		timeout.tv_sec = DENIED_S;
	}
	bufferevent_setcb(conn->bev, conn_read_cb, conn_write_cb,
	    conn_event_cb, conn);
	bufferevent_set_timeouts(conn->bev, &timeout, &timeout);
	/* Else it would be here for ever. */
	if (bufferevent_enable(conn->bev, EV_READ | EV_WRITE) != 0)
		conn_free(conn);
}

struct control *
control_new(struct event_base *base, int fd, gid_t group,
    void (*action_cb)(struct control_request *, const char *, size_t,
    void *), void *arg)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	LIST_INIT(&control->conns);
	control->base = base;
	control->group = group;
	control->action_cb = action_cb;
	control->arg = arg;
	control->acceptor = acceptor_new(base, fd, "control",
	    control_accept_cb, control);
	if (control->acceptor == NULL) {
		control_free(control);
		errno = ENOMEM;
		return NULL;
	}
	acceptor_take_last(control->acceptor);
	return control;
}

/* What the loop had no turn for any more, as far as the peer has room. */
static void
conn_flush(struct control_conn *conn)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	const void *p = evbuffer_pullup(out, -1);

	if (p != NULL && send(bufferevent_getfd(conn->bev), p,
	    evbuffer_get_length(out), MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		log_debug("control reply lost uid=%ju",
		    (uintmax_t)conn->peer.uid);
}

void
control_free(struct control *control)
{
	struct control_conn *conn, *next;

	if (control == NULL)
		return;
	LIST_FOREACH_SAFE(conn, &control->conns, entry, next) {
		conn_flush(conn);
		conn_free(conn);
	}
	acceptor_free(control->acceptor);
	free(control);
}

const struct credentials *
control_peer(const struct control_request *request)
{
	return &request->conn->peer;
}

void
control_note_change(struct control_request *request)
{
	request->changes = true;
}

void
control_reply(struct control_request *request, bool ok, struct tell *reply)
{
	if (request->conn != NULL) {
		request->conn->request = NULL;
		conn_tell(request->conn, ok ? REQUEST_FOUND : REQUEST_ERROR,
		    ok && request->changes, reply);
	}
	tell_clear(reply);
	free(request);
}

void
control_say(struct control_request *request, bool ok, const char *result)
{
	struct tell reply;

	tell_init(&reply);
	tell_text(&reply, "result", result);
	control_reply(request, ok, &reply);
}
