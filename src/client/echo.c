/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An echo service has no messages, so the library only connects.  Each
 * connection writes and reads at once, or two full buffers would wait for each
 * other, and is closed when all has come back: not before, since there are
 * servers that drop what they still have to send when their client is done.
 */

#include "config.h"

#include "echo.h"

#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/base/output.h"

#define ECHO_SPARE_FILES 64	/* descriptors for all but connections */

struct echo_connection {
	struct appmsg_client *client;	/* owned; NULL when it is done */
	size_t sent;
	char *got;		/* borrowed; room for one byte too many */
	size_t got_len;
};

struct echo {
	struct call *call;
	char *all;		/* the texts in a row; owned */
	char *got;		/* owned; what the connections borrow */
	size_t len;
	struct echo_connection *connections;	/* owned */
	struct pollfd *pfds;	/* owned; one a connection, -1 when done */
	int count;		/* of connections that were made */
	int pending;		/* of those, not done */
};

static int
echo_init(struct echo *echo, struct call *call)
{
	const struct options *options = call->options;
	size_t n = (size_t)options->connections, len;

	memset(echo, 0, sizeof(*echo));
	echo->call = call;
	for (int i = 0; i < options->words_count; i++)
		echo->len += strlen(options->words[i]);
	echo->all = malloc(echo->len + 1);
	echo->got = reallocarray(NULL, n, echo->len + 1);
	echo->connections = calloc(n, sizeof(*echo->connections));
	echo->pfds = calloc(n, sizeof(*echo->pfds));
	if (echo->all == NULL || echo->got == NULL ||
	    echo->connections == NULL || echo->pfds == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		echo->connections[i].got = echo->got + i * (echo->len + 1);
	echo->len = 0;
	for (int i = 0; i < options->words_count; i++) {
		len = strlen(options->words[i]);
		memcpy(echo->all + echo->len, options->words[i], len);
		echo->len += len;
	}
	return 0;
}

static void
echo_clear(struct echo *echo)
{
	for (int i = 0; i < echo->count; i++)
		appmsg_client_free(echo->connections[i].client);
	free(echo->got);
	free(echo->connections);
	free(echo->pfds);
	free(echo->all);
}

/* The soft limit of descriptors is for programs that use select(2). */
static void
echo_raise_limit(int connections)
{
	rlim_t wanted = (rlim_t)connections + ECHO_SPARE_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
	    limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
echo_finish(struct echo *echo, int index)
{
	appmsg_client_free(echo->connections[index].client);
	echo->connections[index].client = NULL;
	echo->pfds[index].fd = -1;
	echo->pending--;
}

/* Tell how a connection failed, and end it. */
static void __attribute__((format(printf, 3, 4)))
echo_fail(struct echo *echo, int index, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	call_tell(echo->call, "connection %d: %s", index + 1, why);
	call_fail(echo->call, EX_PROTOCOL);
	echo_finish(echo, index);
}

/* Make all connections; false when one cannot be made. */
static bool
echo_connect(struct echo *echo)
{
	struct echo_connection *connection;

	for (int i = 0; i < echo->call->options->connections; i++) {
		connection = &echo->connections[i];
		echo->count++;
		connection->client = call_open(echo->call);
		if (connection->client == NULL)
			return false;
		echo->pfds[i].fd = appmsg_client_fd(connection->client);
		echo->pending++;
		if (echo->len == 0)
			echo_finish(echo, i);
	}
	return true;
}

/* What the connection takes; reading tells why it takes no more. */
static void
echo_write(struct echo *echo, int index)
{
	struct echo_connection *connection = &echo->connections[index];
	size_t n;

	if (appmsg_client_write(connection->client, echo->all +
	    connection->sent, echo->len - connection->sent, &n) != 0) {
		echo_fail(echo, index, "%s", appmsg_strerror(APPMSG_ENOMEM));
		return;
	}
	connection->sent += n;
}

/* Tell of a connection that is over before all has come back. */
static void
echo_end(struct echo *echo, int index, int error)
{
	size_t len = echo->connections[index].got_len;

	if (error == APPMSG_EOF)
		echo_fail(echo, index, "closed after %zu of %zu bytes", len,
		    echo->len);
	else
		echo_fail(echo, index, "%s after %zu of %zu bytes",
		    error == APPMSG_EIO ? strerror(errno) :
		    call_why(echo->call, error), len, echo->len);
}

/* Read once; false when there is no more for now, or for ever. */
static bool
echo_read(struct echo *echo, int index)
{
	struct echo_connection *connection = &echo->connections[index];
	size_t before = connection->got_len, end, same, n;
	int error;

	error = appmsg_client_read(connection->client,
	    connection->got + before, echo->len + 1 - before, &n, 0);
	if (error != 0) {
		if (error != APPMSG_ETIMEDOUT)
			echo_end(echo, index, error);
		return false;
	}
	end = connection->got_len = before + n;
	for (same = before; same < end && same < echo->len &&
	    connection->got[same] == echo->all[same]; same++)
		;
	if (same < end)
		echo_fail(echo, index, "differs at byte %zu%s", same + 1,
		    same == 0 ? "; is that an echo service?" : "");
	else if (end == echo->len)
		echo_finish(echo, index);
	return connection->client != NULL;
}

/* What poll(2) said of a connection. */
static void
echo_move(struct echo *echo, int index)
{
	short events = echo->pfds[index].revents;

	if (events & POLLOUT)
		echo_write(echo, index);
	if ((events & ~POLLOUT) && echo->connections[index].client != NULL)
		while (echo_read(echo, index))
			continue;
}

/* What is waited for of a connection. */
static short
echo_events(const struct echo *echo, int index)
{
	const struct echo_connection *connection = &echo->connections[index];

	return connection->client != NULL &&
	    (connection->sent < echo->len ||
	    appmsg_client_has_unsent(connection->client)) ?
	    POLLIN | POLLOUT : POLLIN;
}

/* Move bytes until every connection is done or nothing moves any more. */
static void
echo_exchange(struct echo *echo)
{
	int64_t left;
	int ready;

	while (echo->pending > 0) {
		for (int i = 0; i < echo->count; i++)
			echo->pfds[i].events = echo_events(echo, i);
		left = call_deadline(echo->call) - appmsg_deadline(0);
		if (left > INT_MAX)
			left = INT_MAX;
		ready = left <= 0 ? 0 :
		    poll(echo->pfds, (nfds_t)echo->count, (int)left);
		if (ready == -1 && errno != EINTR) {
			warn("poll");
			call_fail(echo->call, EX_OSERR);
			return;
		}
		if (ready == 0) {
			call_tell(echo->call, "timed out: %d of %d "
			    "connections are not done", echo->pending,
			    echo->count);
			call_fail(echo->call, EX_TEMPFAIL);
			return;
		}
		for (int i = 0; ready > 0 && i < echo->count; i++)
			echo_move(echo, i);
	}
}

static int
echo_print_json(int index, const char *text, size_t text_len,
    const char *got, size_t len)
{
	struct json_object *object = json_object_new_object(), *value;
	bool same = len == text_len && memcmp(got, text, len) == 0;
	int error = -1;

	if (object == NULL)
		return -1;
	if ((value = json_object_new_int(index + 1)) == NULL ||
	    json_object_object_add(object, "connection", value) != 0 ||
	    output_json_bytes(object, "key", text, text_len) == -1 ||
	    (value = json_object_new_boolean(same)) == NULL ||
	    json_object_object_add(object, "found", value) != 0 ||
	    output_json_bytes(object, "result", got, len) == -1)
		goto end;
	error = output_json(object);
end:
	json_object_put(object);
	return error;
}

/* Print what came back on a connection, a line for each text. */
static void
echo_print(struct echo *echo, int index)
{
	const struct options *options = echo->call->options;
	const struct echo_connection *connection = &echo->connections[index];
	const char *got = connection->got, *text;
	size_t left = connection->got_len, len, text_len;

	for (int i = 0; i < options->words_count; i++) {
		text = options->words[i];
		text_len = strlen(text);
		len = left < text_len ? left : text_len;
		/* What is too much belongs to the last. */
		if (i == options->words_count - 1)
			len = left;
		if (options->json) {
			if (echo_print_json(index, text, text_len, got,
			    len) == -1)
				call_error(echo->call, "reply",
				    APPMSG_ENOMEM);
		} else if (len > 0 || text_len == 0) {
			output_bytes(stdout, got, len);
			output_text(stdout, "\n");
		}
		got += len;
		left -= len;
	}
}

void
echo_run(struct call *call)
{
	struct echo echo;

	if (echo_init(&echo, call) == -1) {
		call_error(call, "echo", APPMSG_ENOMEM);
	} else {
		echo_raise_limit(call->options->connections);
		if (echo_connect(&echo)) {
			echo_exchange(&echo);
			for (int i = 0; i < echo.count; i++)
				echo_print(&echo, i);
		}
	}
	echo_clear(&echo);
}
