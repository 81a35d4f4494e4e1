/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Four pages, all of them made anew for each request.
 */

#include "config.h"

#include "daemon/http/http.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "common/log.h"
#include "daemon/http/http_conns.h"
#include "daemon/http/page.h"

#define HEADERS_MAX	8192	/* bytes of a request's */
#define TIMEOUT_S	30
#define HOST_MAX	64	/* an address with its port, and more */
#define PAUSE_S		1	/* after a failure to accept */

struct http_listener {
	SLIST_ENTRY(http_listener) entry;
	struct evconnlistener *lev;	/* borrowed from its evhttp */
	struct event *resume;		/* the end of a pause */
};

/* All of the process: evhttp leaves a listener no room for an argument. */
static SLIST_HEAD(, http_listener) listeners =
    SLIST_HEAD_INITIALIZER(listeners);

/* One for the addresses, one for unix sockets. */
struct http {
	struct event_base *base;
	struct http_source source;
	struct http_conns *conns;
	struct evhttp *inet;
	struct evhttp *local;
};

/*
 * Nothing is loaded from elsewhere, and nobody else may show the page or read
 * its numbers.
 */
static void
add_headers(struct evhttp_request *req, const char *type)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(req);

	evhttp_add_header(h, "Content-Type", type);
	evhttp_add_header(h, "Cache-Control", "no-store");
	evhttp_add_header(h, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(h, "Cross-Origin-Resource-Policy", "same-origin");
	evhttp_add_header(h, "Content-Security-Policy", "default-src 'none'; "
	    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
	    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'");
}

static void
send_text(struct evhttp_request *req, int code, const char *reason,
    const char *type, const void *text, size_t len)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL || evbuffer_add(body, text, len) != 0) {
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
	} else {
		add_headers(req, type);
		evhttp_send_reply(req, code, reason, body);
	}
	if (body != NULL)
		evbuffer_free(body);
}

#define TEXT	"text/plain; charset=utf-8"

/* A few words of an error, and a line's end. */
static void
send_line(struct evhttp_request *req, int code, const char *reason,
    const char *line)
{
	send_text(req, code, reason, TEXT, line, strlen(line));
}

/* What stands behind a host: nothing, or a colon and a port. */
static bool
is_port(const char *rest)
{
	size_t len;

	if (rest[0] == '\0')
		return true;
	len = strspn(rest + 1, "0123456789");
	return rest[0] == ':' && len > 0 && rest[len + 1] == '\0';
}

/*
 * Whether a Host: is an address or localhost, with any port, and no more:
 * what is lenient here, a browser may read as another's name.
 */
static bool
is_address(const char *host)
{
	char name[HOST_MAX], *end;
	struct in6_addr in6;

	if (host == NULL || strlcpy(name, host, sizeof(name)) >= sizeof(name))
		return false;
	if (name[0] == '[') {
		end = strchr(name, ']');
		if (end == NULL || !is_port(end + 1))
			return false;
		*end = '\0';
		return inet_pton(AF_INET6, name + 1, &in6) == 1;
	}
	end = name + strcspn(name, ":");
	if (!is_port(end))
		return false;
	*end = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	    inet_pton(AF_INET, name, &in6) == 1;
}

static void
page_cb(struct evhttp_request *req, const struct http *http)
{
	(void)http;
	send_text(req, HTTP_OK, "OK", "text/html; charset=utf-8",
	    http_page, http_page_len);
}

static void
stats_cb(struct evhttp_request *req, const struct http *http)
{
	struct buf text = { 0 };

	if (http->source.stats(&text, http->source.arg) == 0)
		send_text(req, HTTP_OK, "OK", "application/json", text.data,
		    text.len);
	else
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
	buf_clear(&text);
}

static void
metrics_cb(struct evhttp_request *req, const struct http *http)
{
	struct buf text = { 0 };

	if (http->source.metrics(&text, http->source.arg) == 0)
		send_text(req, HTTP_OK, "OK", "application/openmetrics-text; "
		    "version=1.0.0; charset=utf-8", text.data, text.len);
	else
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
	buf_clear(&text);
}

static void
health_cb(struct evhttp_request *req, const struct http *http)
{
	if (http->source.healthy(http->source.arg))
		send_line(req, HTTP_OK, "OK", "serving\n");
	else
		send_line(req, HTTP_SERVUNAVAIL, "Service Unavailable",
		    "not serving\n");
}

static const struct {
	const char *path;
	void (*cb)(struct evhttp_request *, const struct http *);
} pages[] = {
	{ "/", page_cb },
	{ "/stats.json", stats_cb },
	{ "/metrics", metrics_cb },
	{ "/healthz", health_cb },
};

static void
answer(struct evhttp_request *req, const struct http *http)
{
	const char *path = evhttp_uri_get_path(
	    evhttp_request_get_evhttp_uri(req));

	for (size_t i = 0; path != NULL &&
	    i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(path, pages[i].path) == 0) {
			pages[i].cb(req, http);
			return;
		}
	send_line(req, HTTP_NOTFOUND, "Not Found", "There are /, "
	    "/stats.json, /metrics and /healthz here.\n");
}

static void
asked(struct evhttp_request *req, const struct http *http)
{
	http_conns_asked(http->conns, evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req)));
}

static void
local_cb(struct evhttp_request *req, void *arg)
{
	asked(req, arg);
	answer(req, arg);
}

static void
inet_cb(struct evhttp_request *req, void *arg)
{
	const char *host = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Host");

	asked(req, arg);
	if (is_address(host))
		answer(req, arg);
	else
		send_line(req, 421, "Misdirected Request",
		    "Ask by address, or as localhost.\n");
}

static struct evhttp *
evhttp_make(struct http *http, void (*cb)(struct evhttp_request *, void *))
{
	struct evhttp *eh = evhttp_new(http->base);

	if (eh == NULL)
		return NULL;
	evhttp_set_allowed_methods(eh, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(eh, HEADERS_MAX);
	evhttp_set_max_body_size(eh, 0);
	evhttp_set_timeout(eh, TIMEOUT_S);
	evhttp_set_gencb(eh, cb, http);
	http_conns_use(http->conns, eh);
	return eh;
}

static void
resume_cb(evutil_socket_t fd, short what, void *arg)
{
	struct http_listener *l = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(l->lev);
}

/*
 * As in acceptor.c: what is not of one connection would be tried again at
 * once, for ever.
 */
static void
accept_error_cb(struct evconnlistener *lev, void *arg)
{
	static const struct timeval pause = { .tv_sec = PAUSE_S };
	struct http_listener *l;

	(void)arg;
	if (errno == EPERM || errno == EPROTO)
		return;
	log_warn("accept paused service=http");
	SLIST_FOREACH(l, &listeners, entry)
		if (l->lev == lev && event_add(l->resume, &pause) == 0)
			evconnlistener_disable(lev);
}

static void
listener_free(struct http_listener *l)
{
	if (l == NULL)
		return;
	if (l->resume != NULL)
		event_free(l->resume);
	free(l);
}

struct http *
http_new(struct event_base *base, const struct http_source *source)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	http->base = base;
	http->source = *source;
	http->conns = http_conns_new(base, source->patience, source->arg);
	if (http->conns != NULL) {
		http->inet = evhttp_make(http, inet_cb);
		http->local = evhttp_make(http, local_cb);
	}
	if (http->inet == NULL || http->local == NULL) {
		http_free(http);
		return NULL;
	}
	return http;
}

int
http_listen(struct http *http, int fd, bool local)
{
	/* Backlog 0: the server has called listen(2) already. */
	struct evconnlistener *lev = evconnlistener_new(http->base, NULL,
	    NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	struct http_listener *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->resume = evtimer_new(http->base, resume_cb, l);
	if (lev == NULL || l == NULL || l->resume == NULL ||
	    evhttp_bind_listener(local ? http->local : http->inet,
	    lev) == NULL) {
		if (lev != NULL)
			evconnlistener_free(lev);
		listener_free(l);
		return -1;
	}
	evconnlistener_set_error_cb(lev, accept_error_cb);
	l->lev = lev;
	SLIST_INSERT_HEAD(&listeners, l, entry);
	return 0;
}

void
http_free(struct http *http)
{
	struct http_listener *l;

	if (http == NULL)
		return;
	while ((l = SLIST_FIRST(&listeners)) != NULL) {
		SLIST_REMOVE_HEAD(&listeners, entry);
		listener_free(l);
	}
	if (http->inet != NULL)
		evhttp_free(http->inet);
	if (http->local != NULL)
		evhttp_free(http->local);
	http_conns_free(http->conns);
	free(http);
}
