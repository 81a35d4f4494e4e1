/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Keys stand in a window: a ring of those that are asked, or will be, and not
 * yet answered.  Answers come in the order of the questions, so the first in
 * the window is always the one that a reply is for.
 */

#include "config.h"

#include "search.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/base/keys.h"
#include "client/base/output.h"
#include "client/base/progress.h"
#include "client/options/query.h"
#include "client/base/reply.h"
#include "client/base/show.h"

#define SEARCH_WINDOW 1024	/* questions without an answer, at most */
#define SEARCH_BYTES ((size_t)1024 * 1024)	/* of them, before one more */

#define SEARCH_KEEP 1024	/* bytes of a key's room that is used again */

#define SEARCH_SUGGEST 3	/* near keys, when a single one is missed */

struct search_key {
	char *text;		/* owned, reused */
	size_t len;
	size_t cap;
};

struct search {
	struct call *call;
	struct query query;
	struct keys keys;
	bool keys_ended;
	bool several;		/* KEY<TAB>RESULT */
	struct search_key window[SEARCH_WINDOW];
	size_t first;		/* of the keys in the window */
	size_t count;
	size_t asked;		/* of count */
	size_t bytes;		/* of the keys in the window */
	struct reply reply;
	size_t answers;
	size_t misses;		/* of answers */
	struct progress progress;
};

static bool
search_push(struct search *search, const char *key, size_t len)
{
	struct search_key *slot;
	char *text;

	slot = &search->window[(search->first + search->count) %
	    SEARCH_WINDOW];
	if (slot->text == NULL || slot->cap < len) {
		if ((text = realloc(slot->text, len + 1)) == NULL)
			return false;
		slot->text = text;
		slot->cap = len;
	}
	memcpy(slot->text, key, len);
	slot->len = len;
	search->bytes += len;
	search->count++;
	return true;
}

/*
 * Take one more key; false when there is none now.  Waits for one only while
 * no answer is awaited.
 */
static bool
search_take(struct search *search)
{
	struct call *call = search->call;
	const char *key;
	size_t len;
	int64_t deadline = 0;

	if (search->count == 0) {
		output_flush();
		deadline = call->deadline_ms;
	}
	switch (keys_next(&search->keys, &key, &len, deadline)) {
	case KEYS_ONE:
		if (search_push(search, key, len))
			return true;
		warnx("out of memory");
		call_fail(call, EX_OSERR);
		break;
	case KEYS_LATER:
		if (search->count > 0)
			return false;
		warnx("standard input: timed out");
		call_fail(call, EX_TEMPFAIL);
		break;
	case KEYS_BAD:
		output_flush();
		warnx("standard input, line %zu: %s", search->keys.line,
		    search->keys.why);
		call_fail(call, EX_USAGE);
		return true;
	case KEYS_FAILED:
		warn("standard input");
		call_fail(call, EX_IOERR);
		break;
	case KEYS_END:
		break;
	}
	search->keys_ended = true;
	return false;
}

/* Refill the window, in batches: one wake-up of the server for many. */
static void
search_fill(struct search *search)
{
	if (search->count > SEARCH_WINDOW / 2)
		return;
	while (!search->keys_ended && search->count < SEARCH_WINDOW &&
	    search->bytes < SEARCH_BYTES && search_take(search))
		;
}

/* Ask for all that is in the window. */
static bool
search_ask(struct search *search)
{
	const struct search_key *key;
	int error = 0;

	for (; error == 0 && search->asked < search->count; search->asked++) {
		key = &search->window[(search->first + search->asked) %
		    SEARCH_WINDOW];
		error = call_search(search->call, &search->query,
		    key->text, key->len, search->several);
	}
	if (error != 0)
		call_error(search->call, "request", error);
	return error == 0;
}

/* The first key in the window is answered; a long one is not kept. */
static void
search_drop(struct search *search)
{
	struct search_key *key = &search->window[search->first];

	search->bytes -= key->len;
	if (key->cap > SEARCH_KEEP) {
		free(key->text);
		*key = (struct search_key){ 0 };
	}
	search->first = (search->first + 1) % SEARCH_WINDOW;
	search->count--;
	search->asked--;
}

/* Was the question understood? */
static bool
search_is_understood(const struct search *search)
{
	const char *unknown = reply_unknown(&search->reply, &search->query);

	if (unknown == NULL)
		return true;
	call_tell(search->call, "does not know %s", unknown);
	call_fail(search->call, EX_PROTOCOL);
	return false;
}

/* Use the reply for the first key; false when the search cannot go on. */
static bool
search_answer(struct search *search, const struct appmsg_message *msg)
{
	const struct search_key *key = &search->window[search->first];
	struct reply *reply = &search->reply;
	int error;

	error = reply_read_search(reply, msg, key->text, key->len);
	if (error == 0)
		error = reply_read_more(reply, msg, &search->query);
	if (error != 0) {
		call_error(search->call, "reply", error);
		return false;
	}
	if (!search_is_understood(search))
		return false;
	if (!search->call->options->json)
		show_reply(search->call, reply, key->text, key->len,
		    search->several);
	else if (output_json_reply(key->text, key->len, reply) == -1) {
		call_error(search->call, "reply", APPMSG_ENOMEM);
		return false;
	}
	call_count(search->call, reply->outcome);
	search->answers++;
	search->misses += reply->outcome == REPLY_MISSED;
	search_drop(search);
	progress_count(&search->progress);
	/* A server without a place for us has none for the other keys. */
	return reply->outcome != REPLY_BUSY || reply->keep_alive;
}

/* Get one answer; false when the search cannot go on. */
static bool
search_step(struct search *search)
{
	struct appmsg_message msg;

	return search_ask(search) && call_recv(search->call, &msg) &&
	    search_answer(search, &msg);
}

/* Where several keys were given, say which of them has no answer. */
static void
search_tell_stop(const struct search *search)
{
	const struct search_key *key = &search->window[search->first];

	if (!search->several || search->count == 0)
		return;
	fprintf(stderr, "appmsg-client: %s: stopped before the key: ",
	    call_server(search->call));
	output_start(key->text, key->len, true);
	output_text(stderr, "\n");
}

/* After many lines, how many of the keys were not found. */
static void
search_tell_misses(const struct search *search)
{
	const struct options *options = search->call->options;

	/* Was it one key, and the shell took it apart? */
	bool apart = options->words_count > 1 &&
	    search->misses == search->answers;

	if (search->several && search->misses > 0 && !options->quiet &&
	    !options->json)
		call_tell(search->call, "%zu of %zu keys not found%s",
		    search->misses, search->answers, apart ?
		    "; one with blanks goes in quotes" : "");
}

void
search_run(struct call *call)
{
	const struct options *options = call->options;
	struct search search = { .call = call };

	search.several = options->words_count > 1 ||
	    strcmp(options->words[0], "-") == 0;
	search.query = options->query;
	if (search.query.suggest == -1)
		search.query.suggest = search.several || options->quiet ||
		    search.query.match != NULL ? 0 : SEARCH_SUGGEST;
	keys_init(&search.keys, options->words, options->words_count,
	    STDIN_FILENO);
	progress_begin(&search.progress, options->quiet);
	do
		search_fill(&search);
	while (search.count > 0 && search_step(&search) &&
	    !output_has_failed());
	progress_hide();
	search_tell_stop(&search);
	search_tell_misses(&search);
	reply_clear(&search.reply);
	for (size_t i = 0; i < SEARCH_WINDOW; i++)
		free(search.window[i].text);
	keys_clear(&search.keys);
}
