/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One request, one reply: what contents get, byte for byte, and what headers
 * ask the reply to say.
 */

#include "config.h"

#include "daemon/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/generation.h"
#include "daemon/problems.h"
#include "folder.h"
#include "texts.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define START	"{\"byteorder\": \"big\""
#else
#define START	"{\"byteorder\": \"little\""
#endif

#define BINARY	"binary/custom-server-binary-type"
#define RABBIT	"Follow the white rabbit. \xf0\x9f\x90\xb0"
#define RING	"In the caves beneath the Misty Mountains. \xf0\x9f\x92\x8d"
#define BALL	"\xf0\x9f\x90\xbe Playing ball! \xf0\x9f\x8f\x90"

static struct generation *gen;
static struct request_env env;
static struct buf out;

static int
setup(void **state)
{
	static const char conf[] =
	    "listen 127.0.0.1 0\n"
	    "answer morpheus \"" RABBIT "\"\n"
	    "answer ring \"" RING "\"\n"
	    "answer \"\xf0\x9f\x90\xb6\" \"" BALL "\"\n"
	    "answer empty \"\"\n"
	    "answer \"nul\\u0000key\" \"nul\\u0000 \\\"quote\\\\ \\u001f\"\n"
	    "binary logo file logo.bin type=\"image/x-\\\"logo\\\"\"\n"
	    "binary \"\\u0000\\n\" file logo.bin\n"
	    "binary nothing file empty.bin\n";
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write("logo.bin", "\0\xff""LOGO", 6);
	folder_write("empty.bin", "", 0);
	gen = generation_load(folder_write_text("appmsgd.conf", conf),
	    NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL)
		return -1;
	gen->number = 7;
	gen->loaded_at = 0;
	env.gen = gen;
	env.reply_max = SIZE_MAX;
	return 0;
}

static int
teardown(void **state)
{
	generation_unref(gen);
	request_env_clear(&env);
	buf_clear(&out);
	return folder_teardown(state);
}

/*
 * Ask with these header members behind the usual four; the reply is in out.
 */
static void
ask(const char *type, const char *encoding, const char *members,
    const void *content, size_t len, bool keep)
{
	char frame[8192], *mem = malloc(len > 0 ? len : 1);
	struct request_job *job;
	struct appmsg_header h;
	size_t used;
	int n = snprintf(frame + 2, sizeof(frame) - 2, "{\"byteorder\":0,"
	    "\"content-type\":\"%s\",\"content-encoding\":\"%s\","
	    "\"content-length\":%zu%s}", type, encoding, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(frame) - 2);
	frame[0] = (char)(n >> 8);
	frame[1] = (char)n;
	assert_non_null(mem);
	memcpy(mem, content, len);
	assert_int_equal(appmsg_header_decode(frame, (size_t)n + 2, &h,
	    &used), 0);
	out.len = 0;
	assert_int_equal(request_answer(&env, &h, mem, len, keep, &out,
	    &job), REQUEST_ANSWERED);
	free(mem);
}

/* The whole of the reply: its type, further members, and content. */
static void
expect(const char *type, const char *encoding, const char *members,
    const void *content, size_t len)
{
	char header[8192];
	int n = snprintf(header, sizeof(header), START ", \"content-type\": "
	    "\"%s\", \"content-encoding\": \"%s\", \"content-length\": %zu%s}",
	    type, encoding, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(header));
	if (out.len != 2 + (size_t)n + len)
		fail_msg("%.*s instead of %s", (int)out.len - 2, out.data + 2,
		    header);
	assert_int_equal((uint8_t)out.data[0], n >> 8);
	assert_int_equal((uint8_t)out.data[1], n & 0xff);
	assert_memory_equal(out.data + 2, header, (size_t)n);
	assert_memory_equal(out.data + 2 + n, content, len);
}

/* A reply of the one form that text has; result as it stands in quotes. */
static void
expect_result(const char *members, const char *result)
{
	char content[8192];
	int n = snprintf(content, sizeof(content), "{\"result\": \"%s\"}",
	    result);

	assert_true(n > 0 && (size_t)n < sizeof(content));
	expect("text/json", "utf-8", members, content, (size_t)n);
}

static void
ask_json(const char *members, const char *content, bool keep)
{
	ask("text/json", "utf-8", members, content, strlen(content), keep);
}

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
		expect_result("", rows[i].result);
	}
}

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
		assert_int_equal(appmsg_header_decode(out.data, out.len, &h,
		    &used), 0);
		assert_int_equal(h.content_length, out.len - used);
		assert_true(appmsg_str_eq(&h.status, "error", 5));
		if (!appmsg_str_eq(&h.error, rows[i].code,
		    strlen(rows[i].code)))
			fail_msg("%s: %.*s", rows[i].content.p,
			    (int)h.error.len, h.error.raw);
		content = out.data + used;
		assert_memory_equal(content, before, sizeof(before) - 1);
		assert_memory_equal(out.data + out.len - 3, ".\"}", 3);
		/* Who did not ask for a status gets none. */
		ask("text/json", "utf-8", "", rows[i].content.p,
		    rows[i].content.len, true);
		assert_int_equal(appmsg_header_decode(out.data, out.len, &h,
		    &used), 0);
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
	expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-request\"",
	    "Error: the content is not an object.");
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
		expect_result("", RING);
		/* A byte less is no such text, but where units are bytes. */
		ask("text/json", rows[i].name, ",\"id\":1", content, len - 1,
		    true);
		expect_result(unit == 1 ? ", \"id\": 1, \"status\": "
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
	expect_result("", "No match for \\\"\xc3\xa4\\\".");
	ask("text/json", "utf-8", "", "{\"action\":\"search\","
	    "\"value\":\"\xc3\xa4\"}", 32, false);
	expect_result("", "No match for \\\"\xc3\xa4\\\".");
}

static void
an_unknown_encoding_is_an_error(void **state)
{
	static const char *const rows[] = { "", "utf-7", "binary", "rot13" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ask("text/json", rows[i], ",\"id\":1",
		    "{\"action\":\"search\",\"value\":\"ring\"}", 34, true);
		expect_result(", \"id\": 1, \"status\": \"error\", "
		    "\"error\": \"bad-encoding\"",
		    "Error: unknown \\\"content-encoding\\\".");
	}
}

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
		expect(BINARY, "binary", "",
		    "First 10 bytes of request: {\"action\":", 37);
	}
	ask("text\\/json", "utf-8", "", content, sizeof(content) - 1, true);
	expect_result("", "Error: no \\\"value\\\" in the content.");
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
		expect(BINARY, "binary", "", content, sizeof(first) - 1 +
		    (len < 10 ? len : 10));
	}
	ask("x", "x", ",\"id\":1", bytes, 3, true);
	expect(BINARY, "binary", ", \"id\": 1, \"status\": \"not-found\"",
	    content, sizeof(first) - 1 + 3);
	ask("x", "x", ",\"id\":1", "", 0, true);
	expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-request\"", "Error: an empty request.");
}

static void
binary_entries_are_found_by_their_bytes(void **state)
{
	static const char type[] = "image/x-\\\"logo\\\"";

	(void)state;
	ask("x", "x", "", "logo", 4, false);
	expect(type, "binary", "", "\0\xff""LOGO", 6);
	ask("x", "x", ",\"id\":\"\"", "\0\n", 2, true);
	expect("application/octet-stream", "binary",
	    ", \"id\": \"\", \"status\": \"found\"", "\0\xff""LOGO", 6);
	ask("x", "x", "", "nothing", 7, false);
	expect("application/octet-stream", "binary", "", "", 0);
	ask("x", "x", "", "log", 3, false);
	expect(BINARY, "binary", "", "First 10 bytes of request: log", 30);
	ask("x", "x", "", "logo\0", 5, false);
	expect(BINARY, "binary", "", "First 10 bytes of request: logo\0", 32);
	/* An answer's key is none of a binary entry. */
	ask("x", "x", "", "ring", 4, false);
	expect(BINARY, "binary", "", "First 10 bytes of request: ring", 31);
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
		expect_result(rows[i].reply, RING);
	}
	ask_json(",\"id\":7", "{\"action\":\"search\",\"value\":\"x\"}", true);
	expect_result(", \"id\": 7, \"status\": \"not-found\"",
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
	expect_result(id, RING);
}

static void
flaws_are_answered(void **state)
{
	(void)state;
	ask_json(",\"id\":1.5", "{\"action\":\"search\",\"value\":\"ring\"}",
	    true);
	expect_result(", \"status\": \"error\", \"error\": \"bad-id\"",
	    "Error: \\\"id\\\" is neither an integer within 2^53 nor a "
	    "string of up to 256 bytes.");
	ask_json(",\"id\":1,\"suggest\":7",
	    "{\"action\":\"search\",\"value\":\"ring\"}", true);
	expect_result(", \"id\": 1, \"status\": \"error\", "
	    "\"error\": \"bad-header\"",
	    "Error: \\\"suggest\\\" is not an integer from 0 to 5.");
}

static void
explain_tells_where_an_answer_stands(void **state)
{
	char members[8192];

	(void)state;
	ask_json(",\"explain\":true",
	    "{\"action\":\"search\",\"value\":\"ring\"}", true);
	snprintf(members, sizeof(members), ", \"table\": \"main\", "
	    "\"generation\": 7, \"loaded\": \"1970-01-01T00:00:00Z\", "
	    "\"file\": \"%s\", \"line\": 3, \"match\": \"exact\"",
	    folder_path("appmsgd.conf"));
	expect_result(members, RING);
	ask("x", "x", ",\"id\":1,\"explain\":true", "nothing", 7, true);
	snprintf(members, sizeof(members), ", \"id\": 1, \"status\": "
	    "\"found\", \"table\": \"main\", \"generation\": 7, \"loaded\": "
	    "\"1970-01-01T00:00:00Z\", \"file\": \"%s\", \"line\": 9, "
	    "\"match\": \"exact\"", folder_path("appmsgd.conf"));
	expect("application/octet-stream", "binary", members, "", 0);
	ask_json(",\"explain\":true",
	    "{\"action\":\"search\",\"value\":\"x\"}", true);
	expect_result(", \"generation\": 7, "
	    "\"loaded\": \"1970-01-01T00:00:00Z\"", "No match for \\\"x\\\".");
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
		assert_int_equal(appmsg_header_decode(out.data, out.len, &h,
		    &used), 0);
		assert_int_equal(out.len, used + 6 * units +
		    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
		ask("text/json", "latin1", "", content, len, false);
		assert_int_equal(out.len, used + 6 * units +
		    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
		searches_are_answered_as_by_the_tutorial(state);
	}
	/* Each byte becomes two. */
	memset(content + 28, '\xe4', len - 30);
	ask("text/json", "latin1", "", content, len, false);
	assert_int_equal(appmsg_header_decode(out.data, out.len, &h, &used),
	    0);
	assert_int_equal(out.len, used + 2 * (len - 30) +
	    strlen("{\"result\": \"No match for \\\"\\\".\"}"));
	free(content);
}

static void
refusals_have_the_form_of_replies(void **state)
{
	struct appmsg_header h = {
		.has_connection = true,
		.id = { .kind = APPMSG_ID_INT, .num = 7 }
	};

	(void)state;
	out.len = 0;
	assert_int_equal(request_refuse(NULL, NULL, REQUEST_ERROR, "timeout",
	    "too \"late\"", false, &out), 0);
	expect_result("", "Error: too \\\"late\\\".");
	out.len = 0;
	assert_int_equal(request_refuse(NULL, NULL, REQUEST_ERROR, "timeout",
	    "late", true, &out), 0);
	expect_result(", \"connection\": \"close\", \"status\": \"error\", "
	    "\"error\": \"timeout\"", "Error: late.");
	out.len = 0;
	assert_int_equal(request_refuse(NULL, NULL, REQUEST_BUSY, NULL, "full",
	    true, &out), 0);
	expect_result(", \"connection\": \"close\", \"status\": \"busy\"",
	    "Error: full.");
	out.len = 0;
	assert_int_equal(request_refuse(NULL, &h, REQUEST_DENIED, NULL, "go",
	    false, &out), 0);
	expect_result(", \"connection\": \"close\", \"id\": 7, "
	    "\"status\": \"denied\"", "Error: go.");
}

static void
replies_are_appended(void **state)
{
	size_t first;

	(void)state;
	out.len = 0;
	assert_int_equal(request_refuse(NULL, NULL, REQUEST_ERROR, "timeout",
	    "one", false, &out), 0);
	first = out.len;
	assert_int_equal(request_refuse(NULL, NULL, REQUEST_ERROR, "timeout",
	    "two", false, &out), 0);
	assert_int_equal(out.len, 2 * first);
	assert_memory_equal(out.data + first, out.data, first - 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_are_answered_as_by_the_tutorial),
		cmocka_unit_test(what_cannot_be_answered_has_its_code),
		cmocka_unit_test(a_deep_array_is_json_but_no_object),
		cmocka_unit_test(contents_come_in_every_encoding),
		cmocka_unit_test(a_key_is_the_same_in_every_encoding),
		cmocka_unit_test(an_unknown_encoding_is_an_error),
		cmocka_unit_test(other_types_are_binary),
		cmocka_unit_test(ten_bytes_of_a_binary_request_come_back),
		cmocka_unit_test(binary_entries_are_found_by_their_bytes),
		cmocka_unit_test(a_reply_says_what_was_asked_for),
		cmocka_unit_test(the_longest_id_comes_back),
		cmocka_unit_test(flaws_are_answered),
		cmocka_unit_test(explain_tells_where_an_answer_stands),
		cmocka_unit_test(large_and_small_requests_take_turns),
		cmocka_unit_test(refusals_have_the_form_of_replies),
		cmocka_unit_test(replies_are_appended)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
