/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A connection of service=http without its socket: what is replied to which
 * requests, in which order, and when it ends.
 */

#include "config.h"

#include "daemon/http/http_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/http_head.h"
#include "daemon/http/page.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define HOST	"Host: localhost\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define HEAD(target) "HEAD " target " HTTP/1.1\r\n" HOST "\r\n"

/* What stands between a status and what is the reply's own. */
#define TYPE_TEXT	"Content-Type: text/plain; charset=utf-8\r\n"
#define FIELDS		"Cache-Control: no-store\r\n" \
    "X-Content-Type-Options: nosniff\r\n" \
    "Cross-Origin-Resource-Policy: same-origin\r\n" \
    "Content-Security-Policy: default-src 'none'; " \
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors 'none'\r\n"
#define DATE		"Date: Thu, 29 Feb 2024 09:08:07 GMT\r\n"
#define NOW		1709197687

static bool is_healthy;
static int memory;		/* 0, or -1: there is none */

static int
stats(struct buf *b, bool keys, void *arg)
{
	(void)arg;
	return memory != 0 ? -1 : buf_add(b, keys ? "{\"k\"}" : "{}\n",
	    keys ? 5 : 3);
}

static int
history(struct buf *b, void *arg)
{
	(void)arg;
	return memory != 0 ? -1 : buf_add(b, "{ }\n", 4);
}

static int
metrics(struct buf *b, bool classic, void *arg)
{
	(void)arg;
	return memory != 0 ? -1 : classic ? buf_add(b, "x 1\n", 4) :
	    buf_add(b, "# EOF\n", 6);
}

static bool
healthy(void *arg)
{
	(void)arg;
	return is_healthy;
}

static const struct http_numbers source = { stats, history,
    metrics, healthy, NULL };

static struct buf body, out;

static int
begin(void **state)
{
	(void)state;
	is_healthy = true;
	memory = 0;
	out.len = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	buf_clear(&body);
	buf_clear(&out);
	return 0;
}

static struct http_turn
turn(void)
{
	return (struct http_turn){ .source = &source, .now = NOW,
	    .hosts = { .loopback = true },
	    .requests_max = 100, .out_max = (size_t)1 << 20, .body = &body,
	    .out = &out };
}

static enum http_verdict
feed(const struct http_turn *t, const char *text, size_t *used)
{
	*used = SIZE_MAX;
	out.len = 0;
	return http_stream_feed(t, text, strlen(text), used);
}

static void
expect(const char *expected)
{
	if (out.len != strlen(expected) ||
	    memcmp(out.data, expected, out.len) != 0)
		fail_msg("\n%.*s\nnot\n%s", (int)out.len, out.data, expected);
}

/* One request: its status, and whether the connection stays. */
static void
ask(const struct http_turn *t, const char *request, int status, bool keep)
{
	char line[32];
	size_t used;
	enum http_verdict verdict = feed(t, request, &used);

	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	assert_true(out.len > strlen(line));
	if (memcmp(out.data, line, strlen(line)) != 0)
		fail_msg("%.12s, not %d: %s", out.data, status, request);
	assert_int_equal(verdict, keep ? HTTP_MORE : HTTP_CLOSE);
	assert_int_equal(memmem(out.data, out.len, "Connection: close\r\n",
	    19) == NULL, keep);
	if (keep)
		assert_int_equal(used, strlen(request));
}

static void
replies_are_these_bytes(void **state)
{
	const struct http_turn t = turn();
	size_t used;

	(void)state;
	assert_int_equal(feed(&t, GET("/healthz"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 8\r\n\r\nserving\n");
	assert_int_equal(feed(&t, HEAD("/healthz"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 8\r\n\r\n");
	assert_int_equal(feed(&t, GET("/stats.json"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" FIELDS
	    DATE "Content-Length: 3\r\n\r\n{}\n");
	assert_int_equal(feed(&t, HEAD("/metrics?x"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\nContent-Type: application/"
	    "openmetrics-text; version=1.0.0; charset=utf-8\r\n" FIELDS
	    DATE "Content-Length: 6\r\n\r\n");
	assert_int_equal(feed(&t, GET("/x"), &used), HTTP_MORE);
	expect("HTTP/1.1 404 Not Found\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 69\r\n\r\nThere are /, /stats.json, "
	    "/history.json, /metrics and /healthz here.\n");
	assert_int_equal(feed(&t, "PUT / HTTP/1.1\r\n" HOST "\r\n", &used),
	    HTTP_MORE);
	expect("HTTP/1.1 405 Method Not Allowed\r\n" TYPE_TEXT FIELDS
	    "Allow: GET, HEAD\r\n" DATE "Content-Length: 33\r\n\r\n"
	    "There is only GET and HEAD here.\n");
}

static void
forms_are_chosen(void **state)
{
	struct http_turn t = turn();
	size_t used;

	(void)state;
	assert_int_equal(feed(&t, GET("/history.json"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" FIELDS
	    DATE "Content-Length: 4\r\n\r\n{ }\n");
	assert_int_equal(feed(&t, "GET /metrics HTTP/1.1\r\n" HOST
	    "Accept: text/plain\r\n\r\n", &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
	    "charset=utf-8\r\n" FIELDS DATE "Content-Length: 4\r\n\r\nx 1\n");
	t.keys = true;
	assert_int_equal(feed(&t, GET("/stats.json"), &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" FIELDS
	    DATE "Content-Length: 5\r\n\r\n{\"k\"}");
}

static void
the_page_is_whole(void **state)
{
	const struct http_turn t = turn();
	size_t used;

	(void)state;
	assert_int_equal(feed(&t, GET("/"), &used), HTTP_MORE);
	assert_true(out.len > http_page_len + 4);
	assert_memory_equal(out.data + out.len - http_page_len - 4,
	    "\r\n\r\n", 4);
	assert_memory_equal(out.data + out.len - http_page_len, http_page,
	    http_page_len);
}

static void
errors_have_their_status(void **state)
{
	struct http_turn t = turn();

	(void)state;
	ask(&t, GET("/healthz/"), 404, true);
	ask(&t, GET("/%68ealthz"), 404, true);
	ask(&t, GET("//"), 404, true);
	ask(&t, "POST / HTTP/1.1\r\n" HOST "\r\n", 405, true);
	ask(&t, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	    405, false);
	ask(&t, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405, true);
	ask(&t, "BREW / HTTP/1.1\r\n" HOST "\r\n", 501, true);
	ask(&t, "BREW / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 501,
	    false);
	ask(&t, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 413,
	    false);
	ask(&t, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
	    413, false);
	ask(&t, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: br\r\n\r\n", 501,
	    false);
	ask(&t, "GET / HTTP/2.0\r\n", 505, false);
	ask(&t, "GET /\n", 400, false);
	ask(&t, "GET / HTTP/1.1\r\n\r\n", 400, false);
	is_healthy = false;
	ask(&t, GET("/healthz"), 503, true);
	memory = -1;
	ask(&t, GET("/stats.json"), 500, false);
	ask(&t, GET("/history.json"), 500, false);
	ask(&t, GET("/metrics"), 500, false);
	ask(&t, GET("/"), 200, true);
}

static void
what_is_too_long_is_refused(void **state)
{
	static char text[HTTP_HEAD_MAX + 2];
	struct http_turn t = turn();

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "GET /", 5);
	ask(&t, text, 414, false);
	memcpy(text, "GET / HTTP/1.1\r\nX: ", 19);
	ask(&t, text, 431, false);
}

static void
only_known_hosts_are_answered(void **state)
{
	struct http_turn t = turn();

	(void)state;
	ask(&t, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", 421, true);
	ask(&t, "GET / HTTP/1.1\r\nHost:\r\n\r\n", 421, true);
	ask(&t, "GET http://evil/ HTTP/1.1\r\n" HOST "\r\n", 421, true);
	ask(&t, "GET https://localhost/ HTTP/1.1\r\n" HOST "\r\n", 421, true);
	ask(&t, "GET http://[::1]:8/ HTTP/1.1\r\nHost: evil\r\n\r\n", 200,
	    true);
	ask(&t, "GET / HTTP/1.0\r\n\r\n", 421, false);
	t.hosts.loopback = false;
	ask(&t, GET("/"), 421, true);
	t.hosts.names = "a,localhost";
	ask(&t, GET("/"), 200, true);
	t.local = true;
	ask(&t, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", 200, true);
	ask(&t, "GET / HTTP/1.0\r\n\r\n", 200, false);
	ask(&t, "GET https://localhost/ HTTP/1.1\r\n" HOST "\r\n", 421, true);
}

static void
connections_stay_or_close(void **state)
{
	struct http_turn t = turn();
	size_t used;

	(void)state;
	ask(&t, GET("/healthz"), 200, true);
	ask(&t, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200,
	    false);
	ask(&t, "GET / HTTP/1.0\r\n" HOST "\r\n", 200, false);
	assert_int_equal(feed(&t, "GET /healthz HTTP/1.0\r\n" HOST
	    "Connection: keep-alive\r\n\r\n", &used), HTTP_MORE);
	expect("HTTP/1.1 200 OK\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 8\r\nConnection: keep-alive\r\n\r\nserving\n");
	t.draining = true;
	ask(&t, GET("/healthz"), 200, false);
	/* Only the last one that is there closes. */
	assert_int_equal(feed(&t, GET("/healthz") GET("/x"), &used),
	    HTTP_CLOSE);
	assert_int_equal(used, strlen(GET("/healthz") GET("/x")));
	/* What follows a closing reply is not looked at. */
	assert_int_equal(feed(&t, "x\r\n" GET("/"), &used), HTTP_CLOSE);
	assert_int_equal(used, 0);
}

static void
what_is_not_whole_is_refused(void **state)
{
	const struct http_turn t = turn();

	(void)state;
	assert_int_equal(http_stream_refuse(&t, 408, "GET /", 5), HTTP_CLOSE);
	expect("HTTP/1.1 408 Request Timeout\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 34\r\nConnection: close\r\n\r\n"
	    "The request did not come in time.\n");
	out.len = 0;
	assert_int_equal(http_stream_refuse(&t, 503, "", 0), HTTP_CLOSE);
	expect("HTTP/1.1 503 Service Unavailable\r\n" TYPE_TEXT FIELDS DATE
	    "Content-Length: 12\r\nConnection: close\r\n\r\n"
	    "not serving\n");
	/* Nothing follows the head of a reply to HEAD, whatever it is. */
	out.len = 0;
	assert_int_equal(http_stream_refuse(&t, 400, "HEAD / HTTP/1.1\r\nX",
	    18), HTTP_CLOSE);
	assert_memory_equal(out.data + out.len - 4, "\r\n\r\n", 4);
	ask(&t, "HEAD / HTTP/1.1\r\nX y\r\n", 400, false);
	assert_memory_equal(out.data + out.len - 4, "\r\n\r\n", 4);
}

/* The replies to three requests, cut in two anywhere or in single bytes. */
static void
cuts_make_no_difference(void **state)
{
	static const char text[] = "\r\n" GET("/healthz") HEAD("/x") "\r\n"
	    "GET /stats.json HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nx";
	const struct http_turn t = turn();
	size_t len = sizeof(text) - 1, used, whole_len;
	char *whole;

	(void)state;
	assert_int_equal(feed(&t, text, &used), HTTP_CLOSE);
	assert_int_equal(used, len - 1);
	whole_len = out.len;
	whole = malloc(whole_len);
	assert_non_null(whole);
	memcpy(whole, out.data, whole_len);
	for (size_t step = 1; step < len; step++) {
		enum http_verdict verdict = HTTP_MORE;
		size_t done = 0, at = 0;

		out.len = 0;
		while (verdict != HTTP_CLOSE && at < len) {
			at = at + step > len ? len : at + step;
			verdict = http_stream_feed(&t, text + done, at - done,
			    &used);
			done += used;
		}
		assert_int_equal(verdict, HTTP_CLOSE);
		assert_int_equal(done, len - 1);
		assert_int_equal(out.len, whole_len);
		assert_memory_equal(out.data, whole, whole_len);
	}
	free(whole);
}

static void
turns_end(void **state)
{
	static const char three[] = GET("/x") GET("/x") GET("/x");
	struct http_turn t = turn();
	size_t used, one = strlen(GET("/x"));

	(void)state;
	t.requests_max = 2;
	assert_int_equal(feed(&t, three, &used), HTTP_AGAIN);
	assert_int_equal(used, 2 * one);
	t = turn();
	t.out_max = 1;
	assert_int_equal(feed(&t, three, &used), HTTP_AGAIN);
	assert_int_equal(used, one);
	t = turn();
	t.ns_max = 1;
	assert_int_equal(feed(&t, three, &used), HTTP_AGAIN);
	assert_int_equal(used, one);
	t = turn();
	assert_int_equal(feed(&t, three, &used), HTTP_MORE);
	assert_int_equal(used, 3 * one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(replies_are_these_bytes, begin),
		cmocka_unit_test_setup(forms_are_chosen, begin),
		cmocka_unit_test_setup(the_page_is_whole, begin),
		cmocka_unit_test_setup(errors_have_their_status, begin),
		cmocka_unit_test_setup(what_is_too_long_is_refused, begin),
		cmocka_unit_test_setup(only_known_hosts_are_answered, begin),
		cmocka_unit_test_setup(connections_stay_or_close, begin),
		cmocka_unit_test_setup(what_is_not_whole_is_refused, begin),
		cmocka_unit_test_setup(cuts_make_no_difference, begin),
		cmocka_unit_test_setup(turns_end, begin)
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
