/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One request, one reply: what searches get, byte for byte, in any encoding,
 * and what headers ask the reply to say.
 */

#include "config.h"

#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
searches_are_answered_as_by_the_tutorial(void **state)
{
	static const struct {
		const char *content, *result;
	} rows[] = {
		{ "{\"action\": \"search\", \"value\": \"ring\"}", RING },
		{ "{\"action\": \"search\", \"value\": \"morpheus\"}",
		    RABBIT },
		{ "{\"action\": \"search\", \"value\": "
		    "\"\xf0\x9f\x90\xb6\"}", BALL },
		{ "{\"action\":\"search\",\"value\":\"\\ud83d\\udc36\"}",
		    BALL },
		{ " {\t\"value\" :\r\n\"r\\u0069ng\",\"\\u0061ction\" "
		    ": \"s\\u0065arch\" } ", RING },
		{ "{\"action\":\"search\",\"value\":\"ring\",\"x\":"
		    "[{\"value\":\"morpheus\"},1e9,null]}", RING },
		{ "{\"action\":\"jump\",\"value\":7,\"action\":\"search\","
		    "\"value\":\"ring\"}", RING },
		{ "{\"action\":\"search\",\"value\":\"empty\"}", "" },
		{ "{\"action\":\"search\",\"value\":\"nul\\u0000key\"}",
		    "nul\\u0000 \\\"quote\\\\ \\u001f" },
		{ "{\"action\":\"search\",\"value\":\"nul\"}",
		    "No match for \\\"nul\\\"." },
		{ "{\"action\":\"search\",\"value\":\"Ring\"}",
		    "No match for \\\"Ring\\\"." },
		{ "{\"action\":\"search\",\"value\":\"\"}",
		    "No match for \\\"\\\"." },
		{ "{\"action\":\"search\",\"value\":\"logo\"}",
		    "No match for \\\"logo\\\"." },
		{ "{\"action\":\"search\",\"value\":\"a\\\"b\\\\c\\/d\\u0001"
		    "\\u001F\\u007f\\u00e4\\n\\u000a\\u0000\"}",
		    "No match for \\\"a\\\"b\\\\c/d\\u0001\\u001f\x7f\xc3\xa4"
		    "\\n\\n\\u0000\\\"." },
		{ "{\"action\":\"jump\",\"value\":\"ring\"}",
		    "Error: invalid action \\\"jump\\\"." },
		{ "{\"action\":\"\"}", "Error: invalid action \\\"\\\"." },
		{ "{\"action\":\"Search\",\"value\":[]}",
		    "Error: invalid action \\\"Search\\\"." },
		{ "{\"action\":\"search\\u0000\"}",
		    "Error: invalid action \\\"search\\u0000\\\"." }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask_json("", rows[i].content, false);
		ask_expect_result("", rows[i].result);
	}
}

static void
contents_come_in_every_encoding(void **state)
{
	static const char plain[] =
	    "{\"action\":\"search\",\"value\":\"ring\"}";
	static const struct {
		const char *name;
		size_t unit;
		bool big;
		struct text mark;
	} rows[] = {
		{ "us-ascii", 1, false, TEXT("") },
		{ "ISO_8859-1", 1, false, TEXT("") },
		{ "utf-16", 2, false, TEXT("\xff\xfe") },
		{ "utf-16", 2, true, TEXT("\xfe\xff") },
		{ "utf-16-le", 2, false, TEXT("") },
		{ "UTF_16_BE", 2, true, TEXT("") },
		{ "utf-32", 4, false, TEXT("\xff\xfe\0\0") },
		{ "utf-32", 4, true, TEXT("\0\0\xfe\xff") },
		{ "utf\\u002d32-le", 4, false, TEXT("") },
		{ "utf-32be", 4, true, TEXT("") }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char content[8 + 4 * sizeof(plain)] = { 0 };
		size_t unit = rows[i].unit, len = rows[i].mark.len;

		memcpy(content, rows[i].mark.p, len);
		for (size_t j = 0; j < sizeof(plain) - 1; j++, len += unit)
			content[len + (rows[i].big ? unit - 1 : 0)] = plain[j];
		ask("text/json", rows[i].name, "", content, len, false);
		ask_expect_result("", RING);
		/* A byte less is no such text, but where units are bytes. */
		ask("text/json", rows[i].name, ",\"id\":1", content, len - 1,
		    true);
		ask_expect_result(unit == 1 ? ", \"id\": 1, \"status\": "
		    "\"error\", \"error\": \"bad-json\"" : ", \"id\": 1, "
		    "\"status\": \"error\", \"error\": \"bad-encoding\"",
		    unit == 1 ? "Error: unfinished." : "Error: the content "
		    "is not in its \\\"content-encoding\\\".");
	}
}

static void
a_key_is_the_same_in_every_encoding(void **state)
{
	(void)state;
	ask("text/json", "latin-1", "", "{\"action\":\"search\","
	    "\"value\":\"\xe4\"}", 31, false);
	ask_expect_result("", "No match for \\\"\xc3\xa4\\\".");
	ask("text/json", "utf-8", "", "{\"action\":\"search\","
	    "\"value\":\"\xc3\xa4\"}", 32, false);
	ask_expect_result("", "No match for \\\"\xc3\xa4\\\".");
}

static void
a_reply_says_what_was_asked_for(void **state)
{
#define FOUND	", \"status\": \"found\""
	static const struct {
		const char *members;
		bool keep;
		const char *reply;
	} rows[] = {
		{ "", true, "" }, { "", false, "" },
		{ ",\"other\":1,\"status\":\"x\",\"error\":\"y\"", true, "" },
		{ ",\"connection\":\"keep-alive\"", true,
		    ", \"connection\": \"keep-alive\"" FOUND },
		{ ",\"connection\":\"keep-alive\"", false,
		    ", \"connection\": \"close\"" FOUND },
		{ ",\"connection\":\"close\"", false,
		    ", \"connection\": \"close\"" FOUND },
		{ ",\"connection\":null", false,
		    ", \"connection\": \"close\"" FOUND },
		{ ",\"id\":0", true, ", \"id\": 0" FOUND },
		{ ",\"id\":-0", true, ", \"id\": 0" FOUND },
		{ ",\"id\":-9007199254740992", false,
		    ", \"id\": -9007199254740992" FOUND },
		{ ",\"id\":\"\"", false, ", \"id\": \"\"" FOUND },
		{ ",\"id\":\"\\u0041\\/\\u00e4\\ud83d\\udc30\\u0000\"", true,
		    ", \"id\": \"A/\xc3\xa4\xf0\x9f\x90\xb0\\u0000\"" FOUND },
		{ ",\"id\":\"\xc3\xa4\x7f\"", true,
		    ", \"id\": \"\xc3\xa4\x7f\"" FOUND },
		{ ",\"id\":7,\"connection\":\"keep-alive\"", true,
		    ", \"connection\": \"keep-alive\", \"id\": 7" FOUND },
		{ ",\"suggest\":5", true, "" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask_json(rows[i].members,
		    "{\"action\":\"search\",\"value\":\"ring\"}",
		    rows[i].keep);
		ask_expect_result(rows[i].reply, RING);
	}
	ask_json(",\"id\":7", "{\"action\":\"search\",\"value\":\"x\"}", true);
	ask_expect_result(", \"id\": 7, \"status\": \"not-found\"",
	    "No match for \\\"x\\\".");
#undef FOUND
}

static void
the_longest_id_comes_back(void **state)
{
	char member[8192], id[2048] = ", \"id\": \"", *p = member;
	char *q = id + strlen(id);

	(void)state;
	p += sprintf(p, ",\"id\":\"");
	for (int i = 0; i < APPMSG_ID_MAX; i++) {
		p += sprintf(p, "\\u001F");
		q += sprintf(q, "\\u001f");
	}
	sprintf(p, "\"");
	sprintf(q, "\", \"status\": \"found\"");
	ask_json(member, "{\"action\":\"search\",\"value\":\"ring\"}", true);
	ask_expect_result(id, RING);
}

/* Of all that ask_setup() loads. */
#define ALL	", \"generation-digest\": " \
		"\"24649f07af67452d260ceb658f713b00\", \"entries\": 8"

static void
explain_tells_where_an_answer_stands(void **state)
{
	char members[8192];

	(void)state;
	ask_json(",\"explain\":true",
	    "{\"action\":\"search\",\"value\":\"ring\"}", true);
	snprintf(members, sizeof(members), ", \"table\": \"main\", "
	    "\"generation\": 7, \"loaded\": \"1970-01-01T00:00:00Z\", "
	    "\"file\": \"%s\", \"line\": 3, \"match\": \"exact\", "
	    "\"digest\": \"eab8f310d83b8f118de686ef691e07de\"" ALL,
	    folder_path("appmsgd.conf"));
	ask_expect_result(members, RING);
	ask("x", "x", ",\"id\":1,\"explain\":true", "nothing", 7, true);
	snprintf(members, sizeof(members), ", \"id\": 1, \"status\": "
	    "\"found\", \"table\": \"main\", \"generation\": 7, \"loaded\": "
	    "\"1970-01-01T00:00:00Z\", \"file\": \"%s\", \"line\": 9, "
	    "\"match\": \"exact\", \"digest\": "
	    "\"10ff4fd781a42ec9f7704549296bc89c\"" ALL,
	    folder_path("appmsgd.conf"));
	ask_expect("application/octet-stream", "binary", members, "", 0);
	ask_json(",\"explain\":true",
	    "{\"action\":\"search\",\"value\":\"x\"}", true);
	ask_expect_result(", \"generation\": 7, "
	    "\"loaded\": \"1970-01-01T00:00:00Z\"" ALL,
	    "No match for \\\"x\\\".");
}

static void
expect_content(const char *members, const char *content)
{
	ask_expect("text/json", "utf-8", members, content, strlen(content));
}

/* Also those without a name that counts; whatever else the content has. */
static void
tables_are_named(void **state)
{
	static const char reply[] =
	    "{\"result\": \"main\", \"tables\": [\"main\"]}";
	static const char many[] =
	    "{\"table\":7,\"match\":\"odd\",\"limit\":-1,\"distance\":"
	    "\"\\ud800\",\"action\":\"search\",\"action\":\"tables\"}";
	static const char *const contents[] = {
		"{\"action\": \"tables\"}",
		"{\"action\":\"t\\u0061bles\",\"value\":[{\"x\":null}]}",
		many
	};

	(void)state;
	for (size_t i = 0; i < COUNT(contents); i++) {
		ask_json("", contents[i], false);
		expect_content("", reply);
		ask_json(",\"id\":\"a\",\"connection\":\"keep-alive\"",
		    contents[i], true);
		expect_content(", \"connection\": \"keep-alive\", "
		    "\"id\": \"a\", \"status\": \"found\"", reply);
		ask_json(",\"explain\":true,\"suggest\":3", contents[i],
		    false);
		expect_content(", \"generation\": 7, \"loaded\": "
		    "\"1970-01-01T00:00:00Z\"" ALL, reply);
	}
	ask("text/json", "utf-16-le", "", "{\0\"\0a\0c\0t\0i\0o\0n\0\"\0:\0"
	    "\"\0t\0a\0b\0l\0e\0s\0\"\0}", 38, false);
	expect_content("", reply);
	ask_json("", "{\"action\":\"table\"}", false);
	ask_expect_result("", "Error: invalid action \\\"table\\\".");
	ask_json("", "{\"action\":\"tables\\u0000\"}", false);
	ask_expect_result("",
	    "Error: invalid action \\\"tables\\u0000\\\".");
	ask("x", "x", "", "{\"action\": \"tables\"}", 20, false);
	ask_expect("binary/custom-server-binary-type", "binary", "",
	    "First 10 bytes of request: {\"action\":", 37);
}

/* What one large request needs does not show in the next one. */
static void
large_and_small_requests_take_turns(void **state)
{
	size_t units = 200000, len = 0;
	char *content = malloc(6 * units + 64);
	struct appmsg_header h;
	size_t used;

	(void)state;
	assert_non_null(content);
	len = (size_t)sprintf(content, "{\"action\":\"search\",\"value\":\"");
	for (size_t i = 0; i < units; i++) {
		memcpy(content + len, "\\u0001", 6);
		len += 6;
	}
	len += (size_t)sprintf(content + len, "\"}");
	for (int round = 0; round < 3; round++) {
		ask("text/json", "utf-8", "", content, len, false);
		used = ask_decode(&h);
		assert_int_equal(ask_reply.len, used + 6 * units +
		    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
		ask("text/json", "latin1", "", content, len, false);
		assert_int_equal(ask_reply.len, used + 6 * units +
		    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
		searches_are_answered_as_by_the_tutorial(state);
	}
	/* Each byte becomes two. */
	memset(content + 28, '\xe4', len - 30);
	ask("text/json", "latin1", "", content, len, false);
	used = ask_decode(&h);
	assert_int_equal(ask_reply.len, used + 2 * (len - 30) +
	    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
	free(content);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_are_answered_as_by_the_tutorial),
		cmocka_unit_test(contents_come_in_every_encoding),
		cmocka_unit_test(a_key_is_the_same_in_every_encoding),
		cmocka_unit_test(a_reply_says_what_was_asked_for),
		cmocka_unit_test(the_longest_id_comes_back),
		cmocka_unit_test(explain_tells_where_an_answer_stands),
		cmocka_unit_test(tables_are_named),
		cmocka_unit_test(large_and_small_requests_take_turns)
	};

	return cmocka_run_group_tests(tests, ask_setup, ask_teardown);
}
