/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where both streams may be the same terminal, their lines are in order.
 */

#include "config.h"

#include "show.h"

#include <stdio.h>
#include <string.h>

#include "client/base/call.h"
#include "client/base/color.h"
#include "client/options/options.h"
#include "client/base/output.h"
#include "client/base/reply.h"

static void
show_answer(const struct call *call, const struct reply *reply,
    const char *key, size_t len, bool several)
{
	if (several) {
		if (call->color)
			color_key(stdout, key, len, 0, 0);
		else
			output_field(stdout, key, len);
		output_text(stdout, "\t");
		output_field(stdout, reply->data, reply->len);
	} else {
		output_bytes(stdout, reply->data, reply->len);
	}
	output_text(stdout, "\n");
}

/* The text about a miss or an error. */
static void
show_failure(const struct reply *reply, const char *key, size_t len,
    bool several)
{
	output_flush();
	/* That about a miss names its key. */
	if (several && reply->outcome != REPLY_MISSED) {
		output_start(key, len, true);
		output_text(stderr, ": ");
	}
	output_start(reply->data, reply->len, several);
	output_text(stderr, "\n");
}

/* What who set the server up can do about an error. */
static void
show_hint(const struct call *call, const struct reply *reply)
{
	if (reply->code != NULL && strcmp(reply->code, "not-allowed") == 0)
		call_tell(call, "search= in its appmsgd.conf allows ways to "
		    "search a table, but for one on other machines");
	else if (reply->code != NULL && strcmp(reply->code, "no-table") == 0)
		call_tell(call, "\"appmsg-client tables\" prints the tables "
		    "that there are");
}

static void
show_value(FILE *file, struct json_object *value)
{
	const char *text = json_object_get_string(value);

	output_field(file, text, json_object_is_type(value, json_type_string) ?
	    (size_t)json_object_get_string_len(value) : strlen(text));
}

/* A key that matches what was asked for, in colour. */
static void
show_marked(const struct call *call, struct json_object *value,
    const char *asked, size_t asked_len)
{
	const char *key = json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value), start = 0;
	size_t marked = color_find(call->options->query.match, key, len,
	    asked, asked_len, &start);

	color_key(stdout, key, len, start, marked);
}

static void
show_matches(const struct call *call, const struct reply *reply,
    const char *asked, size_t asked_len)
{
	struct json_object *match, *key;

	for (size_t i = 0; i < json_object_array_length(reply->matches); i++) {
		match = json_object_array_get_idx(reply->matches, i);
		key = json_object_object_get(match, "key");
		if (call->color)
			show_marked(call, key, asked, asked_len);
		else
			show_value(stdout, key);
		output_text(stdout, "\t");
		show_value(stdout, json_object_object_get(match, "result"));
		if (call->options->tsv) {
			output_text(stdout, "\t");
			output_field(stdout, asked, asked_len);
		}
		output_text(stdout, "\n");
	}
	/* Who set a limit knows that there is one. */
	if (reply_has_more(reply) && call->options->query.limit == 0 &&
	    !call->options->quiet)
		call_tell(call, "more keys match; -n shows up to %d, --after "
		    "the next", QUERY_LIMIT_MAX);
}

/* Name the keys that were perhaps meant. */
static void
show_suggestions(const struct call *call, const struct reply *reply)
{
	struct json_object *keys, *key;

	keys = reply_member(reply, "suggestions", json_type_array);
	if (keys == NULL || json_object_array_length(keys) == 0)
		return;
	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		output_text(stderr, i == 0 ? "Did you mean \"" : ", \"");
		key = json_object_array_get_idx(keys, i);
		if (call->color_errors)
			color_key(stderr, json_object_get_string(key),
			    (size_t)json_object_get_string_len(key), 0, 0);
		else
			show_value(stderr, key);
		output_text(stderr, "\"");
	}
	output_text(stderr, "?\n");
}

/* Say where the answer stands, or of which load it is that there is none. */
static void
show_explanation(const struct call *call, const struct reply *reply,
    const char *key, size_t len)
{
	static const struct {
		const char *before, *name;
		enum json_type type;
	} members[] = {
		{ ", table ", "table", json_type_string },
		{ ", ", "file", json_type_string },
		{ ":", "line", json_type_int },
		{ ", ", "source", json_type_string },
		{ " at ", "node", json_type_string },
		{ ", published ", "published", json_type_int },
		{ ", not asked: ", "cause", json_type_string },
		{ ", ", "match", json_type_string },
		{ ", generation ", "generation", json_type_int },
		{ " of ", "loaded", json_type_string }
	};
	struct json_object *value;
	size_t skip = 2;	/* no comma before the first */

	output_flush();
	if (reply_member(reply, "generation", json_type_int) == NULL) {
		call_tell(call, "does not say where answers stand");
		return;
	}
	output_start(key, len, true);
	output_text(stderr, ": ");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		value = reply_member(reply, members[i].name, members[i].type);
		if (value == NULL || (skip > 0 && *members[i].before != ','))
			continue;
		output_text(stderr, members[i].before + skip);
		show_value(stderr, value);
		skip = 0;
	}
	output_text(stderr, "\n");
}

void
show_remarks(const struct call *call, const struct reply *reply,
    const char *key, size_t len)
{
	if (reply->outcome == REPLY_MISSED)
		show_suggestions(call, reply);
	/* An error is explained where a table could not be asked. */
	if (call->options->query.explain && (reply->outcome <= REPLY_MISSED ||
	    reply_member(reply, "cause", json_type_string) != NULL))
		show_explanation(call, reply, key, len);
}

void
show_reply(struct call *call, const struct reply *reply, const char *key,
    size_t len, bool several)
{
	if (reply->outcome == REPLY_MISSED && call->options->quiet)
		return;
	if (reply->outcome != REPLY_FOUND)
		show_failure(reply, key, len, several || call->options->tsv);
	else if (reply->matches != NULL)
		show_matches(call, reply, key, len);
	else
		show_answer(call, reply, key, len,
		    several || call->options->tsv);
	if (reply->outcome == REPLY_ERROR && !several)
		show_hint(call, reply);
	show_remarks(call, reply, key, len);
}

void
show_generation(const struct reply *reply)
{
	struct json_object *generation, *loaded;

	generation = reply_member(reply, "generation", json_type_int);
	loaded = reply_member(reply, "loaded", json_type_string);
	if (generation != NULL) {
		output_text(stdout, ", generation ");
		show_value(stdout, generation);
	}
	if (generation != NULL && loaded != NULL) {
		output_text(stdout, " of ");
		show_value(stdout, loaded);
	}
	output_text(stdout, "\n");
}
