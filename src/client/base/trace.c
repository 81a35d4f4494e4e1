/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A connection is known by the inode of its socket, which tells it from one
 * that came after it under the same number.  The library has one at a time
 * between two calls.
 */

#include "config.h"

#include "trace.h"

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <netdb.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appmsg.h"
#include "common/clock.h"
#include "common/escape.h"
#include "output.h"

#define TRACE_FDS		256	/* descriptors that are looked at */
#define TRACE_HEADER_MAX	4096	/* bytes of it that are shown */
#define TRACE_CONTENT_MAX	512
#define TRACE_ADDRESS_SIZE	80	/* host and port */

/* A message without a reply, as it is on the wire. */
struct trace_asked {
	STAILQ_ENTRY(trace_asked) entry;
	size_t header_len;	/* with its length */
	size_t len;
	bool again;		/* it was sent before, in vain */
	char data[];
};

struct trace {
	struct appmsg_servers *servers;
	int64_t start_ns;
	STAILQ_HEAD(, trace_asked) queue;	/* owned */
	size_t n_sent;		/* of the queue, over this connection */
	bool kept;		/* its last reply said that it stays */
	bool ended;		/* or that it does not */
	ino_t socket;		/* that is in use; 0: none */
	size_t index;		/* of its server */
	bool foreign[TRACE_FDS];	/* descriptors that were there before */
};

static bool
is_stream(int fd, ino_t *inode)
{
	socklen_t len = sizeof(int);
	struct stat st;
	int type;

	if (fstat(fd, &st) == -1 || !S_ISSOCK(st.st_mode) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_STREAM)
		return false;
	*inode = st.st_ino;
	return true;
}

struct trace *
trace_new(struct appmsg_servers *servers)
{
	struct trace *t = calloc(1, sizeof(*t));
	ino_t inode;

	if (t == NULL)
		return NULL;
	t->servers = servers;
	t->start_ns = clock_ns();
	STAILQ_INIT(&t->queue);
	for (int fd = 0; fd < TRACE_FDS; fd++)
		t->foreign[fd] = is_stream(fd, &inode);
	return t;
}

/* The start of a line: when, and which way. */
static void
start_line(const struct trace *t, char way)
{
	output_flush();
	fprintf(stderr, "%10.3f ms %c ",
	    (double)(clock_ns() - t->start_ns) / 1e6, way);
}

static void __attribute__((format(printf, 2, 3)))
tell(const struct trace *t, const char *fmt, ...)
{
	va_list ap;

	start_line(t, '*');
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static const struct appmsg_server *
server_of(const struct trace *t)
{
	return appmsg_servers_get(t->servers, t->index);
}

/* The socket in use; -1: there is none. */
static int
find_socket(const struct trace *t, ino_t *inode)
{
	for (int fd = STDERR_FILENO + 1; fd < TRACE_FDS; fd++)
		if (!t->foreign[fd] && is_stream(fd, inode))
			return fd;
	*inode = 0;
	return -1;
}

/* An address of a socket; empty: it has none. */
static const char *
address(int fd, int (*get)(int, struct sockaddr *, socklen_t *), char *text)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[TRACE_ADDRESS_SIZE - 16], port[8];

	*text = '\0';
	if (get(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6) &&
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port,
	    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(text, TRACE_ADDRESS_SIZE, ss.ss_family == AF_INET6 ?
		    "[%s]:%s" : "%s:%s", host, port);
	return text;
}

/* Those that could not be connected to in the last call. */
static void
tell_refusals(const struct trace *t)
{
	const struct appmsg_server *server;

	for (size_t i = 0; (server = appmsg_servers_get(t->servers, i)) !=
	    NULL; i++) {
		const char *why = server->error == APPMSG_ECONN ?
		    strerror(server->system_error) : server->why;

		if (server->error != 0 && !server->connected)
			tell(t, "%s: %s%s%s", server->name,
			    appmsg_strerror(server->error),
			    *why != '\0' ? ": " : "", why);
	}
}

/*
 * How the connection in use came to its end.
 *
 * alone  there is no other one now: the only server was asked once more, since
 *        the library knew of the connection before, and that failed, too
 */
static void
tell_end(const struct trace *t, bool alone)
{
	const struct appmsg_server *server = server_of(t);
	const char *name = server->name;
	int error = server->connected ? server->error : 0;

	if (t->ended)
		return;		/* which was told with the reply */
	if (error == APPMSG_EOF)
		tell(t, "%s: closed by the server%s", name, alone ?
		    ", as was a second connection" : "");
	else if (error == APPMSG_EIO)
		tell(t, "%s: %s: %s", name, alone ? "closed by the server; "
		    "a second connection broke" : "the connection broke",
		    strerror(server->system_error));
	else if (error != 0)
		tell(t, "%s: closed by us: %s%s%s", name,
		    appmsg_strerror(error), *server->why != '\0' ? ": " : "",
		    server->why);
	else if (appmsg_servers_current(t->servers) != t->index)
		tell(t, "%s: closed by us: it cannot answer now", name);
	else
		tell(t, "%s: closed by the server%s", name, t->n_sent > 0 ?
		    " before it answered" : "");
}

static void
tell_connection(const struct trace *t, int fd)
{
	char peer[TRACE_ADDRESS_SIZE], own[TRACE_ADDRESS_SIZE];
	const struct appmsg_server *server = server_of(t);

	if (server->path != NULL)
		tell(t, "%s: connected", server->name);
	else
		tell(t, "%s: connected to %s from %s%s", server->name,
		    address(fd, getpeername, peer),
		    address(fd, getsockname, own),
		    server->tls ? ", over TLS" : "");
}

/* What was sent over a connection that is gone will be sent once more. */
static void
forget_sent(struct trace *t)
{
	struct trace_asked *asked;

	STAILQ_FOREACH(asked, &t->queue, entry) {
		if (t->n_sent == 0)
			break;
		asked->again = true;
		t->n_sent--;
	}
	t->kept = t->ended = false;
}

void
trace_connected(struct trace *t)
{
	ino_t inode;
	int fd;

	if (t == NULL)
		return;
	fd = find_socket(t, &inode);
	if (inode != t->socket && t->socket != 0)
		tell_end(t, inode == 0 &&
		    appmsg_servers_get(t->servers, 1) == NULL);
	tell_refusals(t);
	if (inode == t->socket)
		return;
	forget_sent(t);
	t->socket = inode;
	t->index = appmsg_servers_current(t->servers);
	if (inode != 0)
		tell_connection(t, fd);
}

/* Bytes on the rest of the line, or the first ones of them. */
static void
tell_bytes(const char *data, size_t len, size_t max)
{
	size_t cut = len;

	if (len > max)
		for (cut = max; cut > max - 4 &&
		    ((unsigned char)data[cut] & 0xc0) == 0x80; cut--)
			;
	output_field(stderr, data, cut);
	if (cut < len)
		fprintf(stderr, "... and %zu bytes more", len - cut);
	output_text(stderr, "\n");
}

/* A message, part by part. */
static void
tell_message(const struct trace *t, char way, const char *header,
    size_t header_len, const char *content, size_t len)
{
	start_line(t, way);
	fprintf(stderr, "length %02zx %02zx: %zu\n", header_len >> 8,
	    header_len & 0xff, header_len);
	start_line(t, way);
	fputs("header ", stderr);
	tell_bytes(header, header_len, TRACE_HEADER_MAX);
	start_line(t, way);
	fprintf(stderr, "content of %zu bytes%s", len, len > 0 ? " " : "");
	tell_bytes(content, len, TRACE_CONTENT_MAX);
}

int
trace_asked(struct trace *t, const struct appmsg_header *hdr,
    const void *content, size_t len)
{
	struct appmsg_header h = *hdr;
	struct trace_asked *asked;
	size_t header_len;

	if (t == NULL)
		return 0;
	h.content_length = len;
	appmsg_header_encode(&h, NULL, 0, &header_len);
	asked = malloc(sizeof(*asked) + header_len + len);
	if (asked == NULL)
		return APPMSG_ENOMEM;
	if (appmsg_header_encode(&h, asked->data, header_len,
	    &header_len) != 0) {
		free(asked);
		return 0;	/* which the library tells */
	}
	if (len > 0)
		memcpy(asked->data + header_len, content, len);
	asked->header_len = header_len;
	asked->len = len;
	asked->again = false;
	STAILQ_INSERT_TAIL(&t->queue, asked, entry);
	return 0;
}

void
trace_sends(struct trace *t)
{
	struct trace_asked *asked;
	size_t i = 0;

	if (t == NULL || t->socket == 0)
		return;
	STAILQ_FOREACH(asked, &t->queue, entry) {
		if (i++ < t->n_sent)
			continue;
		if (!t->kept && t->n_sent > 0)
			break;
		if (asked->again)
			tell(t, "what was not answered is asked again");
		tell_message(t, '>', asked->data + APPMSG_LENGTH_SIZE,
		    asked->header_len - APPMSG_LENGTH_SIZE,
		    asked->data + asked->header_len, asked->len);
		t->n_sent++;
	}
}

void
trace_received(struct trace *t, const struct appmsg_message *msg)
{
	static const char keep_alive[] = "keep-alive";
	struct trace_asked *asked;
	ino_t before;

	if (t == NULL)
		return;
	before = t->socket;
	trace_connected(t);
	if (msg == NULL)
		return;
	if (t->socket != before)
		trace_sends(t);
	tell_message(t, '<', msg->header_text, msg->header_text_len,
	    msg->content, msg->content_len);
	if ((asked = STAILQ_FIRST(&t->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->queue, entry);
		free(asked);
		t->n_sent -= t->n_sent > 0;
	}
	t->kept = appmsg_str_eq(&msg->header.connection, keep_alive,
	    sizeof(keep_alive) - 1);
	t->ended = !t->kept;
	if (t->ended)
		tell(t, "%s: closed by the server with this reply",
		    server_of(t)->name);
}

void
trace_free(struct trace *t)
{
	struct trace_asked *asked;

	if (t == NULL)
		return;
	if (t->socket != 0 && !t->ended)
		tell(t, "%s: closed by us", server_of(t)->name);
	while ((asked = STAILQ_FIRST(&t->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->queue, entry);
		free(asked);
	}
	free(t);
}
