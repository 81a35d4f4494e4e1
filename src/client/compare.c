/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is asked for is what ping asks for: the explanation of a key that no
 * table has tells what all of them are.
 */

#include "config.h"

#include "compare.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/options/query.h"
#include "client/base/output.h"
#include "client/base/reply.h"

#define DIGEST_LEN	32	/* digits */

struct compare {
	struct call *call;
	size_t n;		/* servers */
	size_t first;		/* that has said it; n: none so far */
	char digest[DIGEST_LEN + 1];	/* of that one */
};

/* Until when to wait for a server. */
static int64_t
compare_deadline(const struct compare *c, size_t index)
{
	int64_t now = appmsg_deadline(0), whole = c->call->deadline_ms;

	if (whole < 0)
		return call_deadline(c->call);
	return whole <= now ? whole : now + (whole - now) /
	    (int64_t)(c->n - index);
}

/* Ask a server, and read the reply; 0 or the library's error. */
static int
compare_exchange(struct appmsg_client *client, struct reply *reply,
    int64_t deadline)
{
	static const char content[] =
	    "{\"action\": \"search\", \"value\": \"\"}";
	static const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close"),
		.explain = true
	};
	const struct query query = { .explain = true };
	struct appmsg_message msg;
	int error;

	if ((error = appmsg_client_send(client, &hdr, content,
	    sizeof(content) - 1)) != 0 ||
	    (error = appmsg_client_recv(client, &msg, deadline)) != 0 ||
	    (error = reply_read_search(reply, &msg, "", 0)) != 0)
		return error;
	return reply_read_more(reply, &msg, &query);
}

/* What all tables of a server are; NULL: it does not say so. */
static const char *
compare_digest(const struct reply *reply)
{
	struct json_object *member = reply_member(reply, "generation-digest",
	    json_type_string);
	const char *text;

	if (member == NULL ||
	    json_object_get_string_len(member) != DIGEST_LEN)
		return NULL;
	text = json_object_get_string(member);
	return strspn(text, "0123456789abcdef") == DIGEST_LEN ? text : NULL;
}

static void
compare_print(const char *server, const struct reply *reply)
{
	static const struct {
		const char *before, *name, *after;
		enum json_type type;
	} members[] = {
		{ ": ", "generation-digest", "", json_type_string },
		{ ", ", "entries", " entries", json_type_int },
		{ ", generation ", "generation", "", json_type_int },
		{ " of ", "loaded", "", json_type_string }
	};

	output_text(stdout, server);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct json_object *value = reply_member(reply,
		    members[i].name, members[i].type);
		const char *text;

		if (value == NULL)
			continue;
		text = json_object_get_string(value);
		output_text(stdout, members[i].before);
		output_field(stdout, text, strlen(text));
		output_text(stdout, members[i].after);
	}
	output_text(stdout, "\n");
}

/* Returns 0, or -1 when there is no memory. */
static int
compare_print_json(const char *server, const struct reply *reply, bool same)
{
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if (output_json_add(object, "server",
	    json_object_new_string(server)) == 0 &&
	    output_json_add(object, "same",
	    json_object_new_boolean(same)) == 0 &&
	    output_json_more(object, reply) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}

/* Say what a server serves. */
static int
compare_tell(struct compare *c, size_t index, const struct reply *reply,
    const char *digest)
{
	const char *name = call_name(c->call, index);
	bool same;

	if (c->first == c->n) {
		c->first = index;
		strlcpy(c->digest, digest, sizeof(c->digest));
	}
	same = strcmp(digest, c->digest) == 0;
	if (c->call->options->json) {
		if (compare_print_json(name, reply, same) != 0)
			return APPMSG_ENOMEM;
	} else if (!c->call->options->quiet) {
		compare_print(name, reply);
	}
	if (same)
		return 0;
	call_tell_at(c->call, index, "serves other entries than %s",
	    call_name(c->call, c->first));
	c->call->missed = true;
	return 0;
}

/* Say that a server has not said it. */
static void
compare_refuse(struct compare *c, size_t index, const struct reply *reply)
{
	if (reply->outcome <= REPLY_MISSED) {
		call_tell_at(c->call, index, "does not say what it serves");
		call_fail(c->call, EX_PROTOCOL);
		return;
	}
	call_refused(c->call, call_name(c->call, index), reply);
}

static void
compare_one(struct compare *c, size_t index)
{
	int64_t deadline = compare_deadline(c, index);
	struct appmsg_client *client = call_open_at(c->call, index,
	    deadline);
	struct reply reply = { .data = NULL };
	const char *digest;
	int error;

	if (client == NULL)
		return;
	error = compare_exchange(client, &reply, deadline);
	digest = error == 0 ? compare_digest(&reply) : NULL;
	if (digest != NULL)
		error = compare_tell(c, index, &reply, digest);
	else if (error == 0)
		compare_refuse(c, index, &reply);
	if (error != 0)
		call_error_at(c->call, index, "reply", error);
	reply_clear(&reply);
	appmsg_client_free(client);
}

void
compare_run(struct call *call)
{
	struct compare c = { .call = call };

	while (call_name(call, c.n) != NULL)
		c.n++;
	c.first = c.n;
	for (size_t i = 0; i < c.n; i++)
		compare_one(&c, i);
}
