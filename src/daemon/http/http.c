/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * From listeners to sessions, and from their turns to those of http_stream.c.
 */

#include "config.h"

#include "daemon/http/http.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log.h"
#include "daemon/base/descriptors.h"
#include "daemon/base/warning.h"
#include "daemon/conf/conf.h"
#include "daemon/http/http_head.h"
#include "daemon/http/http_source.h"
#include "daemon/http/http_stream.h"
#include "daemon/net/acceptor.h"
#include "daemon/net/allow.h"
#include "daemon/record/stats.h"
#include "daemon/session/peers.h"
#include "daemon/session/session.h"
#include "daemon/session/session_service.h"

/* How long a drain waits for requests on their way, as workers do. */
#define GRACE_MS	200L

/* Connections that are told that they are not let in, at a time. */
#define REFUSED_MAX	16

struct http_listener {
	STAILQ_ENTRY(http_listener) entry;
	struct http *http;
	struct session_door door;
	const struct who_rule *rule;	/* borrowed from the configuration */
	struct acceptor *acceptor;	/* owned; NULL: it accepts no more */
};

struct http {
	struct session_host host;
	struct conf_limits limits;
	struct http_source *source;	/* owned */
	struct buf body;		/* of the reply in the making */
	struct peers *peers;		/* owned: who has how many */
	STAILQ_HEAD(, http_listener) listeners;	/* in their order */
	size_t n;			/* sessions */
	size_t refused;			/* that are told so, beside them */
	struct warning denied;
	struct event *grace;		/* ends what nobody asked */
	void (*drained_cb)(void *);	/* NULL: not asked for, or called */
	void *arg;
};

static struct http_turn
begin_turn(const struct session_talk *t)
{
	struct http *http = t->arg;

	return (struct http_turn){
	    .source = http_source_numbers(http->source),
	    .local = t->listen->ss.ss_family == AF_UNIX,
	    .hosts = { conf_listen_is_local(t->listen), t->listen->names },
	    .keys = t->listen->keys, .draining = t->stream->draining,
	    .now = time(NULL), .requests_max = t->limits->pipeline,
	    .out_max = (size_t)t->limits->output,
	    .ns_max = t->env->turn_ns, .body = &http->body, .out = t->out };
}

static enum stream_verdict
feed(const struct session_talk *t, const char *buf, size_t len, size_t *used)
{
	const struct http_turn turn = begin_turn(t);
	enum http_verdict verdict = http_stream_feed(&turn, buf, len, used);

	t->stream->state = STREAM_IDLE;
	switch (verdict) {
	case HTTP_MORE:
		if (http_head_has_begun(buf + *used, len - *used))
			t->stream->state = STREAM_HEADER;
		t->stream->need = len - *used + 1;
		return STREAM_MORE;
	case HTTP_AGAIN:
		return STREAM_AGAIN;
	case HTTP_CLOSE:
		return STREAM_CLOSE;
	case HTTP_FAILED:
		break;
	}
	return STREAM_FAILED;
}

/* Of the statuses that a session knows only an error has kinds. */
static int
refusal_status(const struct refusal *r)
{
	if (r->status == REQUEST_DENIED)
		return 403;
	if (r->status == REQUEST_BUSY)
		return 503;
	return r->code != NULL && strcmp(r->code, "timeout") == 0 ? 408 : 400;
}

static enum stream_verdict
refuse(const struct session_talk *t, const struct refusal *r,
    const char *buf, size_t len)
{
	const struct http_turn turn = begin_turn(t);

	return http_stream_refuse(&turn, refusal_status(r), buf, len) ==
	    HTTP_CLOSE ? STREAM_CLOSE : STREAM_FAILED;
}

static const struct session_service service = {
	.feed = feed,
	.refuse = refuse
};

static void
check_drained(struct http *http)
{
	void (*cb)(void *) = http->drained_cb;

	if (cb == NULL || http->n + http->refused > 0)
		return;
	http->drained_cb = NULL;
	cb(http->arg);
}

static void
gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	struct http *http = arg;
	struct http_listener *l;

	if (counted)
		http->n--;
	else
		http->refused--;
	peers_leave(http->peers, peer);
	STAILQ_FOREACH(l, &http->listeners, entry)
		if (l->acceptor != NULL)
			acceptor_resume(l->acceptor);
	check_drained(http);
}

/* Tell a connection that it is not let in, or close it where many are told. */
static void
deny(struct http *http, const struct session_door *door, int fd,
    const struct sockaddr *sa, socklen_t len)
{
	char peer[ALLOW_WORDS_MAX];
	uint64_t more;

	if (warning_due(&http->denied, &more))
		log_warnx("connection denied service=http peer=%s before=%llu",
		    allow_words(fd, sa, len, peer),
		    (unsigned long long)more);
	stats_add(http->host.env.stats, STATS_REFUSED_DENIED, 1);
	if (http->refused >= descriptors_share(REFUSED_MAX)) {
		close(fd);
		return;
	}
	http->refused++;
	if (session_start_refused(&http->host, fd, door, REQUEST_DENIED,
	    "you are not allowed here") != 0)
		http->refused--;
}

static void
accept_cb(int fd, const struct sockaddr *sa, socklen_t len, void *arg)
{
	struct http_listener *l = arg;
	struct http *http = l->http;
	struct peer_count *peer;
	bool may;

	if (allow_judge(l->rule, fd, sa, false, &may) != 0) {
		log_warnx("out of memory for a connection");
		close(fd);
		return;
	}
	if (!may) {
		deny(http, &l->door, fd, sa, len);
		return;
	}
	/* Counted first, who has most by now makes room for himself. */
	if (peers_enter_by(http->peers, fd, sa, INT64_MAX, &peer) != 0) {
		log_warnx("out of memory for a connection");
		close(fd);
		return;
	}
	while (http->n >= descriptors_share(HTTP_CONNECTIONS_MAX))
		session_make_room(&http->host);
	http->n++;
	if (session_start(&http->host, fd, &l->door, peer) != 0) {
		log_warnx("out of memory for a connection");
		http->n--;
		peers_leave(http->peers, peer);
	}
}

static void
grace_cb(int fd, short what, void *arg)
{
	struct http *http = arg;

	(void)fd;
	(void)what;
	session_drain_all(&http->host);
	check_drained(http);
}

struct http *
http_new(struct event_base *base,
    struct report (*report)(const void *, bool), const void *arg,
    atomic_llong *held)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	STAILQ_INIT(&http->listeners);
	http->source = http_source_new(base, report, arg);
	http->peers = peers_new();
	http->grace = evtimer_new(base, grace_cb, http);
	http->host = (struct session_host){ .base = base,
	    .limits = &http->limits, .peers = http->peers, .held = held,
	    .by_turn = true, .gone_cb = gone_cb, .arg = http };
	if (session_host_init(&http->host) != 0 || http->source == NULL ||
	    http->peers == NULL || http->grace == NULL) {
		http_free(http);
		return NULL;
	}
	return http;
}

void
http_use(struct http *http, const struct conf *conf)
{
	struct http_listener *l = STAILQ_FIRST(&http->listeners);
	const struct conf_listen *conf_l;

	/* The same ones, in the same order: no reload changes that. */
	TAILQ_FOREACH(conf_l, &conf->listens, entry)
		if (l != NULL && conf_l->service == CONF_SERVICE_HTTP &&
		    !conf_l->search) {
			l->rule = &conf_l->rule;
			l = STAILQ_NEXT(l, entry);
		}
	http->limits = conf->limits;
	deadlines_configure(&http->host.deadlines, &conf->timeouts);
}

int
http_listen(struct http *http, int fd, const struct conf_listen *listen)
{
	struct http_listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -1;
	l->http = http;
	l->rule = &listen->rule;
	l->door = (struct session_door){ .listen = listen,
	    .service = &service, .link = &link_plain };
	l->acceptor = acceptor_new(http->host.base, fd, "http", accept_cb, l);
	if (l->acceptor == NULL) {
		free(l);
		return -1;
	}
	STAILQ_INSERT_TAIL(&http->listeners, l, entry);
	return 0;
}

static void
stop_listening(struct http *http)
{
	struct http_listener *l;

	STAILQ_FOREACH(l, &http->listeners, entry) {
		acceptor_free(l->acceptor);
		l->acceptor = NULL;
	}
}

void
http_drain(struct http *http, void (*drained_cb)(void *), void *arg)
{
	struct timeval tv = { .tv_usec = GRACE_MS * 1000 };
	struct http_listener *l;

	STAILQ_FOREACH(l, &http->listeners, entry)
		if (l->acceptor != NULL)
			acceptor_rest(l->acceptor);
	stop_listening(http);
	http->drained_cb = drained_cb;
	http->arg = arg;
	http->host.draining = true;
	if (event_add(http->grace, &tv) != 0)
		session_drain_all(&http->host);
	check_drained(http);
}

int64_t
http_connections(const struct http *http)
{
	return (int64_t)(http->n + http->refused);
}

void
http_free(struct http *http)
{
	struct http_listener *l;

	if (http == NULL)
		return;
	stop_listening(http);
	http->drained_cb = NULL;
	session_host_clear(&http->host);
	while ((l = STAILQ_FIRST(&http->listeners)) != NULL) {
		STAILQ_REMOVE_HEAD(&http->listeners, entry);
		free(l);
	}
	if (http->grace != NULL)
		event_free(http->grace);
	peers_free(http->peers);
	http_source_free(http->source);
	buf_clear(&http->body);
	free(http);
}
