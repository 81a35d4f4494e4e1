/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The parts of appmsg-client, and of the library's client, that need no
 * server: how keys are read, and replies are understood.
 */

#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/base/keys.h"
#include "client/options/options.h"
#include "client/base/reply.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
deadlines_are_monotonic_and_do_not_overflow(void **state)
{
	int64_t now = appmsg_deadline(0);

	(void)state;
	assert_true(now >= 0);
	assert_true(appmsg_deadline(0) >= now);
	assert_true(appmsg_deadline(1000) >= now + 1000);
	assert_true(appmsg_deadline(1000) <= appmsg_deadline(0) + 1000);
	assert_true(appmsg_deadline(-1) == -1);
	assert_true(appmsg_deadline(INT64_MIN) == -1);
	assert_true(appmsg_deadline(INT64_MAX) == INT64_MAX);
}

static void
wrong_arguments_open_nothing(void **state)
{
	struct appmsg_client *client = NULL;
	char path[300];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(appmsg_client_open_unix(&client, path, -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_client_open_unix(&client, "", -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_client_open_unix(&client, NULL, -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_client_open(&client, NULL, "1", -1),
	    APPMSG_EINVAL);
	assert_int_equal(appmsg_client_open(&client, "127.0.0.1", NULL, -1),
	    APPMSG_EINVAL);
	assert_null(client);
	errno = ENOENT;
	appmsg_client_free(NULL);
	assert_int_equal(errno, ENOENT);
}

static void
seconds_have_fractions_and_a_range(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "1", 1000 }, { "0.25", 250 }, { ".5", 500 }, { "2.", 2000 },
		{ "0.001", 1 }, { "0.0014", 1 }, { "0.0016", 2 },
		{ "1000000", 1000000000 }
	};
	static const char *const wrong[] = {
		"", ".", "0", "0.0009", "1000000.1", "-1", "+1", " 1", "1 ",
		"1e3", "0x1", "inf", "nan", "1,5", "1.2.3", "1s"
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(options_read_seconds(&ms, rows[i].text));
		assert_int_equal(ms, rows[i].ms);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(options_read_seconds(&ms, wrong[i]));
}

static void
expect_key(struct keys *keys, const char *text, size_t text_len)
{
	const char *key;
	size_t len;

	assert_int_equal(keys_next(keys, &key, &len, 0), KEYS_ONE);
	assert_int_equal(len, text_len);
	assert_memory_equal(key, text, len);
}

static void
expect_none(struct keys *keys, enum keys_result result)
{
	const char *key;
	size_t len;

	assert_int_equal(keys_next(keys, &key, &len, 0), result);
}

/* Write to a pipe what keys are to read. */
static void
feed(int fd, const char *text, size_t len)
{
	assert_int_equal(write(fd, text, len), (ssize_t)len);
}

static void
keys_are_words_and_lines(void **state)
{
	char a[] = "a", b[] = "b", dash[] = "-";
	char *words[] = { a, dash, b, dash };
	static const char lines[] =
	    "x y\n\n\0z\r\n\r\na\rb\r\r\nlast\r";
	struct keys keys;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	keys_init(&keys, words, COUNT(words), fds[0]);
	expect_key(&keys, "a", 1);
	expect_none(&keys, KEYS_LATER);
	feed(fds[1], lines, sizeof(lines) - 1);
	expect_key(&keys, "x y", 3);
	expect_key(&keys, "", 0);
	expect_key(&keys, "\0z", 2);
	expect_key(&keys, "", 0);
	expect_key(&keys, "a\rb\r", 4);
	expect_none(&keys, KEYS_LATER);
	close(fds[1]);
	expect_key(&keys, "last\r", 5);
	expect_key(&keys, "b", 1);
	expect_none(&keys, KEYS_END);
	expect_none(&keys, KEYS_END);
	keys_clear(&keys);
	close(fds[0]);
}

static void
a_line_comes_in_any_pieces(void **state)
{
	static const char line[] = "k\xc3\xa4y\n";
	char dash[] = "-";
	char *words[] = { dash };
	struct keys keys;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	keys_init(&keys, words, COUNT(words), fds[0]);
	for (size_t i = 0; i < sizeof(line) - 2; i++) {
		feed(fds[1], line + i, 1);
		expect_none(&keys, KEYS_LATER);
	}
	feed(fds[1], "\n", 1);
	expect_key(&keys, line, sizeof(line) - 2);
	/* One whole and a part, its rest and another whole one. */
	feed(fds[1], "one\ntw", 6);
	expect_key(&keys, "one", 3);
	expect_none(&keys, KEYS_LATER);
	feed(fds[1], "o\nthree\n", 8);
	expect_key(&keys, "two", 3);
	expect_key(&keys, "three", 5);
	close(fds[1]);
	expect_none(&keys, KEYS_END);
	keys_clear(&keys);
	close(fds[0]);
}

static void
a_bad_line_is_known_by_its_number(void **state)
{
	char dash[] = "-";
	char *words[] = { dash };
	struct keys keys;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	feed(fds[1], "ok\n\xef\xbb\xbf\nb\xff\nok\n", 13);
	close(fds[1]);
	keys_init(&keys, words, COUNT(words), fds[0]);
	expect_key(&keys, "ok", 2);
	/* It is a mark only where it is first. */
	expect_key(&keys, "\xef\xbb\xbf", 3);
	expect_none(&keys, KEYS_BAD);
	assert_int_equal(keys.line, 3);
	expect_key(&keys, "ok", 2);
	expect_none(&keys, KEYS_END);
	keys_clear(&keys);
	close(fds[0]);
}

/* A JSON message with this content and, unless NULL, status. */
static struct appmsg_message
message(const char *content, const char *status)
{
	struct appmsg_message msg = {
		.header.content_type = APPMSG_STR("text/json"),
		.header.content_encoding = APPMSG_STR("utf-8"),
		.content = content,
		.content_len = strlen(content)
	};

	if (status != NULL) {
		msg.header.status.raw = status;
		msg.header.status.len = strlen(status);
	}
	return msg;
}

static void
replies_are_understood_by_status_then_by_text(void **state)
{
#define MISS "{\"result\": \"No match for \\\"k\\\".\"}"
	static const struct {
		const char *content, *status;
		enum reply_outcome outcome;
	} rows[] = {
		{ "{\"result\": \"x\"}", NULL, REPLY_FOUND },
		{ "{\"result\": \"\"}", NULL, REPLY_FOUND },
		{ "{\"result\": \"Error: x\"}", NULL, REPLY_ERROR },
		{ "{\"result\": \"Error:\"}", NULL, REPLY_FOUND },
		{ "{\"result\": \" Error: x\"}", NULL, REPLY_FOUND },
		{ MISS, NULL, REPLY_MISSED },
		{ "{\"result\": \"No match for \\\"q\\\".\"}", NULL,
		    REPLY_FOUND },
		{ "{\"result\": \"No match for \\\"k\\\". \"}", NULL,
		    REPLY_FOUND },
		{ "{\"result\": \"No match for 'k'.\"}", NULL,
		    REPLY_MISSED },
		{ "{\"result\": \"No match for 'q'.\"}", NULL,
		    REPLY_FOUND },
		{ "{\"result\": \"No match for 'k\\\".\"}", NULL,
		    REPLY_FOUND },
		{ "{\"result\": \"No match for k.\"}", NULL, REPLY_FOUND },
		{ "{\"result\": \"No match for 'k'.\"}", "found",
		    REPLY_FOUND },
		{ MISS, "found", REPLY_FOUND },
		{ "{\"result\": \"Error: x\"}", "found", REPLY_FOUND },
		{ "{\"result\": \"x\"}", "not-found", REPLY_MISSED },
		{ "{\"result\": \"x\"}", "error", REPLY_ERROR },
		{ "{\"result\": \"x\"}", "busy", REPLY_BUSY },
		{ "{\"result\": \"x\"}", "denied", REPLY_DENIED },
		{ "{\"result\": \"x\"}", "unavailable", REPLY_UNAVAILABLE },
		{ "{\"result\": \"x\"}", "of-tomorrow", REPLY_FOUND },
		{ MISS, "of-tomorrow", REPLY_MISSED }
	};
	struct appmsg_message msg;
	struct reply reply = { .data = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		msg = message(rows[i].content, rows[i].status);
		assert_int_equal(reply_read_search(&reply, &msg, "k", 1), 0);
		assert_int_equal(reply.outcome, rows[i].outcome);
		assert_true(reply.is_text);
	}
	reply_clear(&reply);
	assert_string_equal(reply_status(REPLY_FOUND), "found");
	assert_string_equal(reply_status(REPLY_UNAVAILABLE), "unavailable");
}

static void
replies_that_are_none_are_refused(void **state)
{
	static const char *const rows[] = {
		"", "{}", "[]", "7", "{\"result\": 7}", "{\"result\": \"x\"",
		"{\"result\": \"\\ud800\"}", "{\"result\": \"\xff\"}"
	};
	struct appmsg_message msg;
	struct reply reply = { .data = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		msg = message(rows[i], NULL);
		assert_int_equal(reply_read_search(&reply, &msg, "k", 1),
		    APPMSG_EPROTO);
	}
	msg = message("{\"result\": \"x\"}", NULL);
	msg.header.content_type = (struct appmsg_str)APPMSG_STR("text/plain");
	assert_int_equal(reply_read_search(&reply, &msg, "k", 1),
	    APPMSG_EPROTO);
	reply_clear(&reply);
}

static void
binary_replies_are_bytes_unless_they_are_errors(void **state)
{
	static const struct {
		const char *content, *status;
		enum reply_outcome outcome;
		bool is_text;
	} rows[] = {
		{ "{\"result\": \"Error: x\"}", NULL, REPLY_ERROR, true },
		{ "{\"result\": \"Error: x\"}", "busy", REPLY_BUSY, true },
		{ "{\"result\": \"Error: x\"}", "found", REPLY_FOUND, false },
		{ "{\"result\": \"x\"}", NULL, REPLY_FOUND, false },
		{ "not JSON", NULL, REPLY_FOUND, false },
		{ "not JSON", "denied", REPLY_DENIED, false }
	};
	struct appmsg_message msg;
	struct reply reply = { .data = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		msg = message(rows[i].content, rows[i].status);
		assert_int_equal(reply_read_binary(&reply, &msg), 0);
		assert_int_equal(reply.outcome, rows[i].outcome);
		assert_int_equal(reply.is_text, rows[i].is_text);
		if (!rows[i].is_text)
			assert_int_equal(reply.len, msg.content_len);
	}
	msg = message("\0\xff", "not-found");
	msg.content_len = 2;
	msg.header.content_type = (struct appmsg_str)APPMSG_STR("a\\/b");
	assert_int_equal(reply_read_binary(&reply, &msg), 0);
	assert_int_equal(reply.outcome, REPLY_MISSED);
	assert_int_equal(reply.len, 2);
	assert_memory_equal(reply.data, "\0\xff", 2);
	reply_clear(&reply);
}

static void
the_first_failure_decides_then_any_miss(void **state)
{
	const struct options options = { .timeout_ms = -1 };
	struct call call;

	(void)state;
	call_init(&call, &options);
	assert_int_equal(call.deadline_ms, -1);
	assert_true(call_deadline(&call) > appmsg_deadline(0));
	call_count(&call, REPLY_FOUND);
	assert_int_equal(call_status(&call), 0);
	call_count(&call, REPLY_MISSED);
	call_count(&call, REPLY_FOUND);
	assert_int_equal(call_status(&call), 1);
	call_count(&call, REPLY_DENIED);
	call_count(&call, REPLY_ERROR);
	call_count(&call, REPLY_MISSED);
	assert_int_equal(call_status(&call), EX_NOPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_are_monotonic_and_do_not_overflow),
		cmocka_unit_test(wrong_arguments_open_nothing),
			cmocka_unit_test(seconds_have_fractions_and_a_range),
		cmocka_unit_test(keys_are_words_and_lines),
		cmocka_unit_test(a_line_comes_in_any_pieces),
		cmocka_unit_test(a_bad_line_is_known_by_its_number),
		cmocka_unit_test(replies_are_understood_by_status_then_by_text),
		cmocka_unit_test(replies_that_are_none_are_refused),
		cmocka_unit_test(
		    binary_replies_are_bytes_unless_they_are_errors),
		cmocka_unit_test(the_first_failure_decides_then_any_miss)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
