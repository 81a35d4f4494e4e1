/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests that get an error, its code, and the text that says why; and what is
 * refused without a request.
 */

#include "config.h"

#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/request/request.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
what_cannot_be_answered_has_its_code(void **state)
{
	static const struct {
		struct text content;
		const char *code;
	} rows[] = {
		{ TEXT(""), "bad-json" }, { TEXT(" "), "bad-json" },
		{ TEXT("{"), "bad-json" }, { TEXT("nul"), "bad-json" },
		{ TEXT("NaN"), "bad-json" }, { TEXT("'a'"), "bad-json" },
		{ TEXT("{\"action\":\"search\",\"value\":\"ring\"}x"),
		    "bad-json" },
		{ TEXT("{\"action\":\"search\",\"value\":\"ring\",}"),
		    "bad-json" },
		{ TEXT("{\"action\":\"search\",\"value\":\"ring\",\"x\":01}"),
		    "bad-json" },
		{ TEXT("{\"action\":\"search\",\"value\":\"ring\"}\0"),
		    "bad-json" },
		{ TEXT("\xef\xbb\xbf{\"action\":\"search\"}"), "bad-json" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\t\"}"),
		    "bad-json" },
		{ TEXT("[]"), "bad-request" }, { TEXT("0"), "bad-request" },
		{ TEXT("\"\""), "bad-request" }, { TEXT("null"),
		    "bad-request" },
		{ TEXT(" true "), "bad-request" },
		{ TEXT("[{\"action\":\"search\"}]"), "bad-request" },
		{ TEXT("{}"), "bad-request" },
		{ TEXT("{\"value\":\"ring\"}"), "bad-request" },
		{ TEXT("{\"action\":\"search\"}"), "bad-request" },
		{ TEXT("{\"action\":7,\"value\":\"ring\"}"), "bad-request" },
		{ TEXT("{\"action\":null}"), "bad-request" },
		{ TEXT("{\"action\":\"\\ud800\"}"), "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":7}"),
		    "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":[\"ring\"]}"),
		    "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\\udfff\"}"),
		    "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"x\","
		    "\"value\":null}"), "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\",\"after\":1}"),
		    "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\","
		    "\"after\":null}"), "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\","
		    "\"after\":\"\\ud800\"}"), "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"x\","
		    "\"order\":\"weights\"}"), "bad-request" },
		{ TEXT("{\"action\":\"search\",\"value\":\"x\","
		    "\"match\":\"prefix\",\"order\":1}"),
		    "bad-request" },
		{ TEXT("{\"action\":\"jump\"}"), "bad-action" },
		{ TEXT("\xff"), "bad-encoding" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\xe4\"}"),
		    "bad-encoding" },
		{ TEXT("{\"action\":\"search\",\"value\":\"\xed\xa0\x80\"}"),
		    "bad-encoding" }
	};
	static const char before[] = "{\"result\": \"Error: ";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct appmsg_header h;
		const char *content;
		size_t used;

		ask("text/json", "utf-8", ",\"id\":1", rows[i].content.p,
		    rows[i].content.len, true);
		used = ask_decode(&h);
		assert_int_equal(h.content_length, ask_reply.len - used);
		assert_true(appmsg_str_eq(&h.status, "error", 5));
		if (!appmsg_str_eq(&h.error, rows[i].code,
		    strlen(rows[i].code)))
			fail_msg("%s: %.*s", rows[i].content.p,
			    (int)h.error.len, h.error.raw);
		content = ask_reply.data + used;
		assert_memory_equal(content, before, sizeof(before) - 1);
		assert_memory_equal(ask_reply.data + ask_reply.len - 3,
		    ".\"}", 3);
		/* Who did not ask for a status gets none. */
		ask("text/json", "utf-8", "", rows[i].content.p,
		    rows[i].content.len, true);
		ask_decode(&h);
		assert_null(h.status.raw);
		assert_null(h.error.raw);
	}
}

static void
a_deep_array_is_json_but_no_object(void **state)
{
	const size_t depth = APPMSG_DEPTH_MAX;
	char text[2 * APPMSG_DEPTH_MAX];

	(void)state;
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	ask("text/json", "utf-8", ",\"id\":1", text, 2 * depth, true);
	ask_expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-request\"",
	    "Error: the content is not an object.");
}

static void
an_unknown_encoding_is_an_error(void **state)
{
	static const char *const rows[] = { "", "utf-7", "binary", "rot13" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask("text/json", rows[i], ",\"id\":1",
		    "{\"action\":\"search\",\"value\":\"ring\"}", 34, true);
		ask_expect_result(", \"id\": 1, \"status\": \"error\", "
		    "\"error\": \"bad-encoding\"",
		    "Error: unknown \\\"content-encoding\\\".");
	}
}

static void
flaws_are_answered(void **state)
{
	(void)state;
	ask_json(",\"id\":1.5", "{\"action\":\"search\",\"value\":\"ring\"}",
	    true);
	ask_expect_result(", \"status\": \"error\", \"error\": \"bad-id\"",
	    "Error: \\\"id\\\" is neither an integer within 2^53 nor a "
	    "string of up to 256 bytes.");
	ask_json(",\"id\":1,\"suggest\":7",
	    "{\"action\":\"search\",\"value\":\"ring\"}", true);
	ask_expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-header\"",
	    "Error: \\\"suggest\\\" is not an integer from 0 to 5.");
}

static void
refuse(const struct appmsg_header *hdr, enum request_status status,
    const char *code, const char *why, bool tell)
{
	const struct refusal refusal = { status, code, why };

	assert_int_equal(request_refuse(NULL, hdr, &refusal, tell,
	    &ask_reply), 0);
}

static void
refusals_have_the_form_of_replies(void **state)
{
	struct appmsg_header h = {
		.has_connection = true,
		.id = { .kind = APPMSG_ID_INT, .num = 7 }
	};

	(void)state;
	ask_reply.len = 0;
	refuse(NULL, REQUEST_ERROR, "timeout", "too \"late\"", false);
	ask_expect_result("", "Error: too \\\"late\\\".");
	ask_reply.len = 0;
	refuse(NULL, REQUEST_ERROR, "timeout", "late", true);
	ask_expect_result(", \"connection\": \"close\", \"status\": \"error\", "
	    "\"error\": \"timeout\"", "Error: late.");
	ask_reply.len = 0;
	refuse(NULL, REQUEST_BUSY, NULL, "full", true);
	ask_expect_result(", \"connection\": \"close\", \"status\": \"busy\"",
	    "Error: full.");
	ask_reply.len = 0;
	refuse(&h, REQUEST_DENIED, NULL, "go", false);
	ask_expect_result(", \"connection\": \"close\", \"id\": 7, "
	    "\"status\": \"denied\"", "Error: go.");
}

static void
replies_are_appended(void **state)
{
	size_t first;

	(void)state;
	ask_reply.len = 0;
	refuse(NULL, REQUEST_ERROR, "timeout", "one", false);
	first = ask_reply.len;
	refuse(NULL, REQUEST_ERROR, "timeout", "two", false);
	assert_int_equal(ask_reply.len, 2 * first);
	assert_memory_equal(ask_reply.data + first, ask_reply.data, first - 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_answered_has_its_code),
		cmocka_unit_test(a_deep_array_is_json_but_no_object),
		cmocka_unit_test(an_unknown_encoding_is_an_error),
		cmocka_unit_test(flaws_are_answered),
		cmocka_unit_test(refusals_have_the_form_of_replies),
		cmocka_unit_test(replies_are_appended)
	};

	return cmocka_run_group_tests(tests, ask_setup, ask_teardown);
}
