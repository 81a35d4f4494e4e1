/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A search like any other, so that what is measured is what others wait for,
 * and so that any server of the protocol can be asked.
 */

#include "config.h"

#include "ping.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include <json.h>

#include "appmsg.h"
#include "call.h"
#include "common/clock.h"
#include "client/options/options.h"
#include "output.h"
#include "client/options/query.h"
#include "reply.h"

struct ping {
	int64_t connect_ns;	/* to find the server and be connected */
	int64_t reply_ns;	/* from the request on */
	struct reply reply;
};

/* Ask, and read the reply; 0 or the library's error. */
static int
ping_exchange(struct call *call, struct appmsg_client *client,
    struct ping *ping)
{
	const struct query query = { .explain = true };
	int64_t start = clock_ns();
	struct appmsg_message msg;
	int error;

	if ((error = query_send(client, &query, "", 0, false)) != 0 ||
	    (error = appmsg_client_recv(client, &msg,
	    call_deadline(call))) != 0)
		return error;
	ping->reply_ns = clock_ns() - start;
	if ((error = reply_read_search(&ping->reply, &msg, "", 0)) != 0)
		return error;
	return reply_read_more(&ping->reply, &msg, &query);
}

static void
ping_print(const struct call *call, const struct ping *ping)
{
	struct json_object *generation = reply_member(&ping->reply,
	    "generation", json_type_int);
	struct json_object *loaded = reply_member(&ping->reply, "loaded",
	    json_type_string);

	printf("%s: answered in %.3f ms, connected in %.3f ms", call->server,
	    (double)ping->reply_ns / 1e6, (double)ping->connect_ns / 1e6);
	if (generation != NULL)
		printf(", generation %" PRId64,
		    json_object_get_int64(generation));
	if (generation != NULL && loaded != NULL) {
		output_text(stdout, " of ");
		output_field(stdout, json_object_get_string(loaded),
		    (size_t)json_object_get_string_len(loaded));
	}
	output_text(stdout, "\n");
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
	    json_object_new_string(call->server)) == 0 &&
	    output_json_add(object, "reply-ms",
	    ping_ms(ping->reply_ns)) == 0 &&
	    output_json_add(object, "connect-ms",
	    ping_ms(ping->connect_ns)) == 0 &&
	    output_json_more(object, &ping->reply) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}

/* The server's own words, for a reply that is no answer to a search. */
static void
ping_tell(const struct call *call, const struct reply *reply)
{
	output_flush();
	fprintf(stderr, "appmsg-client: %s: ", call->server);
	output_start(reply->data, reply->len, true);
	output_text(stderr, "\n");
}

void
ping_run(struct call *call)
{
	int64_t start = clock_ns();
	struct ping ping = { .reply = { .data = NULL } };
	struct appmsg_client *client;
	int error;

	if ((client = call_open(call)) == NULL)
		return;
	ping.connect_ns = clock_ns() - start;
	error = ping_exchange(call, client, &ping);
	if (error != 0)
		;
	else if (ping.reply.outcome > REPLY_MISSED) {
		call_count(call, ping.reply.outcome);
		ping_tell(call, &ping.reply);
	} else if (call->options->json)
		error = ping_print_json(call, &ping) == 0 ? 0 : APPMSG_ENOMEM;
	else if (!call->options->quiet)
		ping_print(call, &ping);
	if (error != 0)
		call_error(call, "reply", error);
	reply_clear(&ping.reply);
	appmsg_client_free(client);
}
