/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Heads of requests: which are taken, for what, and with which status others
 * are refused, wherever they are cut.
 */

#include "config.h"

#include "daemon/http/http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/http_host.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define GET	"GET / HTTP/1.1\r\n"
#define HOST	"Host: x\r\n"
#define END	"\r\n"

/* Of memory of just the size, so that the sanitizers see a byte too far. */
static int
read_head(const char *p, size_t len, struct http_head *head, size_t *used,
    char **mem)
{
	*mem = malloc(len > 0 ? len : 1);
	assert_non_null(*mem);
	memcpy(*mem, p, len);
	return http_head_read(*mem, len, head, used);
}

/*
 * Whole or cut anywhere it comes to the same: more is needed until it is
 * told, and what is told early stays.
 */
static void
check_status(const char *p, size_t len, int expected)
{
	struct http_head head;
	int told = -1;

	for (size_t n = 0; n <= len; n++) {
		size_t used = SIZE_MAX;
		char *mem;
		int status = read_head(p, n, &head, &used, &mem);

		free(mem);
		if (told != -1 && status != told)
			fail_msg("%d, then %d: %.60s", told, status, p);
		told = status;
		assert_true(status == 0 ? used <= n : used == SIZE_MAX);
	}
	if (told != expected)
		fail_msg("%d, not %d: %.60s", told, expected, p);
}

static const struct {
	const char *text;
	int status;
} flawed[] = {
	/* The first line. */
	{ "\n", 400 },
	{ "\r\n\r\n", 400 },
	{ " / HTTP/1.1\r\n", 400 },
	{ "GET\r\n", 400 },
	{ "GET /\r\n", 400 },
	{ "GET / \r\n", 400 },
	{ "GET  HTTP/1.1\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n", 400 },
	{ "GET /  HTTP/1.1\r\n", 400 },
	{ "GET /a b HTTP/1.1\r\n", 400 },
	{ "GET\t/ HTTP/1.1\r\n", 400 },
	{ "G(T / HTTP/1.1\r\n", 400 },
	{ "GET: / HTTP/1.1\r\n", 400 },
	{ "GET / HTTP/1.1\n", 400 },
	{ "GET / HTTP/1.1\rX", 400 },
	{ "GET / HTTP/1.1\r\r\n", 400 },
	{ "GET /\x7f", 400 },
	{ "GET /\xc3\xa4", 400 },
	{ "\x16\x03\x01", 400 },
	{ "GET / http/1.1\r\n", 400 },
	{ "GET / HTTP/1.10\r\n", 400 },
	{ "GET / HTTP/11\r\n", 400 },
	{ "GET / HTTP/1.x\r\n", 400 },
	{ "GET / HTTP/x.1\r\n", 400 },
	{ "GET / HTTP/0.9\r\n", 505 },
	{ "GET / HTTP/2.0\r\n", 505 },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	/* The target. */
	{ "GET x HTTP/1.1\r\n", 400 },
	{ "GET * HTTP/1.1\r\n", 400 },
	{ "GET /#x HTTP/1.1\r\n", 400 },
	{ "GET x:80 HTTP/1.1\r\n", 400 },
	{ "GET http:/x HTTP/1.1\r\n", 400 },
	{ "GET http:// HTTP/1.1\r\n", 400 },
	{ "GET http:///x HTTP/1.1\r\n", 400 },
	{ "GET http://:80/ HTTP/1.1\r\n", 400 },
	{ "GET http://a@b/ HTTP/1.1\r\n", 400 },
	{ "GET ://x/ HTTP/1.1\r\n", 400 },
	{ "GET h[p://x/ HTTP/1.1\r\n", 400 },
	/* Fields. */
	{ GET "Host : x\r\n", 400 },
	{ GET ": x\r\n", 400 },
	{ GET " X: y\r\n", 400 },
	{ GET "X\r\n", 400 },
	{ GET "X y: z\r\n", 400 },
	{ GET "X: y\r\n z\r\n", 400 },
	{ GET "X: y\r\n\tz\r\n", 400 },
	{ GET "X: y\n", 400 },
	{ GET "X: y\rz", 400 },
	{ GET "X: \x01", 400 },
	{ GET "X: \x7f", 400 },
	{ GET "X: \v", 400 },
	{ GET HOST "\n", 400 },
	/* Hosts. */
	{ GET END, 400 },
	{ GET HOST HOST, 400 },
	{ GET "Host: x y\r\n", 400 },
	{ GET "Host: x/y\r\n", 400 },
	{ "GET / HTTP/1.0\r\n" HOST HOST, 400 },
	{ "GET http://localhost/ HTTP/1.1\r\n\r\n", 400 },
	/* What may belong to it. */
	{ GET "Content-Length:\r\n", 400 },
	{ GET "Content-Length: x\r\n", 400 },
	{ GET "Content-Length: -1\r\n", 400 },
	{ GET "Content-Length: +1\r\n", 400 },
	{ GET "Content-Length: 0x1\r\n", 400 },
	{ GET "Content-Length: 1 1\r\n", 400 },
	{ GET "Content-Length: 1, 1\r\n", 400 },
	{ GET "Content-Length: 1\r\nContent-Length: 1\r\n", 400 },
	{ GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
	    400 },
	{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ GET HOST "Transfer-Encoding: gzip\r\n\r\n", 501 },
	{ GET HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
	{ GET HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"
	    END, 501 },
	{ GET HOST "Transfer-Encoding:\r\n\r\n", 501 },
	/* Nothing yet, or a part of something good. */
	{ "", -1 },
	{ "\r\n", -1 },
	{ "G", -1 },
	{ GET, -1 },
	{ GET HOST, -1 },
	{ GET HOST "\r", -1 }
};

static void
flaws_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(flawed); i++)
		check_status(flawed[i].text, strlen(flawed[i].text),
		    flawed[i].status);
	/* Bytes that no string can have. */
	check_status("GET /\0", 6, 400);
	check_status("\0", 1, 400);
	check_status(GET "X: \0", sizeof(GET) + 3, 400);
	check_status(GET "X\0: ", sizeof(GET) + 3, 400);
}

static const struct {
	const char *text;
	enum http_method method;
	const char *path;
	const char *host;		/* NULL: none */
	const char *flags;		/* foreign, old, keep, body */
} good[] = {
	{ GET HOST END, HTTP_METHOD_GET, "/", "x", "k" },
	{ END GET HOST END, HTTP_METHOD_GET, "/", "x", "k" },
	{ "HEAD /a HTTP/1.1\r\n" HOST END, HTTP_METHOD_HEAD, "/a", "x", "k" },
	{ "GET /a?b?c HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "/a", "x",
	    "k" },
	{ "GET /? HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "/", "x", "k" },
	{ "GET //a/%00 HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "//a/%00",
	    "x", "k" },
	{ "GET / HTTP/1.7\r\n" HOST END, HTTP_METHOD_GET, "/", "x", "k" },
	{ "GET / HTTP/1.0\r\n\r\n", HTTP_METHOD_GET, "/", NULL, "o" },
	{ "GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n",
	    HTTP_METHOD_GET, "/", "x", "ok" },
	{ GET "hOST:\t [::1]:80 \t\r\n\r\n", HTTP_METHOD_GET, "/",
	    "[::1]:80", "k" },
	{ GET "Host:\r\n\r\n", HTTP_METHOD_GET, "/", "", "k" },
	{ GET HOST "X: \xff\t\"y\"\r\nY:\r\n\r\n", HTTP_METHOD_GET, "/", "x",
	    "k" },
	{ GET HOST "Connection: close\r\n\r\n", HTTP_METHOD_GET, "/", "x",
	    "" },
	{ GET HOST "connection: a, ,CLOSE ,b\r\n\r\n", HTTP_METHOD_GET, "/",
	    "x", "" },
	{ GET HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n",
	    HTTP_METHOD_GET, "/", "x", "" },
	{ GET HOST "Connection: closed, not-close\r\n\r\n", HTTP_METHOD_GET,
	    "/", "x", "k" },
	{ "GET http://A.example:8/b?c HTTP/1.1\r\n" HOST END,
	    HTTP_METHOD_GET, "/b", "A.example:8", "k" },
	{ "GET HTTP://a HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "/", "a",
	    "k" },
	{ "GET http://a?/b HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "/", "a",
	    "k" },
	{ "GET https://a/ HTTP/1.1\r\n" HOST END, HTTP_METHOD_GET, "/", "a",
	    "fk" },
	{ "POST /x HTTP/1.1\r\n" HOST END, HTTP_METHOD_REFUSED, "", "x",
	    "k" },
	{ "OPTIONS * HTTP/1.1\r\n" HOST END, HTTP_METHOD_REFUSED, "", "x",
	    "k" },
	{ "CONNECT a:80 HTTP/1.1\r\n" HOST END, HTTP_METHOD_REFUSED, "", "x",
	    "k" },
	{ "get / HTTP/1.1\r\n" HOST END, HTTP_METHOD_UNKNOWN, "", "x", "k" },
	{ "GETS / HTTP/1.1\r\n" HOST END, HTTP_METHOD_UNKNOWN, "", "x", "k" },
	{ GET HOST "Content-Length: 000\r\n\r\n", HTTP_METHOD_GET, "/", "x",
	    "k" },
	{ GET HOST "Content-Length: 010\r\n\r\n", HTTP_METHOD_GET, "/", "x",
	    "kb" },
	{ GET HOST "Content-Length: 99999999999999999999999\r\n\r\n",
	    HTTP_METHOD_GET, "/", "x", "kb" },
	{ GET HOST "Transfer-Encoding: Chunked\r\n\r\n", HTTP_METHOD_GET, "/",
	    "x", "kb" }
};

static void
expect_text(struct http_text t, const char *expected)
{
	if (expected == NULL) {
		assert_null(t.data);
		return;
	}
	assert_int_equal(t.len, strlen(expected));
	assert_memory_equal(t.data, expected, t.len);
}

static void
what_is_good_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		size_t len = strlen(good[i].text), used = 0;
		const char *flags = good[i].flags;
		char longer[512], *mem;
		struct http_head head;

		check_status(good[i].text, len, 0);
		/* What follows is another's. */
		memcpy(longer, good[i].text, len);
		memcpy(longer + len, "\nX: \0", 5);
		assert_int_equal(read_head(longer, len + 5, &head, &used,
		    &mem), 0);
		assert_int_equal(used, len);
		assert_int_equal(head.method, good[i].method);
		if (good[i].path[0] != '\0')
			expect_text(head.path, good[i].path);
		expect_text(head.host, good[i].host);
		assert_int_equal(head.foreign, strchr(flags, 'f') != NULL);
		assert_int_equal(head.old, strchr(flags, 'o') != NULL);
		assert_int_equal(head.keep, strchr(flags, 'k') != NULL);
		assert_int_equal(head.body, strchr(flags, 'b') != NULL);
		free(mem);
	}
}

static void
queries_and_conditions_are_found(void **state)
{
	static const char text[] = "GET /a?b=%00&c?d HTTP/1.1\r\n" HOST
	    "ORIGIN:  https://a.example \r\nIf-None-Match: \"1\"\r\n"
	    "if-none-match:W/\"2\" , *\r\n" END;
	struct http_head head;
	char *mem;
	size_t used;

	(void)state;
	assert_int_equal(read_head(text, sizeof(text) - 1, &head, &used,
	    &mem), 0);
	expect_text(head.path, "/a");
	expect_text(head.query, "b=%00&c?d");
	expect_text(head.origin, "https://a.example");
	expect_text(head.none_match, "W/\"2\" , *");
	free(mem);
	assert_int_equal(read_head(GET HOST END, sizeof(GET HOST END) - 1,
	    &head, &used, &mem), 0);
	assert_null(head.query.data);
	assert_null(head.origin.data);
	assert_null(head.none_match.data);
	free(mem);
	assert_int_equal(read_head("GET http://x?q HTTP/1.1\r\n" HOST END,
	    sizeof("GET http://x?q HTTP/1.1\r\n" HOST END) - 1, &head, &used,
	    &mem), 0);
	expect_text(head.path, "/");
	expect_text(head.query, "q");
	free(mem);
}

/*
 * A head of a size, made longer between two parts of it, so that its
 * status is this one; cuts are tried around the limit only.
 */
static void
check_long(const char *before, const char *after, size_t size, int expected)
{
	static char text[2 * HTTP_HEAD_MAX];
	size_t start = strlen(before), end = strlen(after), used;
	struct http_head head;

	memset(text, 'x', sizeof(text));
	memcpy(text, before, start);
	memcpy(text + size - end, after, end);
	assert_int_equal(http_head_read(text, size, &head, &used), expected);
	for (size_t n = HTTP_HEAD_MAX - 3; n < HTTP_HEAD_MAX && n < size; n++)
		assert_int_equal(http_head_read(text, n, &head, &used), -1);
	for (size_t n = HTTP_HEAD_MAX; n < size; n++)
		assert_int_equal(http_head_read(text, n, &head, &used),
		    expected);
}

static void
long_heads_are_refused(void **state)
{
	(void)state;
	check_long(GET HOST "X: ", "\r\n\r\n", HTTP_HEAD_MAX, 0);
	for (size_t more = 1; more < 9; more++)
		check_long(GET HOST "X: ", "\r\n\r\n", HTTP_HEAD_MAX + more,
		    431);
	check_long(GET HOST "X", ":\r\n\r\n", HTTP_HEAD_MAX + 99, 431);
	check_long("GET /", " HTTP/1.1\r\n" HOST END, HTTP_HEAD_MAX, 0);
	check_long("GET /", " HTTP/1.1\r\n" HOST END, HTTP_HEAD_MAX + 1, 431);
	check_long("GET /", " HTTP/1.1\r\n" HOST END, HTTP_HEAD_MAX + 999,
	    414);
	check_long("GET", " / HTTP/1.1\r\n" HOST END, HTTP_HEAD_MAX + 999,
	    400);
}

static void
a_request_has_begun_with_its_first_byte(void **state)
{
	(void)state;
	assert_false(http_head_has_begun("", 0));
	assert_false(http_head_has_begun("\r", 1));
	assert_false(http_head_has_begun("\r\n", 2));
	assert_true(http_head_has_begun("\n", 1));
	assert_true(http_head_has_begun("G", 1));
	assert_true(http_head_has_begun("\r\nG", 3));
}

static void
hosts_are_addresses_or_not(void **state)
{
	static const struct {
		const char *host;
		bool valid, address;
	} hosts[] = {
		{ "127.0.0.1", true, true },
		{ "192.0.2.1:80", true, true },
		{ "localhost", true, true },
		{ "LOCALHOST:1", true, true },
		{ "[::1]", true, true },
		{ "[2001:db8::1]:65535", true, true },
		{ "", true, false },
		{ ":80", true, false },
		{ "localhost:", true, false },
		{ "[::1]:", true, false },
		{ "evil.example", true, false },
		{ "localhost.", true, false },
		{ "127.1", true, false },
		{ "[x]", true, false },
		{ "%6cocalhost", true, false },
		{ "%6", false, false },
		{ "%6x", false, false },
		{ "[::1", false, false },
		{ "[", false, false },
		{ "[]", false, false },
		{ "[[::1]]", false, false },
		{ "[::1]evil.example", false, false },
		{ "[::1]80", false, false },
		{ "[::1]:x", false, false },
		{ "::1", false, false },
		{ "localhost:80x", false, false },
		{ "localhost:80:80", false, false },
		{ "localhost:-1", false, false },
		{ "x@localhost", false, false },
		{ "localhost/", false, false },
		{ "127.0.0.1 x", false, false },
		{ "\xc3\xa4", false, false }
	};
	static const struct http_hosts loopback = { .loopback = true };
	char name[100];

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		size_t len = strlen(hosts[i].host);

		if (http_host_is_valid(hosts[i].host, len) != hosts[i].valid ||
		    http_host_is_ours(&loopback, hosts[i].host, len) !=
		    hosts[i].address)
			fail_msg("%s", hosts[i].host);
	}
	memset(name, '1', sizeof(name));
	assert_false(http_host_is_ours(&loopback, name, sizeof(name)));
	assert_false(http_host_is_ours(&loopback, "127.0.0.1\0", 10));
}

/* Those of the line, whole, in any case and with any port. */
static void
hosts_have_names(void **state)
{
	static const struct http_hosts hosts = { .names =
	    "lookup.example.org,b,x-1.example" };
	static const struct {
		const char *host;
		bool ours;
	} rows[] = {
		{ "lookup.example.org", true },
		{ "LOOKUP.Example.org:8080", true },
		{ "b", true },
		{ "x-1.example:1", true },
		{ "127.0.0.1", true },
		{ "[::1]:80", true },
		{ "localhost", false },
		{ "", false },
		{ ":80", false },
		{ "lookup.example.or", false },
		{ "lookup.example.orgx", false },
		{ "ookup.example.org", false },
		{ "lookup.example.org.", false },
		{ "lookup.example.org:", false },
		{ "lookup.example.org,b", false },
		{ "b,x-1.example", false },
		{ "[b]", false },
		{ "%62", false },
		{ "x-1.example.evil.example", false }
	};
	static const struct http_hosts none = { .names = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (http_host_is_ours(&hosts, rows[i].host,
		    strlen(rows[i].host)) != rows[i].ours)
			fail_msg("%s", rows[i].host);
	assert_false(http_host_is_ours(&none, "b", 1));
	assert_true(http_host_is_ours(&none, "192.0.2.1", 9));
}

/* What Prometheus asks for, of either mind, and others. */
static void
forms_are_weighed(void **state)
{
	static const struct {
		const char *fields;
		bool plain;
	} rows[] = {
		{ "", false },
		{ "Accept: */*\r\n", false },
		{ "Accept: text/html,*/*;q=0.8\r\n", false },
		{ "Accept: text/plain\r\n", true },
		{ "ACCEPT: TEXT/Plain ; version=0.0.4\r\n", true },
		{ "Accept: text/plain;q=0\r\n", false },
		{ "Accept: text/plain; q=0.001\r\n", true },
		{ "Accept: application/openmetrics-text, text/plain\r\n",
		    false },
		{ "Accept: application/openmetrics-text;version=1.0.0;q=0.5,"
		    "application/openmetrics-text;version=0.0.1;q=0.4,"
		    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n", false },
		{ "Accept: text/plain;version=0.0.4;q=0.6, application/"
		    "openmetrics-text; version=1.0.0; q=0.5\r\n", true },
		{ "Accept: application/openmetrics-text;q=0.4\r\n"
		    "Accept:text/plain;q=0.45\r\n", true },
		{ "Accept: text/plainer, text\r\n", false },
		{ "Accept: ,;,;q=,text/plain;q=x,\r\n", true },
		{ "Accept: ;\r\n", false }
	};
	struct http_head head;
	char text[512], *mem;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), GET HOST "%s" END,
		    rows[i].fields);
		assert_int_equal(read_head(text, strlen(text), &head, &used,
		    &mem), 0);
		free(mem);
		if (head.classic != rows[i].plain)
			fail_msg("%s", rows[i].fields);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flaws_are_told),
		cmocka_unit_test(what_is_good_is_understood),
		cmocka_unit_test(queries_and_conditions_are_found),
		cmocka_unit_test(long_heads_are_refused),
		cmocka_unit_test(a_request_has_begun_with_its_first_byte),
		cmocka_unit_test(hosts_are_addresses_or_not),
		cmocka_unit_test(hosts_have_names),
		cmocka_unit_test(forms_are_weighed)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
