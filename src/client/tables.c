/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Which tables there are, in the order that they are asked in.
 */

#include "config.h"

#include "tables.h"

#include <stdio.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/base/output.h"
#include "client/base/reply.h"

/* Ask, and receive the reply; false: what is wrong was told. */
static bool
tables_ask(struct call *call, struct appmsg_message *msg)
{
	static const char content[] = "{\"action\": \"tables\"}";
	static const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	int error = call_send(call, &hdr, content, sizeof(content) - 1);

	if (error != 0) {
		call_error(call, "request", error);
		return false;
	}
	return call_recv(call, msg);
}

static void
tables_print(const struct reply *reply)
{
	size_t n = json_object_array_length(reply->tables);
	struct json_object *name;

	for (size_t i = 0; i < n; i++) {
		name = json_object_array_get_idx(reply->tables, i);
		output_field(stdout, json_object_get_string(name),
		    (size_t)json_object_get_string_len(name));
		output_text(stdout, "\n");
	}
}

/* Print what the reply says; 0 or the library's error. */
static int
tables_show(struct call *call, const struct reply *reply)
{
	if (call->options->json) {
		call_count(call, reply->outcome);
		return output_json_tables(reply) == 0 ? 0 : APPMSG_ENOMEM;
	}
	if (reply->outcome == REPLY_FOUND) {
		tables_print(reply);
	} else if (reply->outcome == REPLY_MISSED) {
		call_count(call, reply->outcome);
		if (!call->options->quiet)
			call_tell(call, "no table may be asked");
	} else {
		call_refused(call, call_server(call), reply);
	}
	return 0;
}

void
tables_run(struct call *call)
{
	struct reply reply = { .data = NULL };
	struct appmsg_message msg;
	int error;

	if (!tables_ask(call, &msg))
		return;
	error = reply_read_tables(&reply, &msg);
	if (error == 0 && reply.outcome <= REPLY_MISSED &&
	    reply.tables == NULL) {
		call_tell(call, "does not know the action tables");
		call_fail(call, EX_PROTOCOL);
	} else if (error == 0) {
		error = tables_show(call, &reply);
	}
	if (error != 0)
		call_error(call, "reply", error);
	reply_clear(&reply);
}
