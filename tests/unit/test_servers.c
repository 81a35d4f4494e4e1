/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lists of servers: whatever befalls them, each request gets its reply, once and
 * in order, as long as one of them gives it.
 * The clients are of this test, which decides how connections fare.
 */

#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appmsg-session.h"
#include "failing.h"
#include "lib/client/client.h"
#include "roll.h"

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))
#define SERVERS		3
#define ROUNDS		3000
#define REQUESTS	60
#define WINDOW		8
#define QUEUE		(2 * WINDOW)

/* How a server is in a call, as dice or a test have it. */
enum mood { GOOD, DOWN, HUNG, CLOSED, BROKEN, FOREIGN, BUSY, MOODS };

static enum mood moods[SERVERS];
static bool keeps[SERVERS];	/* connections stay */
static unsigned int opened[SERVERS];	/* in this call */

struct appmsg_client {
	size_t server;
	unsigned int asked[QUEUE];	/* numbers of requests, oldest first */
	size_t n_asked;
	bool kept;		/* it has said so */
};

int __wrap_appmsg_client_open(struct appmsg_client **, const char *,
    const char *, int64_t);
int __wrap_appmsg_client_open_unix(struct appmsg_client **, const char *,
    int64_t);
void __wrap_appmsg_client_free(struct appmsg_client *);
void __wrap_appmsg_client_set_max(struct appmsg_client *, size_t);
int __wrap_appmsg_client_fd(const struct appmsg_client *);
void __wrap_client_send_session(struct appmsg_client *,
    struct appmsg_session *);
int __wrap_client_exchange(struct appmsg_client *, struct appmsg_session *,
    int64_t);

/* Port "1" is server 0. */
int
__wrap_appmsg_client_open(struct appmsg_client **client, const char *host,
    const char *port, int64_t deadline_ms)
{
	size_t server = (size_t)(*port - '1');

	(void)host;
	(void)deadline_ms;
	assert_true(server < SERVERS);
	opened[server]++;
	if (moods[server] == DOWN) {
		errno = ECONNREFUSED;
		return APPMSG_ECONN;
	}
	*client = calloc(1, sizeof(**client));
	assert_non_null(*client);
	(*client)->server = server;
	return 0;
}

int
__wrap_appmsg_client_open_unix(struct appmsg_client **client, const char *path,
    int64_t deadline_ms)
{
	return __wrap_appmsg_client_open(client, "", path + 1, deadline_ms);
}

void
__wrap_appmsg_client_free(struct appmsg_client *client)
{
	free(client);
}

void
__wrap_appmsg_client_set_max(struct appmsg_client *client, size_t max)
{
	assert_non_null(client);
	assert_true(max > 0);
}

int
__wrap_appmsg_client_fd(const struct appmsg_client *client)
{
	assert_non_null(client);
	return -1;
}

void
__wrap_client_send_session(struct appmsg_client *client,
    struct appmsg_session *session)
{
	struct appmsg_header hdr;
	const char *data;
	size_t len, used;

	while ((len = appmsg_session_out(session, &data)) > 0) {
		char number[16] = "";

		assert_int_equal(appmsg_header_decode(data, len, &hdr, &used),
		    0);
		assert_true(hdr.content_length <= len - used);
		assert_true(client->n_asked < QUEUE);
		/* Until it has said that it stays, one request alone. */
		assert_true(client->kept || client->n_asked == 0);
		len = (size_t)hdr.content_length;
		memcpy(number, data + used, len < 15 ? len : 15);
		client->asked[client->n_asked++] = (unsigned int)strtoul(
		    number, NULL, 10);
		appmsg_session_sent(session, used + len);
	}
}

/* A reply with the number that was asked first. */
static void
answer(struct appmsg_client *client, struct appmsg_session *session,
    const char *status)
{
	struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8")
	};
	char message[300], content[16];
	size_t len;

	assert_true(client->n_asked > 0);
	snprintf(content, sizeof(content), "%u", client->asked[0]);
	memmove(client->asked, client->asked + 1,
	    --client->n_asked * sizeof(*client->asked));
	client->kept = keeps[client->server];
	if (client->kept)
		hdr.connection = (struct appmsg_str)APPMSG_STR("keep-alive");
	hdr.status = (struct appmsg_str){ status, strlen(status), 0 };
	hdr.content_length = strlen(content);
	assert_int_equal(appmsg_header_encode(&hdr, message, sizeof(message),
	    &len), 0);
	assert_int_equal(appmsg_session_feed(session, message, len), 0);
	assert_int_equal(appmsg_session_feed(session, content,
	    strlen(content)), 0);
}

int
__wrap_client_exchange(struct appmsg_client *client,
    struct appmsg_session *session, int64_t deadline_ms)
{
	(void)deadline_ms;
	__wrap_client_send_session(client, session);
	switch (moods[client->server]) {
	case GOOD:
		answer(client, session, "found");
		return 0;
	case BUSY:
		answer(client, session, "busy");
		return 0;
	case HUNG:
		return APPMSG_ETIMEDOUT;
	case DOWN:
	case CLOSED:
		errno = 0;
		return APPMSG_EOF;
	case BROKEN:
		errno = ECONNRESET;
		return APPMSG_EIO;
	case FOREIGN:
		return APPMSG_EPROTO;
	case MOODS:
		break;
	}
	abort();
}

static struct appmsg_servers *
make(const char *list)
{
	struct appmsg_servers *servers;

	assert_int_equal(appmsg_servers_new(&servers), 0);
	assert_int_equal(appmsg_servers_add(servers, list, "65432", false), 0);
	for (size_t i = 0; i < SERVERS; i++) {
		moods[i] = GOOD;
		keeps[i] = true;
		opened[i] = 0;
	}
	return servers;
}

static void
request(struct appmsg_servers *servers, unsigned int number)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8")
	};
	char content[16];

	snprintf(content, sizeof(content), "%u", number);
	assert_int_equal(appmsg_servers_send(servers, &hdr, content,
	    strlen(content)), 0);
}

static int
receive(struct appmsg_servers *servers, struct appmsg_message *msg)
{
	int error;

	memset(opened, 0, sizeof(opened));
	error = appmsg_servers_recv(servers, msg, -1);
	for (size_t i = 0; i < SERVERS; i++)
		assert_true(opened[i] <= 1);
	return error;
}

static unsigned long
number_of(const struct appmsg_message *msg)
{
	char text[16] = "";

	memcpy(text, msg->content, msg->content_len);
	return strtoul(text, NULL, 10);
}

static void
expect(struct appmsg_servers *servers, unsigned int number, size_t server)
{
	struct appmsg_message msg;

	assert_int_equal(receive(servers, &msg), 0);
	assert_int_equal(number_of(&msg), number);
	assert_int_equal(appmsg_servers_current(servers), server);
}

static void
nothing_to_ask_is_told(void **state)
{
	struct appmsg_servers *servers = make("a:1"), *none;
	struct appmsg_client *client;
	struct appmsg_message msg;

	(void)state;
	assert_int_equal(appmsg_servers_recv(servers, &msg, -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_open(servers, 1, &client, -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_new(&none), 0);
	request(none, 1);
	assert_int_equal(appmsg_servers_recv(none, &msg, -1), APPMSG_EINVAL);
	assert_int_equal(appmsg_servers_connect(none, -1), APPMSG_EINVAL);
	appmsg_servers_free(none);
	appmsg_servers_free(servers);
}

static void
one_that_works_is_kept(void **state)
{
	struct appmsg_servers *servers = make("a:1,b:2,/3");

	(void)state;
	moods[0] = DOWN;
	for (unsigned int i = 0; i < 4; i++)
		request(servers, i);
	expect(servers, 0, 1);
	moods[0] = GOOD;
	expect(servers, 1, 1);
	/* It closes in time, and is as good as ever. */
	keeps[1] = false;
	expect(servers, 2, 1);
	expect(servers, 3, 1);
	assert_int_equal(opened[1], 1);
	assert_int_equal(opened[0] + opened[2], 0);
	appmsg_servers_free(servers);
}

static void
why_each_failed_is_told(void **state)
{
	struct appmsg_servers *servers = make("a:1,b:2,c:3");
	const struct appmsg_server *server;
	struct appmsg_message msg;

	(void)state;
	moods[0] = DOWN;
	moods[1] = HUNG;
	moods[2] = BROKEN;
	request(servers, 1);
	assert_int_equal(receive(servers, &msg), APPMSG_EIO);
	assert_int_equal(errno, ECONNRESET);
	server = appmsg_servers_get(servers, 0);
	assert_int_equal(server->error, APPMSG_ECONN);
	assert_int_equal(server->system_error, ECONNREFUSED);
	assert_false(server->connected);
	server = appmsg_servers_get(servers, 1);
	assert_int_equal(server->error, APPMSG_ETIMEDOUT);
	assert_true(server->connected);
	assert_int_equal(appmsg_servers_get(servers, 2)->error, APPMSG_EIO);
	/* What was asked stays so. */
	moods[1] = GOOD;
	expect(servers, 1, 1);
	appmsg_servers_free(servers);
}

static void
busy_is_a_reply_when_nobody_says_more(void **state)
{
	struct appmsg_servers *servers = make("a:1,b:2,c:3");
	struct appmsg_message msg;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		request(servers, i);
	moods[0] = BUSY;
	moods[1] = DOWN;
	expect(servers, 0, 2);
	moods[2] = BUSY;
	moods[0] = HUNG;
	assert_int_equal(receive(servers, &msg), 0);
	assert_true(appmsg_str_eq(&msg.header.status, "busy", 4));
	assert_int_equal(number_of(&msg), 1);
	assert_int_equal(appmsg_servers_current(servers), 2);
	/* All are taken at their word for a while. */
	moods[0] = GOOD;
	assert_int_equal(receive(servers, &msg), 0);
	assert_true(appmsg_str_eq(&msg.header.status, "busy", 4));
	assert_int_equal(opened[0], 0);
	moods[2] = GOOD;
	expect(servers, 3, 2);
	appmsg_servers_forget(servers);
	assert_int_equal(receive(servers, &msg), APPMSG_EINVAL);
	appmsg_servers_free(servers);
}

/* What dice say of each server in the next call. */
static void
roll_moods(void)
{
	for (size_t i = 0; i < SERVERS; i++) {
		if (roll(3) == 0)
			moods[i] = (enum mood)roll(MOODS);
		if (roll(8) == 0)
			moods[i] = GOOD;
		keeps[i] = roll(4) != 0;
	}
}

/* A call may fail only when nobody could have answered. */
static void
check_failure(void)
{
	for (size_t i = 0; i < SERVERS; i++)
		assert_true(moods[i] != GOOD && moods[i] != BUSY);
}

static void
each_request_has_its_reply(void **state)
{
	static char list[] = "a:1,b:2,/3";
	struct appmsg_servers *servers;
	struct appmsg_message msg;
	unsigned int asked, next;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		servers = make(list);
		asked = next = 0;
		while (next < REQUESTS) {
			while (asked < next + WINDOW && roll(4) != 0)
				request(servers, asked++);
			if (asked == next)
				continue;
			roll_moods();
			if (receive(servers, &msg) != 0) {
				check_failure();
				continue;
			}
			assert_int_equal(number_of(&msg),
			    next);
			next++;
		}
		appmsg_servers_free(servers);
	}
}

static void
searches_have_tags_and_replies(void **state)
{
	struct appmsg_servers *servers = make("a:1,b:2,c:3");
	const struct appmsg_reply *reply;
	struct appmsg_query query;
	char tags[WINDOW];

	(void)state;
	appmsg_query_init(&query, "ring", 4);
	moods[0] = BUSY;
	moods[1] = CLOSED;
	for (size_t i = 0; i < WINDOW; i++)
		assert_int_equal(appmsg_servers_search(servers, &query,
		    &tags[i]), 0);
	assert_int_equal(appmsg_servers_query(servers, &query, &reply, -1),
	    APPMSG_EINVAL);
	for (size_t i = 0; i < WINDOW; i++) {
		assert_int_equal(appmsg_servers_reply(servers, &reply, -1), 0);
		assert_ptr_equal(appmsg_reply_tag(reply), &tags[i]);
		assert_int_equal(appmsg_reply_status(reply), 1);
	}
	assert_int_equal(appmsg_servers_query(servers, &query, &reply, -1),
	    0);
	/* What fails is asked no more. */
	moods[0] = moods[1] = moods[2] = DOWN;
	assert_int_equal(appmsg_servers_query(servers, &query, &reply, -1),
	    APPMSG_ECONN);
	assert_int_equal(appmsg_servers_unanswered(servers), 0);
	appmsg_servers_free(servers);
}

/* Whatever has no memory says so, and leaves the list as it was. */
static void
there_may_be_no_memory(void **state)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8")
	};
	struct appmsg_servers *servers, *none = NULL;
	struct appmsg_message msg;
	unsigned int failed = 0;
	int error;

	(void)state;
	failing_start(1, false);
	assert_int_equal(appmsg_servers_new(&none), APPMSG_ENOMEM);
	assert_true(failing_stop());
	for (unsigned int n = 1;; n++) {
		servers = make("a:1");
		failing_start(n, false);
		error = appmsg_servers_add(servers, "b:2,c:3", "1", false);
		if (!failing_stop())
			break;
		failed++;
		assert_int_equal(error, APPMSG_ENOMEM);
		assert_null(appmsg_servers_get(servers, 1));
		appmsg_servers_free(servers);
	}
	assert_int_equal(error, 0);
	assert_true(failed >= 2);
	failing_start(1, false);
	assert_int_equal(appmsg_servers_send(servers, &hdr, "1", 1),
	    APPMSG_ENOMEM);
	assert_true(failing_stop());
	assert_int_equal(appmsg_servers_recv(servers, &msg, -1),
	    APPMSG_EINVAL);
	appmsg_servers_free(servers);
}

/* The first one is come back to, in between, and not while it is down. */
static void
the_first_one_is_come_back_to(void **state)
{
	struct appmsg_servers *servers = make("a:1,b:2,c:3");
	unsigned int n = 0;

	(void)state;
	moods[0] = DOWN;
	request(servers, n);
	expect(servers, n++, 1);
	moods[0] = GOOD;
	/* Not at once, but when that is wanted. */
	request(servers, n);
	expect(servers, n++, 1);
	appmsg_servers_set_return(servers, 0);
	request(servers, n);
	expect(servers, n++, 1);
	/* Not while a request is under way. */
	request(servers, n);
	request(servers, n + 1);
	expect(servers, n++, 0);
	expect(servers, n++, 0);
	appmsg_servers_set_return(servers, 30000);
	moods[0] = DOWN;
	request(servers, n);
	expect(servers, n++, 1);
	appmsg_servers_set_return(servers, 0);
	request(servers, n);
	expect(servers, n++, 1);
	moods[0] = DOWN;
	request(servers, n);
	expect(servers, n++, 1);
	assert_int_equal(opened[0], 1);
	assert_int_equal(opened[1], 0);
	moods[0] = GOOD;
	request(servers, n);
	expect(servers, n++, 0);
	request(servers, n);
	expect(servers, n++, 0);
	assert_int_equal(opened[0], 0);
	/* Of servers that close after each reply, too. */
	keeps[0] = keeps[1] = false;
	moods[0] = CLOSED;
	request(servers, n);
	expect(servers, n++, 1);
	moods[0] = GOOD;
	request(servers, n);
	expect(servers, n++, 0);
	/* Nor is it left where it stays away. */
	moods[0] = DOWN;
	request(servers, n);
	expect(servers, n++, 1);
	appmsg_servers_set_return(servers, -1);
	moods[0] = GOOD;
	request(servers, n);
	expect(servers, n++, 1);
	request(servers, n);
	expect(servers, n++, 1);
	appmsg_servers_free(servers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_ask_is_told),
		cmocka_unit_test(one_that_works_is_kept),
		cmocka_unit_test(why_each_failed_is_told),
		cmocka_unit_test(busy_is_a_reply_when_nobody_says_more),
		cmocka_unit_test(each_request_has_its_reply),
		cmocka_unit_test(searches_have_tags_and_replies),
		cmocka_unit_test(there_may_be_no_memory),
		cmocka_unit_test(the_first_one_is_come_back_to)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
