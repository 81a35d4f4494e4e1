/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * session: what libappmsg's sessions cost, without a socket.
 *
 *	session [CASE [COUNT]]
 *
 * asks COUNT times, 256 requests at a time, and reads as many replies; prints
 * the nanoseconds of this thread that one request and one reply take: the
 * reply with its tag, status and text, or all its matches.  Under callgrind
 * with two counts, the difference is what they cost in instructions.
 */

#include "config.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/appmsg-session.h"

#define BATCH		256
#define REPLY_MAX	2048

#define KEPT ", \"connection\": \"keep-alive\""
#define MATCH(n) "{\"key\": \"key " n "\", \"result\": \"answer " n "\"}"

static const struct {
	const char *name;
	const char *keys[2];	/* in turn */
	const char *members[2];	/* of the reply's header, if it has no id */
	const char *contents[2];
	bool id;
	enum appmsg_way way;
} cases[] = {
	{ "hit", { "ring", "hobbit hole" },
	    { KEPT ", \"status\": \"found\"", KEPT ", \"status\": \"found\"" },
	    { "{\"result\": \"In the caves beneath the Misty Mountains.\"}",
	    "{\"result\": \"Bag End, Bagshot Row, Hobbiton.\"}" },
	    false, APPMSG_WAY_NONE },
	{ "mixed", { "ring", "rung" },
	    { KEPT ", \"status\": \"found\"",
	    KEPT ", \"status\": \"not-found\"" },
	    { "{\"result\": \"In the caves beneath the Misty Mountains.\"}",
	    "{\"result\": \"No match for \\\"rung\\\".\"}" },
	    false, APPMSG_WAY_NONE },
	{ "utf8", { "Z\xc3\xbcrich", "K\xc3\xb6ln" },
	    { KEPT ", \"status\": \"found\"", KEPT ", \"status\": \"found\"" },
	    { "{\"result\": \"In the caves. \xf0\x9f\x92\x8d\"}",
	    "{\"result\": \"Am Rhein, n\xc3\xb6rdlich von Bonn.\"}" },
	    false, APPMSG_WAY_NONE },
	{ "id", { "ring", "hobbit hole" },
	    { NULL, NULL },
	    { "{\"result\": \"In the caves beneath the Misty Mountains.\"}",
	    "{\"result\": \"Bag End, Bagshot Row, Hobbiton.\"}" },
	    true, APPMSG_WAY_NONE },
	{ "prefix", { "key", "ke" },
	    { KEPT ", \"status\": \"found\"", KEPT ", \"status\": \"found\"" },
	    { "{\"result\": \"answer 1\", \"matches\": [" MATCH("1") ", "
	    MATCH("2") ", " MATCH("3") "], \"more\": true}",
	    "{\"result\": \"answer 1\", \"matches\": [" MATCH("1")
	    "], \"more\": false}" }, false, APPMSG_WAY_PREFIX },
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static size_t
put_reply(char *to, size_t c, size_t i, unsigned long long id)
{
	char members[128];
	size_t size;

	if (cases[c].id)
		snprintf(members, sizeof(members), KEPT ", \"id\": %llu, "
		    "\"status\": \"found\"", id);
	else
		snprintf(members, sizeof(members), "%s",
		    cases[c].members[i % 2]);
	size = (size_t)snprintf(to + 2, REPLY_MAX - 2,
	    "{\"byteorder\": \"little\", \"content-type\": \"text/json\", "
	    "\"content-encoding\": \"utf-8\", \"content-length\": %zu%s}",
	    strlen(cases[c].contents[i % 2]), members);
	to[0] = (char)(size >> 8);
	to[1] = (char)size;
	strcpy(to + 2 + size, cases[c].contents[i % 2]);
	return 2 + size + strlen(cases[c].contents[i % 2]);
}

static size_t
put_replies(char *to, size_t c, unsigned long long id)
{
	size_t len = 0;

	for (size_t i = 0; i < BATCH; i++)
		len += put_reply(to + len, c, i, id + i);
	return len;
}

static void
ask(struct appmsg_session *session, size_t c)
{
	struct appmsg_query query;
	const char *data;

	appmsg_query_init(&query, NULL, 0);
	query.id = cases[c].id;
	query.way = cases[c].way;
	for (size_t i = 0; i < BATCH; i++) {
		query.key = cases[c].keys[i % 2];
		query.key_len = strlen(query.key);
		if (appmsg_session_search(session, &query, session) != 0)
			errx(1, "cannot ask");
	}
	while (appmsg_session_out(session, &data) > 0)
		appmsg_session_sent(session, SIZE_MAX);
}

static size_t
read_all(struct appmsg_session *session, size_t c)
{
	const struct appmsg_reply *reply;
	struct appmsg_match match;
	const char *text;
	size_t len, n = 0;

	while (appmsg_session_reply(session, &reply) == 0) {
		struct appmsg_cursor cursor = { 0 };

		if (appmsg_reply_tag(reply) != session ||
		    appmsg_reply_status(reply) == APPMSG_STATUS_NONE ||
		    appmsg_reply_text(reply, &text, &len) != 0)
			errx(1, "cannot read");
		while (cases[c].way != APPMSG_WAY_NONE &&
		    appmsg_reply_match(reply, &cursor, &match) == 0)
			;
		n++;
	}
	return n;
}

static void
run(size_t c, long count)
{
	static char input[BATCH * REPLY_MAX];
	struct appmsg_session_options options;
	struct appmsg_session *session;
	int64_t start, asked = 0, read = 0;
	size_t len = 0, room;
	char *to;

	appmsg_session_options_init(&options);
	options.at_once = true;
	if (appmsg_session_new(&session, &options) != 0)
		errx(1, "no memory");
	for (long n = 0; n < count; n += BATCH) {
		start = now_ns();
		ask(session, c);
		asked += now_ns() - start;
		if (cases[c].id || n == 0)
			len = put_replies(input, c, 1000000000ull +
			    (unsigned long long)n);
		to = appmsg_session_room(session, len, &room);
		if (to == NULL)
			errx(1, "no memory");
		memcpy(to, input, len);
		appmsg_session_came(session, len);
		start = now_ns();
		if (read_all(session, c) != BATCH)
			errx(1, "not all was read");
		read += now_ns() - start;
	}
	printf("%s: request %lld ns, reply %lld ns\n", cases[c].name,
	    (long long)asked / count, (long long)read / count);
	appmsg_session_free(session);
}

int
main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 1024 * 1024;
	bool ran = false;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		if (argc < 2 || strcmp(cases[c].name, argv[1]) == 0) {
			run(c, count);
			ran = true;
		}
	if (!ran || count <= 0)
		errx(2, "usage: session [CASE [COUNT]]");
	return 0;
}
