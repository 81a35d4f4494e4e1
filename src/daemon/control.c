/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A bufferevent a connection and one request at a time.  Its peers are root
 * and the daemon's own user, by the mode of the socket, so json-c may read
 * what they say; the frames are checked all the same.
 */

#include "config.h"

#include "daemon/control.h"

#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <json.h>

#include "common/log.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

#define CONNECTIONS_MAX	64
#define CONTENT_MAX	((size_t)64 << 10)
#define TIMEOUT_S	60	/* for a request to come, a reply to go */

struct control_conn {
	LIST_ENTRY(control_conn) entry;
	struct control *control;
	struct bufferevent *bev;
	struct control_request *request;	/* whose reply is owed, or NULL */
	bool closing;				/* when all is written */
};

/* Outlives its connection when that ends before the reply. */
struct control_request {
	struct control_conn *conn;		/* NULL: it has ended */
};

struct control {
	struct event_base *base;
	struct evconnlistener *listener;
	LIST_HEAD(, control_conn) conns;
	unsigned int n;
	void (*action_cb)(struct control_request *, const char *,
	    struct json_object *, void *);
	void *arg;
};

static void
conn_free(struct control_conn *conn)
{
	LIST_REMOVE(conn, entry);
	conn->control->n--;
	if (conn->request != NULL)
		conn->request->conn = NULL;
	bufferevent_free(conn->bev);
	free(conn);
}

static void
conn_send(struct control_conn *conn, bool ok, struct json_object *reply)
{
	static const struct appmsg_str found = APPMSG_STR("found");
	static const struct appmsg_str error = APPMSG_STR("error");
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	char head[512];
	const char *text;
	size_t len, head_len;

	hdr.status = ok ? found : error;
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
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "result", json_object_new_string(why));
	conn_send(conn, false, reply);
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

static void
control_accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sa, int sa_len, void *arg)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct control *control = arg;
	struct control_conn *conn = NULL;

	(void)listener;
	(void)sa;
	(void)sa_len;
	if (control->n < CONNECTIONS_MAX)
		conn = calloc(1, sizeof(*conn));
	if (conn == NULL || (conn->bev = bufferevent_socket_new(control->base,
	    fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		log_warnx("too many connections to the control socket");
		evutil_closesocket(fd);
		free(conn);
		return;
	}
	conn->control = control;
	LIST_INSERT_HEAD(&control->conns, conn, entry);
	control->n++;
	bufferevent_setcb(conn->bev, conn_read_cb, conn_write_cb,
	    conn_event_cb, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, APPMSG_LENGTH_SIZE +
	    (size_t)APPMSG_HEADER_MAX + CONTENT_MAX);
	bufferevent_set_timeouts(conn->bev, &timeout, &timeout);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

struct control *
control_new(struct event_base *base, int fd,
    void (*action_cb)(struct control_request *, const char *,
    struct json_object *, void *), void *arg)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	LIST_INIT(&control->conns);
	control->base = base;
	control->action_cb = action_cb;
	control->arg = arg;
	control->listener = evconnlistener_new(base, control_accept_cb,
	    control, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (control->listener == NULL) {
		free(control);
		errno = ENOMEM;
		return NULL;
	}
	return control;
}

void
control_free(struct control *control)
{
	if (control == NULL)
		return;
	while (!LIST_EMPTY(&control->conns))
		conn_free(LIST_FIRST(&control->conns));
	evconnlistener_free(control->listener);
	free(control);
}

void
control_reply(struct control_request *request, bool ok,
    struct json_object *reply)
{
	if (request->conn != NULL) {
		request->conn->request = NULL;
		conn_send(request->conn, ok, reply);
	}
	json_object_put(reply);
	free(request);
}
