/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests for bytes: entries, and the first ten bytes where there is none.
 */

#include "config.h"

#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define BINARY	"binary/custom-server-binary-type"

static void
other_types_are_binary(void **state)
{
	static const char *const types[] = {
		"", "text/plain", "TEXT/JSON", "text/json ", " text/json",
		"text/json;charset=utf-8", "text/json\\u0000", "text",
		"application/json", "binary/custom-client-binary-type"
	};
	static const char content[] = "{\"action\": \"search\"}";

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		ask(types[i], "no such encoding", "", content,
		    sizeof(content) - 1, false);
		ask_expect(BINARY, "binary", "",
		    "First 10 bytes of request: {\"action\":", 37);
	}
	ask("text\\/json", "utf-8", "", content, sizeof(content) - 1, true);
	ask_expect_result("", "Error: no \\\"value\\\" in the content.");
}

static void
ten_bytes_of_a_binary_request_come_back(void **state)
{
	static const char first[] = "First 10 bytes of request: ";
	static const char bytes[] = "\0\xff\n\"\\\x80 789abc";
	char content[64];

	(void)state;
	memcpy(content, first, sizeof(first) - 1);
	memcpy(content + sizeof(first) - 1, bytes, sizeof(bytes));
	for (size_t len = 1; len < sizeof(bytes); len++) {
		ask("x", "x", "", bytes, len, false);
		ask_expect(BINARY, "binary", "", content, sizeof(first) - 1 +
		    (len < 10 ? len : 10));
	}
	ask("x", "x", ",\"id\":1", bytes, 3, true);
	ask_expect(BINARY, "binary", ", \"id\": 1, \"status\": \"not-found\"",
	    content, sizeof(first) - 1 + 3);
	ask("x", "x", ",\"id\":1", "", 0, true);
	ask_expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-request\"", "Error: an empty request.");
}

static void
binary_entries_are_found_by_their_bytes(void **state)
{
	static const char type[] = "image/x-\\\"logo\\\"";

	(void)state;
	ask("x", "x", "", "logo", 4, false);
	ask_expect(type, "binary", "", "\0\xff""LOGO", 6);
	ask("x", "x", ",\"id\":\"\"", "\0\n", 2, true);
	ask_expect("application/octet-stream", "binary",
	    ", \"id\": \"\", \"status\": \"found\"", "\0\xff""LOGO", 6);
	ask("x", "x", "", "nothing", 7, false);
	ask_expect("application/octet-stream", "binary", "", "", 0);
	ask("x", "x", "", "log", 3, false);
	ask_expect(BINARY, "binary", "", "First 10 bytes of request: log", 30);
	ask("x", "x", "", "logo\0", 5, false);
	ask_expect(BINARY, "binary", "",
	    "First 10 bytes of request: logo\0", 32);
	/* An answer's key is none of a binary entry. */
	ask("x", "x", "", "ring", 4, false);
	ask_expect(BINARY, "binary", "", "First 10 bytes of request: ring", 31);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_types_are_binary),
		cmocka_unit_test(ten_bytes_of_a_binary_request_come_back),
		cmocka_unit_test(binary_entries_are_found_by_their_bytes)
	};

	return cmocka_run_group_tests(tests, ask_setup, ask_teardown);
}
