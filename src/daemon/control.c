/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A bufferevent a connection and one request at a time.  The socket's mode
 * keeps strangers out, and who comes in by another way, such as a mode that
 * somebody changed, is refused by what the kernel knows of him.  So json-c
 * may read what the others say; the frames are checked all the same.
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

#include <json.h>

#include "common/log.h"
#include "daemon/acceptor.h"
#include "daemon/credentials.h"
#include "daemon/warning.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

#define CONNECTIONS_MAX	64
#define DENIED_MAX	8	/* of them; more are closed without a word */
#define CONTENT_MAX	((size_t)64 << 10)
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
};

struct control {
	struct event_base *base;
	struct acceptor *acceptor;		/* owned */
	LIST_HEAD(, control_conn) conns;
	unsigned int n, n_denied;
	gid_t group;
	struct warning warning;			/* of who is not allowed: */
	uid_t warned_of;
	void (*action_cb)(struct control_request *, const char *,
	    struct json_object *, void *);
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

static const struct appmsg_str status_found = APPMSG_STR("found");
static const struct appmsg_str status_error = APPMSG_STR("error");
static const struct appmsg_str status_denied = APPMSG_STR("denied");

static void
conn_send(struct control_conn *conn, const struct appmsg_str *status,
    struct json_object *reply)
{
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	char head[512];
	const char *text;
	size_t len, head_len;

	hdr.status = *status;
	text = json_object_to_json_string_length(reply,
	    JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	hdr.content_length = len;
	conn->closing = true;
	if (text == NULL || appmsg_header_encode(&hdr, head, sizeof(head),
	    &head_len) != 0 ||
	    bufferevent_write(conn->bev, head, head_len) != 0 ||
	    bufferevent_write(conn->bev, text, len) != 0)
		log_warnx("out of memory for a control reply");
}

static void
conn_refuse(struct control_conn *conn, const char *why)
{
	struct json_object *reply = control_result(why);

	conn_send(conn, &status_error, reply);
	json_object_put(reply);
}

/* Whatever was asked. */
static void
conn_deny(struct control_conn *conn)
{
	struct json_object *reply;
	char why[64];

	snprintf(why, sizeof(why), "uid %ju may not control this daemon",
	    (uintmax_t)conn->peer.uid);
	reply = control_result(why);
	conn_send(conn, &status_denied, reply);
	json_object_put(reply);
}

/* A checked JSON object to json-c's; NULL when it is none. */
static struct json_object *
parse_content(const char *text, size_t len)
{
	struct json_tokener *tok;
	struct json_object *content = NULL;
	struct appmsg_str action;

	/* Ours is the stricter judge, and json-c's tree the more handy. */
	if (appmsg_content_find(text, len, "action", &action) != 0 ||
	    (tok = json_tokener_new()) == NULL)
		return NULL;
	content = json_tokener_parse_ex(tok, text, (int)len);
	json_tokener_free(tok);
	return content;
}

static void
conn_request(struct control_conn *conn, const char *text, size_t len)
{
	struct control *control = conn->control;
	struct control_request *request = calloc(1, sizeof(*request));
	struct json_object *content = parse_content(text, len), *action;

	if (request == NULL || content == NULL ||
	    !json_object_object_get_ex(content, "action", &action)) {
		conn_refuse(conn, "the request is no JSON object with an "
		    "\"action\"");
		free(request);
	} else {
		request->conn = conn;
		conn->request = request;
		control->action_cb(request, json_object_get_string(action),
		    content, control->arg);
	}
	json_object_put(content);
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

	if (conn->closing || conn->request != NULL || p == NULL)
		return;
	/* Not before it has asked: closing then would lose the reply. */
	if (conn->denied) {
		conn_deny(conn);
		return;
	}
	error = appmsg_header_decode(p, len, &hdr, &used);
	if (error == APPMSG_EAGAIN)
		return;
	if (error != 0 || hdr.content_length > CONTENT_MAX) {
		conn_refuse(conn, "the message cannot be read");
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

	(void)bev;
	/* A client that shut its side still waits for its reply. */
	if ((what & BEV_EVENT_EOF) && (conn->request != NULL ||
	    conn->closing))
		return;
	/* So does one whose request takes long. */
	if ((what & BEV_EVENT_TIMEOUT) && conn->request != NULL) {
		bufferevent_enable(conn->bev, EV_READ);
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
	bufferevent_setwatermark(conn->bev, EV_READ, 0, APPMSG_LENGTH_SIZE +
	    (size_t)APPMSG_HEADER_MAX + CONTENT_MAX);
	bufferevent_set_timeouts(conn->bev, &timeout, &timeout);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

struct control *
control_new(struct event_base *base, int fd, gid_t group,
    void (*action_cb)(struct control_request *, const char *,
    struct json_object *, void *), void *arg)
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
	struct control_conn *conn;

	if (control == NULL)
		return;
	while ((conn = LIST_FIRST(&control->conns)) != NULL) {
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

struct json_object *
control_result(const char *text)
{
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "result", json_object_new_string(text));
	return reply;
}

void
control_reply(struct control_request *request, bool ok,
    struct json_object *reply)
{
	if (request->conn != NULL) {
		request->conn->request = NULL;
		conn_send(request->conn, ok ? &status_found : &status_error,
		    reply);
	}
	json_object_put(reply);
	free(request);
}
