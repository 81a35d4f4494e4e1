/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Sessions over poll(2) and over libevent: what came before a connection broke
 * is told, by whichever side it is found to be broken.
 */

#include "config.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/appmsg-event.h"
#include "adapters/appmsg-poll.h"

#define REPLIES	1000	/* more than is read at once */

static int ours, theirs;	/* the ends of a connection */
static struct appmsg_session *session;
static int replies, ended;

static int
setup(void **state)
{
	int ends[2], size = 1 << 20;

	(void)state;
	/* As a program that writes by libevent has to. */
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ours = ends[0];
	theirs = ends[1];
	assert_int_equal(fcntl(ours, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(setsockopt(theirs, SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size)), 0);
	replies = ended = 0;
	return 0;
}

/* A session; only one that sends all at once has more than one on its way. */
static void
make(bool at_once)
{
	struct appmsg_session_options options;

	appmsg_session_options_init(&options);
	options.at_once = at_once;
	assert_int_equal(appmsg_session_new(&session, &options), 0);
}

static void
ask(int n)
{
	struct appmsg_query query;

	appmsg_query_init(&query, "key", 3);
	for (int i = 0; i < n; i++)
		assert_int_equal(appmsg_session_search(session, &query, NULL),
		    0);
}

/* The peer answers so many times, and is gone. */
static void
answer_and_go(int n, const char *status, const char *connection)
{
	static const char content[] = "{\"result\": \"A\"}";
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.content_length = sizeof(content) - 1,
		.connection = { connection, strlen(connection), 0 },
		.status = { status, strlen(status), 0 }
	};
	char message[400];
	size_t len;

	assert_int_equal(appmsg_header_encode(&hdr, message, sizeof(message),
	    &len), 0);
	memcpy(message + len, content, sizeof(content) - 1);
	len += sizeof(content) - 1;
	for (int i = 0; i < n; i++)
		assert_int_equal(write(theirs, message, len), len);
	close(theirs);
}

/* The documented loop, to its end. */
static int
run_poll(struct appmsg_poll *one)
{
	const struct appmsg_reply *reply;
	struct pollfd pfd;
	int error, told;

	do {
		appmsg_poll_want(one, &pfd);
		assert_int_not_equal(poll(&pfd, 1,
		    appmsg_poll_timeout(one)), -1);
		error = appmsg_poll_did(one, pfd.revents);
		while ((told = appmsg_session_reply(session, &reply)) == 0)
			replies++;
		if (error == 0 && told != APPMSG_EAGAIN)
			error = told;
	} while (error == 0);
	return error;
}

static void
poll_tells_all_that_came(void **state)
{
	struct appmsg_poll one;

	(void)state;
	make(true);
	appmsg_poll_init(&one, session, ours);
	ask(REPLIES);
	assert_int_equal(appmsg_poll_send(&one), 0);
	/* One more, which nobody takes. */
	ask(1);
	answer_and_go(REPLIES, "found", "keep-alive");
	assert_int_not_equal(run_poll(&one), 0);
	assert_int_equal(replies, REPLIES);
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_free(session);
	close(ours);
}

static void
poll_tells_the_deadline(void **state)
{
	struct appmsg_poll one;

	(void)state;
	make(false);
	appmsg_poll_init(&one, session, ours);
	ask(1);
	assert_int_equal(appmsg_poll_timeout(&one), -1);
	one.deadline_ms = appmsg_deadline(20);
	assert_int_equal(run_poll(&one), APPMSG_ETIMEDOUT);
	appmsg_session_free(session);
	close(theirs);
	close(ours);
}

static void
reply_cb(void *arg, const struct appmsg_reply *reply)
{
	(void)arg;
	assert_int_not_equal(appmsg_reply_status(reply), APPMSG_STATUS_NONE);
	replies++;
}

static void
end_cb(void *arg, int error)
{
	ended = error;
	event_base_loopbreak(arg);
}

/* Until the end; what it is told as. */
static int
run_event(void)
{
	struct event_base *base = event_base_new();
	struct bufferevent *bev;
	struct appmsg_event one;

	assert_non_null(base);
	bev = bufferevent_socket_new(base, ours, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(bev);
	one = (struct appmsg_event){ session, bev, reply_cb, end_cb, base };
	assert_int_equal(appmsg_event_start(&one), 0);
	event_base_dispatch(base);
	bufferevent_free(bev);
	event_base_free(base);
	return ended;
}

/* It is found to be broken by who writes, before anything is read. */
static void
event_tells_who_is_turned_away(void **state)
{
	(void)state;
	make(false);
	ask(1);
	answer_and_go(1, "busy", "close");
	assert_int_equal(run_event(), APPMSG_EOF);
	assert_int_equal(replies, 1);
	appmsg_session_free(session);
}

static void
event_tells_all_that_came(void **state)
{
	(void)state;
	make(true);
	ask(REPLIES + 1);
	answer_and_go(REPLIES, "found", "keep-alive");
	assert_int_not_equal(run_event(), 0);
	assert_int_equal(replies, REPLIES);
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_free(session);
}

static void
event_ends_without_a_reply(void **state)
{
	(void)state;
	make(false);
	ask(1);
	close(theirs);
	assert_int_not_equal(run_event(), 0);
	assert_int_equal(replies, 0);
	assert_int_equal(appmsg_session_unanswered(session), 1);
	appmsg_session_free(session);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(poll_tells_all_that_came, setup),
		cmocka_unit_test_setup(poll_tells_the_deadline, setup),
		cmocka_unit_test_setup(event_tells_who_is_turned_away, setup),
		cmocka_unit_test_setup(event_tells_all_that_came, setup),
		cmocka_unit_test_setup(event_ends_without_a_reply, setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
