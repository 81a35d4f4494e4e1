/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A search like any other, so that what is measured is what others wait for,
 * and so that any server of the protocol can be asked.
 */

#include "config.h"

#include "ping.h"

#include <stdint.h>
#include <stdio.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "common/clock.h"
#include "client/options/options.h"
#include "client/base/output.h"
#include "client/options/query.h"
#include "client/base/reply.h"
#include "client/base/show.h"

/* How often it is asked, at most, until one server answers at once. */
#define PING_TIMES	3

struct ping {
	size_t server;		/* that was connected to */
	int64_t connect_ns;	/* to find the server and be connected */
	int64_t reply_ns;	/* from the request on */
	struct reply reply;
};

/* Connect and ask once, and take the time of both; false: that was told. */
static bool
ping_once(struct call *call, struct ping *ping, struct appmsg_message *msg)
{
	const struct query query = { .explain = true };
	int64_t start = clock_ns();
	int error;

	if (!call_connect(call))
		return false;
	ping->connect_ns = clock_ns() - start;
	ping->server = appmsg_servers_current(call->servers);
	start = clock_ns();
	error = call_search(call, &query, "", 0, false);
	if (error != 0) {
		call_error(call, "request", error);
		return false;
	}
	if (!call_recv(call, msg))
		return false;
	ping->reply_ns = clock_ns() - start;
	return true;
}

/*
 * Ask, and read the reply; false: that was told.  When another server answered
 * than the one that was connected to, the times are of both, and it is asked
 * for its own.
 */
static bool
ping_exchange(struct call *call, struct ping *ping)
{
	const struct query query = { .explain = true };
	struct appmsg_message msg;
	int error;

	for (int i = 0; i < PING_TIMES; i++) {
		if (!ping_once(call, ping, &msg))
			return false;
		if (ping->server == appmsg_servers_current(call->servers))
			break;
	}
	error = reply_read_search(&ping->reply, &msg, "", 0);
	if (error == 0)
		error = reply_read_more(&ping->reply, &msg, &query);
	if (error != 0)
		call_error(call, "reply", error);
	return error == 0;
}

static void
ping_print(const struct call *call, const struct ping *ping)
{
	printf("%s: answered in %.3f ms, connected in %.3f ms", call_server(call),
	    (double)ping->reply_ns / 1e6, (double)ping->connect_ns / 1e6);
	show_generation(&ping->reply);
}

/* Milliseconds, to the microsecond; takes nothing, returns as json-c does. */
static struct json_object *
ping_ms(int64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)ns / 1e6);
	return json_object_new_double_s((double)ns / 1e6, text);
}

/* Returns 0, or -1 when there is no memory. */
static int
ping_print_json(const struct call *call, const struct ping *ping)
{
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if (output_json_add(object, "server",
	    json_object_new_string(call_server(call))) == 0 &&
	    output_json_add(object, "reply-ms",
	    ping_ms(ping->reply_ns)) == 0 &&
	    output_json_add(object, "connect-ms",
	    ping_ms(ping->connect_ns)) == 0 &&
	    output_json_more(object, &ping->reply) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}

void
ping_run(struct call *call)
{
	struct ping ping = { .reply = { .data = NULL } };

	if (!ping_exchange(call, &ping))
		;
	else if (ping.reply.outcome > REPLY_MISSED)
		call_refused(call, call_server(call), &ping.reply);
	else if (!call->options->json) {
		if (!call->options->quiet)
			ping_print(call, &ping);
	} else if (ping_print_json(call, &ping) == -1) {
		call_error(call, "reply", APPMSG_ENOMEM);
	}
	reply_clear(&ping.reply);
}
