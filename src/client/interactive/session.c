/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "session.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "appmsg.h"
#include "asker.h"
#include "catch.h"
#include "choices.h"
#include "client/base/call.h"
#include "client/base/output.h"
#include "client/base/show.h"
#include "client/options/options.h"
#include "common/clock.h"
#include "view.h"

/* How long a start waits for a server before it lets somebody type. */
#define SESSION_START_MS	1000

/* How long TAB may hold up who types, and how long its question may last. */
#define SESSION_TYPING_MS	200
#define SESSION_BEHIND_MS	2000

/* Keys that TAB asks for. */
#define SESSION_KEYS		50

/* Questions that hang and are not waited for any more. */
#define SESSION_LEFT_MAX	32

/* Bytes that are printed before somebody may have had enough. */
#define SESSION_PIECE		4096

/* What is pending, where that are the tables: nobody can type it. */
#define SESSION_TABLES		"\n"

int
session_init(struct session *session, const struct call *call)
{
	memset(session, 0, sizeof(*session));
	session->call = call;
	return settings_init(&session->settings, &call->options->query);
}

void
session_next_line(struct session *session)
{
	free(session->pending);
	session->pending = NULL;
}

/* Whatever it does, nobody waits for it. */
static void
leave_asker(struct session *session)
{
	asker_free(session->asker);
	session->asker = NULL;
	session_next_line(session);
}

void
session_clear(struct session *session)
{
	leave_asker(session);
	settings_clear(&session->settings);
	reply_clear(&session->reply);
}

/* Have one that asks nothing now; false: that was told. */
static bool
have_asker(struct session *session)
{
	if (session->asker != NULL && asker_is_busy(session->asker))
		leave_asker(session);
	if (session->asker != NULL)
		return true;
	if (asker_count_left(0) > SESSION_LEFT_MAX) {
		warnx("too many questions hang; wait until they end");
		return false;
	}
	session->asker = asker_new(session->call->options,
	    session->call->servers);
	return session->asker != NULL;
}

/* Until when a question that is asked now may last. */
static int64_t
deadline(struct session *session)
{
	struct call *call = asker_call(session->asker);

	call->deadline_ms = appmsg_deadline(call->options->timeout_ms);
	return call_deadline(call);
}

/* Is that enough of it? */
static bool
is_enough(void)
{
	switch (catch_take()) {
	case CATCH_INTERRUPT:
	case CATCH_END:
		return true;
	case CATCH_STOP:
		catch_stop();
		break;
	case CATCH_CONTINUE:
		catch_continue();
		break;
	case CATCH_NONE:
	case CATCH_RESIZE:
		break;
	}
	return false;
}

/* Wait for what was asked; false when it is not to be waited for. */
static bool
wait_until(struct session *session, int64_t until_ms)
{
	enum asker_result result;

	do
		result = asker_wait(session->asker, until_ms, catch_fd());
	while (result == ASKER_WOKEN && !is_enough());
	if (result == ASKER_DONE)
		return true;
	leave_asker(session);
	return false;
}

/* Wait for an answer; false when there is none, which is told. */
static bool
wait_answer(struct session *session)
{
	if (!wait_until(session, -1)) {
		output_text(stdout, "Broken off.\n");
		return false;
	}
	if (asker_error(session->asker) == 0)
		return true;
	call_all_failed(asker_call(session->asker));
	return false;
}

/* A question could not be asked, or its answer not be read. */
static void
tell_error(struct session *session, const char *subject, int error)
{
	call_error(asker_call(session->asker), subject, error);
	leave_asker(session);
}

/* Ask, and get the reply; false when there is none, which is told. */
static bool
ask(struct session *session, const struct query *query, const char *key,
    size_t len)
{
	int error;

	if (!have_asker(session))
		return false;
	error = asker_search(session->asker, query, key, len,
	    deadline(session));
	if (error != 0) {
		tell_error(session, "request", error);
		return false;
	}
	if (!wait_answer(session))
		return false;
	error = asker_read(session->asker, &session->reply, query, key, len);
	if (error != 0)
		tell_error(session, "reply", error);
	return error == 0;
}

void
session_greet(struct session *session)
{
	struct call *call;

	if (!have_asker(session))
		return;
	call = asker_call(session->asker);
	asker_connect(session->asker, deadline(session));
	if (!wait_until(session, appmsg_deadline(SESSION_START_MS)))
		output_text(stdout, "No server is connected to yet.\n");
	else if (asker_error(session->asker) != 0)
		call_all_failed(call);
	else
		printf("Connected to %s.\n", call_server(call));
	output_text(stdout, "A line is a key; \\? shows the commands, Ctrl-D "
	    "ends.\n");
}

/* Print a text of any length, until somebody has had enough. */
static void
print_text(const char *data, size_t len)
{
	size_t n;

	while (len > 0 && !catch_has_interrupt() && !output_has_failed()) {
		n = len < SESSION_PIECE ? len : SESSION_PIECE;
		/* Not within a character; it is UTF-8. */
		while (n < len && n > 1 &&
		    ((unsigned char)data[n] & 0xc0) == 0x80)
			n--;
		output_bytes(stdout, data, n);
		data += n;
		len -= n;
	}
	output_text(stdout, "\n");
}

/* Who wants to leave may not know how. */
static void
hint(const char *key, size_t len)
{
	static const char *const words[][2] = {
		{ "quit", "\\q or Ctrl-D ends the program.\n" },
		{ "exit", "\\q or Ctrl-D ends the program.\n" },
		{ "help", "\\? shows the commands.\n" }
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i][0]) == len &&
		    memcmp(words[i][0], key, len) == 0)
			output_text(stdout, words[i][1]);
}

static bool
has_matches(const struct reply *reply)
{
	return reply->matches != NULL &&
	    json_object_array_length(reply->matches) > 0;
}

static void
show(struct session *session, const struct query *query, const char *key,
    size_t len)
{
	const struct reply *reply = &session->reply;

	if (reply->outcome != REPLY_FOUND) {
		output_flush();
		output_start(reply->data, reply->len, true);
		output_text(stderr, "\n");
	} else if (has_matches(reply)) {
		view_matches(asker_call(session->asker), reply, query, key,
		    len);
	} else {
		print_text(reply->data, reply->len);
	}
	show_remarks(asker_call(session->asker), reply, key, len);
	if (reply->outcome == REPLY_MISSED)
		hint(key, len);
}

void
session_search(struct session *session, const char *key, size_t len)
{
	struct query query = settings_query(&session->settings);
	const char *unknown;

	if (!ask(session, &query, key, len))
		return;
	unknown = reply_unknown(&session->reply, &query);
	if (unknown != NULL)
		call_tell(asker_call(session->asker),
		    "does not know what \\%s is for", unknown + 1);
	else
		show(session, &query, key, len);
}

/* All servers; the one that answered has a mark. */
static void
print_servers(struct call *call)
{
	size_t current = appmsg_servers_current(call->servers);
	const char *name;

	if (call_name(call, 1) == NULL)
		return;
	for (size_t i = 0; (name = call_name(call, i)) != NULL; i++)
		printf("%c %s\n", i == current ? '*' : ' ', name);
}

void
session_who(struct session *session)
{
	const struct query query = { .explain = true };
	struct call *call;
	int64_t start = clock_ns();

	/* As ping asks. */
	if (!ask(session, &query, "", 0))
		return;
	call = asker_call(session->asker);
	printf("%s answered in %.1f ms", call_server(call),
	    (double)(clock_ns() - start) / 1e6);
	show_generation(&session->reply);
	print_servers(call);
}

/* Those tables of the reply that begin with a text. */
static void
add_tables(const struct session *session, const char *text, size_t len,
    struct choices *choices)
{
	struct json_object *tables = session->reply.tables, *one;

	if (tables == NULL)
		return;
	for (size_t i = 0; i < json_object_array_length(tables); i++) {
		one = json_object_array_get_idx(tables, i);
		if (strncmp(json_object_get_string(one), text, len) == 0)
			choices_add(choices, json_object_get_string(one),
			    (size_t)json_object_get_string_len(one));
	}
}

/* Show what the reply says of them. */
static void
show_tables(struct session *session)
{
	const struct reply *reply = &session->reply;
	struct call *call = asker_call(session->asker);
	struct choices choices = { .n = 0 };

	add_tables(session, "", 0, &choices);
	if (reply->outcome > REPLY_MISSED && reply->has_status)
		call_refused(call, call_server(call), reply);
	else if (reply->tables == NULL)
		call_tell(call, "does not say which tables there are");
	else if (choices.n == 0)
		call_tell(call, "no table may be asked");
	else
		choices_print(&choices, view_width());
	choices_clear(&choices);
}

void
session_tables(struct session *session)
{
	int error;

	if (!have_asker(session))
		return;
	error = asker_tables(session->asker, deadline(session));
	if (error != 0) {
		tell_error(session, "request", error);
		return;
	}
	if (!wait_answer(session))
		return;
	error = asker_read_tables(session->asker, &session->reply);
	if (error != 0)
		tell_error(session, "reply", error);
	else
		show_tables(session);
}

/* Does an answer come by then? */
static bool
is_answered(struct session *session, int64_t until_ms)
{
	return asker_wait(session->asker, until_ms, -1) == ASKER_DONE;
}

/*
 * Get the answer for a text that is being typed; false when it is not there by
 * then.  What is late goes on, and may be there for the next TAB.
 */
static bool
find(struct session *session, const char *text, const struct query *query)
{
	int64_t until = appmsg_deadline(SESSION_BEHIND_MS);
	int64_t typing = appmsg_deadline(SESSION_TYPING_MS);
	bool same = session->pending != NULL &&
	    strcmp(session->pending, text) == 0;
	int error;

	if (session->asker == NULL && !have_asker(session))
		return false;
	if (asker_is_busy(session->asker)) {
		if (!is_answered(session, typing))
			return false;
		if (same)
			return asker_error(session->asker) == 0;
	}
	free(session->pending);
	session->pending = strdup(text);
	error = query == NULL ? asker_tables(session->asker, until) :
	    asker_search(session->asker, query, text, strlen(text), until);
	return error == 0 && is_answered(session, typing) &&
	    asker_error(session->asker) == 0;
}

/* A key, so that it is one when it is typed; false: that it cannot be. */
static bool
add_key(struct choices *choices, const char *key, size_t len, bool escaped)
{
	char *word;
	int error;

	if (memchr(key, '\0', len) != NULL || (len > 0 && *key == ' '))
		return false;
	/* Or what was typed as a key would become a command. */
	if (escaped && (len == 0 || *key != '\\'))
		return false;
	if (escaped || len == 0 || *key != '\\')
		return choices_add(choices, key, len) == 0;
	if ((word = malloc(len + 1)) == NULL)
		return false;
	*word = '\\';
	memcpy(word + 1, key, len);
	error = choices_add(choices, word, len + 1);
	free(word);
	return error == 0;
}

void
session_find_keys(struct session *session, const char *text, size_t len,
    struct choices *choices)
{
	struct query query = settings_prefix(&session->settings,
	    SESSION_KEYS);
	struct reply *reply = &session->reply;
	struct json_object *key;

	if (!find(session, text, &query) || asker_read(session->asker, reply,
	    &query, text, len) != 0 || reply->outcome != REPLY_FOUND ||
	    !has_matches(reply))
		return;
	choices->more = reply_has_more(reply);
	for (size_t i = 0; i < json_object_array_length(reply->matches); i++) {
		key = json_object_object_get(json_object_array_get_idx(
		    reply->matches, i), "key");
		if (!add_key(choices, json_object_get_string(key),
		    (size_t)json_object_get_string_len(key),
		    len > 0 && *text == '\\'))
			choices->more = true;
	}
}

void
session_find_tables(struct session *session, const char *text, size_t len,
    struct choices *choices)
{
	if (find(session, SESSION_TABLES, NULL) &&
	    asker_read_tables(session->asker, &session->reply) == 0)
		add_tables(session, text, len, choices);
}
