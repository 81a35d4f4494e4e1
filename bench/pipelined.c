/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a program pays that asks for keys, many at a time, with a library:
 *
 *	pipelined appmsg|hiredis SOCKET KEYS DEPTH
 *
 * asks for each line of KEYS over a unix socket, DEPTH at once, reads each
 * answer, and prints keys, bytes of the answers, and CPU seconds.  All is as
 * the libraries' manuals have it; the sockets block.
 */

#include "config.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#endif

#include "appmsg-session.h"

#define READ_SIZE 65536

struct key {
	const char *text;
	size_t len;
};

static struct key *keys;
static size_t n_keys;

static void
read_keys(const char *path)
{
	static char *text;	/* the keys' own */
	size_t cap = 0;
	ssize_t len;
	FILE *file;
	char *line;

	if ((file = fopen(path, "r")) == NULL ||
	    (len = getdelim(&text, &cap, '\0', file)) == -1)
		err(1, "%s", path);
	fclose(file);
	for (line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (n_keys % 4096 == 0)
			keys = reallocarray(keys, n_keys + 4096, sizeof(*keys));
		if (keys == NULL)
			err(1, NULL);
		keys[n_keys++] = (struct key){ line, strlen(line) };
	}
}

static int
dial(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		err(1, "%s", path);
	return fd;
}

/* Write what the session has, and read until it has no question left. */
static size_t
exchange(struct appmsg_session *session, int fd)
{
	const struct appmsg_reply *reply;
	const char *data, *text;
	size_t len, bytes = 0;
	ssize_t n;
	char *room;

	while (appmsg_session_unanswered(session) > 0) {
		while ((len = appmsg_session_out(session, &data)) > 0) {
			if ((n = write(fd, data, len)) == -1)
				err(1, "write");
			appmsg_session_sent(session, (size_t)n);
		}
		room = appmsg_session_room(session, READ_SIZE, &len);
		if (room == NULL || (n = read(fd, room, len)) <= 0)
			err(1, "read");
		appmsg_session_came(session, (size_t)n);
		while (appmsg_session_reply(session, &reply) == 0) {
			if (appmsg_reply_status(reply) !=
			    APPMSG_STATUS_FOUND ||
			    appmsg_reply_text(reply, &text, &len) != 0)
				errx(1, "a key was not found");
			bytes += len;
		}
		if (appmsg_session_is_over(session))
			errx(1, "the connection ended");
	}
	return bytes;
}

static size_t
ask_appmsg(const char *path, size_t depth)
{
	struct appmsg_session *session;
	struct appmsg_query query;
	size_t bytes = 0;
	int fd = dial(path);

	if (appmsg_session_new(&session, NULL) != 0)
		errx(1, "no session");
	for (size_t i = 0; i < n_keys; i++) {
		appmsg_query_init(&query, keys[i].text, keys[i].len);
		if (appmsg_session_search(session, &query, NULL) != 0)
			errx(1, "no request");
		if ((i + 1) % depth == 0 || i + 1 == n_keys)
			bytes += exchange(session, fd);
	}
	appmsg_session_free(session);
	close(fd);
	return bytes;
}

#ifdef HAVE_HIREDIS
static size_t
ask_hiredis(const char *path, size_t depth)
{
	static const char get[] = "GET";
	redisContext *context = redisConnectUnix(path);
	size_t bytes = 0, asked = 0;
	redisReply *reply;
	void *got;

	if (context == NULL || context->err != 0)
		errx(1, "%s: no connection", path);
	for (size_t i = 0; i < n_keys; i++) {
		const char *words[] = { get, keys[i].text };
		const size_t lens[] = { sizeof(get) - 1, keys[i].len };

		redisAppendCommandArgv(context, 2, words, lens);
		asked++;
		if ((i + 1) % depth != 0 && i + 1 != n_keys)
			continue;
		for (; asked > 0; asked--) {
			if (redisGetReply(context, &got) != REDIS_OK)
				errx(1, "%s", context->errstr);
			reply = got;
			if (reply->type != REDIS_REPLY_STRING)
				errx(1, "a key was not found");
			bytes += reply->len;
			freeReplyObject(reply);
		}
	}
	redisFree(context);
	return bytes;
}
#else
static size_t
ask_hiredis(const char *path, size_t depth)
{
	(void)path;
	(void)depth;
	errx(77, "built without hiredis");
}
#endif

int
main(int argc, char *argv[])
{
	struct rusage before, after;
	struct timeval took, system;
	size_t bytes, depth;

	if (argc != 5 || (depth = strtoul(argv[4], NULL, 10)) == 0)
		errx(64, "usage: pipelined appmsg|hiredis SOCKET KEYS DEPTH");
	read_keys(argv[3]);
	getrusage(RUSAGE_SELF, &before);
	bytes = strcmp(argv[1], "appmsg") == 0 ? ask_appmsg(argv[2], depth) :
	    ask_hiredis(argv[2], depth);
	getrusage(RUSAGE_SELF, &after);
	timersub(&after.ru_utime, &before.ru_utime, &took);
	timersub(&after.ru_stime, &before.ru_stime, &system);
	timeradd(&took, &system, &took);
	printf("%zu %zu %lld.%06ld\n", n_keys, bytes, (long long)took.tv_sec,
	    (long)took.tv_usec);
	return 0;
}
