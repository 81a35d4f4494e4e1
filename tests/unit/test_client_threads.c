/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Threads with a client each, over a real socket: each gets its own replies.
 * What they have in common is found by ThreadSanitizer, which this is for.
 */

#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "appmsg-session.h"
#include "folder.h"

#define THREADS		8
#define QUERIES		1000
#define BUFFER		4096
#define PATIENCE_MS	60000

/* A request that is whole in buf is answered by its own key; its bytes. */
static size_t
answer(int fd, const char *buf, size_t len)
{
	struct appmsg_header hdr, reply = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("keep-alive"),
		.status = APPMSG_STR("found")
	};
	char content[BUFFER], message[BUFFER];
	struct appmsg_str key;
	size_t used, head_len;
	int n;

	if (appmsg_header_decode(buf, len, &hdr, &used) != 0 ||
	    len - used < hdr.content_length)
		return 0;
	if (appmsg_content_find(buf + used, (size_t)hdr.content_length,
	    "value", &key) != 0)
		return 0;
	n = snprintf(content, sizeof(content), "{\"result\": \"%.*s\"}",
	    (int)key.len, key.raw);
	reply.content_length = (uint64_t)n;
	if (appmsg_header_encode(&reply, message, sizeof(message),
	    &head_len) != 0)
		return 0;
	memcpy(message + head_len, content, (size_t)n);
	len = head_len + (size_t)n;
	if (send(fd, message, len, MSG_NOSIGNAL) != (ssize_t)len)
		return 0;
	return used + (size_t)hdr.content_length;
}

static void *
serve(void *arg)
{
	int fd = *(int *)arg;
	char buf[BUFFER];
	size_t len = 0, used;
	ssize_t n;

	free(arg);
	while ((n = recv(fd, buf + len, sizeof(buf) - len, 0)) > 0) {
		len += (size_t)n;
		while ((used = answer(fd, buf, len)) > 0) {
			len -= used;
			memmove(buf, buf + used, len);
		}
	}
	close(fd);
	return NULL;
}

/* One thread a connection, as many as there are clients. */
static void *
listen_for_all(void *arg)
{
	const int *listener = arg;
	pthread_t threads[THREADS];
	int *fd;

	for (int i = 0; i < THREADS; i++) {
		if ((fd = malloc(sizeof(*fd))) == NULL ||
		    (*fd = accept(*listener, NULL, NULL)) == -1 ||
		    pthread_create(&threads[i], NULL, serve, fd) != 0)
			abort();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

struct asker {
	const char *path;
	int number;
	int right;		/* replies that were those of their requests */
};

/* Several at once, so that some wait in the library. */
static void *
ask(void *arg)
{
	struct asker *asker = arg;
	struct appmsg_servers *servers;
	const struct appmsg_reply *reply;
	struct appmsg_query query;
	char keys[8][32];
	const char *text;
	size_t len;
	int n;

	if (appmsg_servers_new(&servers) != 0)
		return NULL;
	appmsg_servers_add_unix(servers, asker->path);
	for (int i = 0; i < QUERIES; i += 8) {
		for (int k = 0; k < 8; k++) {
			n = snprintf(keys[k], sizeof(keys[k]), "%d-%d",
			    asker->number, i + k);
			appmsg_query_init(&query, keys[k], (size_t)n);
			appmsg_servers_search(servers, &query, keys[k]);
		}
		for (int k = 0; k < 8; k++)
			if (appmsg_servers_reply(servers, &reply,
			    appmsg_deadline(PATIENCE_MS)) == 0 &&
			    appmsg_reply_tag(reply) == keys[k] &&
			    appmsg_reply_text(reply, &text, &len) == 0 &&
			    len == strlen(keys[k]) &&
			    memcmp(text, keys[k], len) == 0)
				asker->right++;
	}
	appmsg_servers_free(servers);
	return NULL;
}

static void
each_thread_has_its_own_replies(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct asker askers[THREADS];
	pthread_t server, threads[THREADS];
	int listener;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", folder_path("socket"));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_not_equal(listener, -1);
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(listener, THREADS), 0);
	assert_int_equal(pthread_create(&server, NULL, listen_for_all,
	    &listener), 0);
	for (int i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ un.sun_path, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, ask,
		    &askers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].right, QUERIES);
	}
	pthread_join(server, NULL);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thread_has_its_own_replies)
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
