/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session without its socket: however the bytes of a peer are cut, and
 * however much is taken at a turn, the replies are the same.  Each test is
 * run without the fast path and with it.
 */

#include "config.h"

#include "daemon/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/conf/conf.h"
#include "daemon/fast.h"
#include "daemon/generation.h"
#include "daemon/problems.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ORDER	"\"byteorder\": \"big\""
#define LENGTH	"\0\x64"	/* of the header of the answer for "ring" */
#else
#define ORDER	"\"byteorder\": \"little\""
#define LENGTH	"\0\x67"
#endif

#define RING	"In the caves beneath the Misty Mountains. \xf0\x9f\x92\x8d"
#define SEARCH	"{\"action\": \"search\", \"value\": \"ring\"}"

static struct generation *gen;
static bool use_fast;

static int
setup(void **state)
{
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write("logo.bin", "\0\xff\n", 3);
	gen = generation_load(folder_write_text("appmsgd.conf",
	    "listen 127.0.0.1 0\n"
	    "answer ring \"" RING "\"\n"
	    "binary logo file logo.bin type=image/png\n"), NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL)
		return -1;
	gen->number = 1;
	gen->loaded_at = 0;
	return 0;
}

static int
teardown(void **state)
{
	generation_unref(gen);
	return folder_teardown(state);
}

/* One connection: what its peer sent, and what it got. */
struct session {
	struct stream stream;
	struct request_env env;
	struct conf_limits limits;
	enum stream_verdict verdict;
	struct buf in;		/* not used up yet */
	struct buf out;		/* of one turn */
	struct buf replies;	/* of all turns */
	size_t turns;
};

static void
session_init(struct session *s, bool keep_alive)
{
	memset(s, 0, sizeof(*s));
	stream_init(&s->stream, keep_alive);
	s->env.gen = gen;
	s->env.reply_max = SIZE_MAX;
	if (use_fast) {
		s->env.fast = fast_new();
		assert_non_null(s->env.fast);
	}
	s->limits = gen->conf->limits;
	s->verdict = STREAM_MORE;
}

static void
session_clear(struct session *s)
{
	stream_clear(&s->stream);
	fast_free(s->env.fast);
	s->env.fast = NULL;
	request_env_clear(&s->env);
	buf_clear(&s->in);
	buf_clear(&s->out);
	buf_clear(&s->replies);
}

static void
session_take_out(struct session *s)
{
	assert_int_equal(buf_add(&s->replies, s->out.len > 0 ? s->out.data :
	    "", s->out.len), 0);
	s->out.len = 0;
}

/* One turn over all bytes at hand, which lie in memory of their size. */
static void
session_turn(struct session *s)
{
	size_t len = s->in.len, used = 4711;
	char *mem = malloc(len > 0 ? len : 1);

	assert_non_null(mem);
	if (len > 0)
		memcpy(mem, s->in.data, len);
	s->verdict = stream_feed(&s->stream, &s->env, &s->limits, mem, len,
	    &used, &s->out);
	free(mem);
	s->turns++;
	assert_int_not_equal(s->verdict, STREAM_FAILED);
	assert_int_not_equal(s->verdict, STREAM_WORK);
	assert_true(used <= len);
	/* Without that the next turn would be the same again. */
	if (s->verdict == STREAM_AGAIN)
		assert_true(used > 0 || s->out.len > 0);
	if (len > 0)
		memmove(s->in.data, s->in.data + used, len - used);
	s->in.len = len - used;
	if (s->verdict == STREAM_MORE) {
		assert_true(s->in.len < s->stream.need);
		assert_int_equal(s->stream.state == STREAM_IDLE,
		    s->in.len == 0);
	}
}

/* Bytes arrive.  What comes behind a closing reply nobody looks at. */
static void
session_feed(struct session *s, const char *bytes, size_t len)
{
	if (s->verdict == STREAM_CLOSE)
		return;
	assert_int_equal(buf_add(&s->in, bytes, len), 0);
	do {
		session_turn(s);
		session_take_out(s);
	} while (s->verdict == STREAM_AGAIN);
}

/* The peer's end of input, as a session takes it. */
static void
session_end(struct session *s)
{
	if (s->verdict == STREAM_CLOSE || s->stream.state == STREAM_IDLE)
		return;
	s->verdict = stream_refuse(&s->stream, &s->env, REQUEST_ERROR,
	    "incomplete", "the message is incomplete", s->in.data, s->in.len,
	    &s->out);
	session_take_out(s);
}

/* Append a message with these header members behind the usual four. */
static void
add(struct buf *b, const char *type, const char *members,
    const char *content, size_t len)
{
	char header[2048];
	int n = snprintf(header + 2, sizeof(header) - 2, "{" ORDER
	    ", \"content-type\": \"%s\", \"content-encoding\": \"utf-8\", "
	    "\"content-length\": %zu%s}", type, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(header) - 2);
	header[0] = (char)(n >> 8);
	header[1] = (char)n;
	assert_int_equal(buf_add(b, header, (size_t)n + 2), 0);
	assert_int_equal(buf_add(b, content, len), 0);
}

static void
add_search(struct buf *b, const char *members)
{
	add(b, "text/json", members, SEARCH, sizeof(SEARCH) - 1);
}

#define KEEP	", \"connection\": \"keep-alive\""
#define CLOSE	", \"connection\": \"close\""

/* Many kinds of messages in a row; the connection stays, but for the last. */
static void
add_mixture(struct buf *b)
{
	add_search(b, KEEP);
	add(b, "text/json", KEEP ", \"id\": \"a\\u0000b\"", "{}", 2);
	add(b, "x", KEEP ", \"id\": -7", "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
	add(b, "x", KEEP, "logo", 4);
	add(b, "text/json", KEEP, "", 0);
	add(b, "text/json", KEEP ", \"id\": 1.5", "{", 1);
	add(b, "text/json", KEEP ", \"explain\": true, \"id\": 1",
	    SEARCH, sizeof(SEARCH) - 1);
	add(b, "x", KEEP, "", 0);
	add_search(b, "");
}

/* The n-th reply of a session is this. */
static void
expect_reply(const struct session *s, size_t n, const char *type,
    const char *encoding, const char *members, const char *content,
    size_t len)
{
	const char *p = s->replies.data, *end = p + s->replies.len;
	struct appmsg_header h;
	struct buf b = { 0 };
	char header[2048];
	size_t used;
	int header_len;

	for (;; n--, p += used + h.content_length) {
		assert_int_equal(appmsg_header_decode(p, (size_t)(end - p),
		    &h, &used), 0);
		assert_true(h.content_length <= (size_t)(end - p) - used);
		if (n == 0)
			break;
	}
	header_len = snprintf(header, sizeof(header), "{" ORDER
	    ", \"content-type\": \"%s\", \"content-encoding\": \"%s\", "
	    "\"content-length\": %zu%s}", type, encoding, len, members);
	assert_true(header_len > 0 && (size_t)header_len < sizeof(header));
	assert_int_equal(buf_add(&b, header, (size_t)header_len), 0);
	assert_int_equal(buf_add(&b, content, len), 0);
	if (b.len != used + h.content_length - 2 ||
	    memcmp(b.data, p + 2, b.len) != 0)
		fail_msg("%.*s instead of %.*s", (int)(used - 2 +
		    h.content_length), p + 2, (int)b.len, b.data);
	buf_clear(&b);
}

static void
expect_result(const struct session *s, size_t n, const char *members,
    const char *result)
{
	char content[1024];
	int len = snprintf(content, sizeof(content), "{\"result\": \"%s\"}",
	    result);

	expect_reply(s, n, "text/json", "utf-8", members, content,
	    (size_t)len);
}

static size_t
count_replies(const struct session *s)
{
	const char *p = s->replies.data, *end = p + s->replies.len;
	struct appmsg_header h;
	size_t n = 0, used;

	for (; p < end; p += used + h.content_length, n++) {
		assert_int_equal(appmsg_header_decode(p, (size_t)(end - p),
		    &h, &used), 0);
		assert_int_equal(h.flaw, APPMSG_FLAW_NONE);
		assert_true(h.content_length <= (size_t)(end - p) - used);
	}
	return n;
}

static void
the_tutorial_gets_its_bytes(void **state)
{
	static const char expected[] = LENGTH "{" ORDER ", \"content-type\": "
	    "\"text/json\", \"content-encoding\": \"utf-8\", "
	    "\"content-length\": 60}{\"result\": \"" RING "\"}";
	struct session s;
	struct buf b = { 0 };

	(void)state;
	add_search(&b, "");
	session_init(&s, false);
	session_feed(&s, b.data, b.len);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	assert_int_equal(s.in.len, 0);
	assert_int_equal(s.replies.len, sizeof(expected) - 1);
	assert_memory_equal(s.replies.data, expected, s.replies.len);
	session_clear(&s);
	buf_clear(&b);
}

static void
every_message_of_a_run_is_answered_in_order(void **state)
{
	struct session s;
	struct buf b = { 0 };
	char members[1024];

	(void)state;
	add_mixture(&b);
	session_init(&s, false);
	session_feed(&s, b.data, b.len);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	assert_int_equal(s.turns, 1);
	assert_int_equal(count_replies(&s), 9);
	expect_result(&s, 0, KEEP ", \"status\": \"found\"", RING);
	expect_result(&s, 1, KEEP ", \"id\": \"a\\u0000b\", \"status\": "
	    "\"error\", \"error\": \"bad-request\"",
	    "Error: no \\\"action\\\" in the content.");
	expect_reply(&s, 2, "binary/custom-server-binary-type", "binary",
	    KEEP ", \"id\": -7, \"status\": \"not-found\"",
	    "First 10 bytes of request: \0\0\0\0\0\0\0\0\0\0", 37);
	expect_reply(&s, 3, "image/png", "binary",
	    KEEP ", \"status\": \"found\"", "\0\xff\n", 3);
	expect_result(&s, 4, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-json\"", "Error: not an object.");
	expect_result(&s, 5, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-id\"", "Error: \\\"id\\\" is neither an integer within "
	    "2^53 nor a string of up to 256 bytes.");
	snprintf(members, sizeof(members), KEEP ", \"id\": 1, \"status\": "
	    "\"found\", \"table\": \"main\", \"generation\": 1, "
	    "\"loaded\": \"1970-01-01T00:00:00Z\", \"file\": "
	    "\"%s\", \"line\": 2, \"match\": \"exact\"",
	    folder_path("appmsgd.conf"));
	expect_result(&s, 6, members, RING);
	expect_result(&s, 7, KEEP ", \"status\": \"error\", \"error\": "
	    "\"bad-request\"", "Error: an empty request.");
	expect_result(&s, 8, "", RING);
	session_clear(&s);
	buf_clear(&b);
}

/* Two runs of bytes give what all of them at once do. */
static void
check_cut(const struct buf *b, size_t first, size_t step,
    const struct session *whole)
{
	struct session s;

	session_init(&s, whole->stream.keep_alive);
	s.limits = whole->limits;
	for (size_t at = 0, n = first; at < b->len; at += n, n = step) {
		if (n > b->len - at)
			n = b->len - at;
		session_feed(&s, b->data + at, n);
	}
	session_end(&s);
	assert_int_equal(s.verdict, whole->verdict);
	assert_int_equal(s.replies.len, whole->replies.len);
	assert_memory_equal(s.replies.data, whole->replies.data,
	    s.replies.len);
	session_clear(&s);
}

static void
check_all_cuts(const struct buf *b, bool keep_alive)
{
	struct session whole;

	session_init(&whole, keep_alive);
	session_feed(&whole, b->data, b->len);
	session_end(&whole);
	for (size_t first = 1; first < b->len; first++)
		check_cut(b, first, b->len, &whole);
	for (size_t step = 1; step < 40; step++)
		check_cut(b, step, step, &whole);
	session_clear(&whole);
}

static void
cuts_change_no_reply(void **state)
{
	struct buf b = { 0 };

	(void)state;
	add_mixture(&b);
	check_all_cuts(&b, false);
	check_all_cuts(&b, true);
	/* Some is left: a plain request, and half of one. */
	b.len -= 5;
	check_all_cuts(&b, false);
	buf_clear(&b);
}

static void
cuts_change_no_error(void **state)
{
	static const char *const headers[] = {
		"{\"content-length\": -1}", "{\"content-length\": 5, \"id\": "
		    "1, \"id\": 1}", "{}", "[", "{\"id\": 5, " ORDER "}"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct buf b = { 0 };
		char len[2] = { 0, (char)strlen(headers[i]) };

		add_search(&b, KEEP);
		buf_add(&b, len, 2);
		buf_add(&b, headers[i], strlen(headers[i]));
		add_search(&b, KEEP);
		check_all_cuts(&b, false);
		buf_clear(&b);
	}
}

static void
nothing_is_asked_of_nothing(void **state)
{
	struct session s;

	(void)state;
	session_init(&s, false);
	session_feed(&s, "", 0);
	assert_int_equal(s.verdict, STREAM_MORE);
	assert_int_equal(s.stream.state, STREAM_IDLE);
	session_end(&s);
	assert_int_equal(s.replies.len, 0);
	session_clear(&s);
}

static void
an_unfinished_message_tells_its_state_and_need(void **state)
{
	struct session s;
	struct buf b = { 0 };
	size_t header;

	(void)state;
	add_search(&b, "");
	header = b.len - (sizeof(SEARCH) - 1);
	session_init(&s, false);
	for (size_t len = 1; len < b.len; len++) {
		session_feed(&s, b.data + len - 1, 1);
		assert_int_equal(s.verdict, STREAM_MORE);
		assert_int_equal(s.in.len, len);
		assert_int_equal(s.stream.state, len < header ?
		    STREAM_HEADER : STREAM_CONTENT);
		assert_int_equal(s.stream.need, len < 2 ? 2 : len < header ?
		    header : b.len);
	}
	session_feed(&s, b.data + b.len - 1, 1);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	session_clear(&s);
	buf_clear(&b);
}

static void
a_request_decides_whether_the_connection_stays(void **state)
{
	static const struct {
		bool keep_alive;
		const char *members;
		bool stays;
		const char *reply;
	} rows[] = {
		{ false, "", false, "" }, { true, "", true, "" },
		{ false, KEEP, true, KEEP ", \"status\": \"found\"" },
		{ true, KEEP, true, KEEP ", \"status\": \"found\"" },
		{ false, CLOSE, false, CLOSE ", \"status\": \"found\"" },
		{ true, CLOSE, false, CLOSE ", \"status\": \"found\"" },
		{ true, ", \"connection\": \"Keep-Alive\"", false,
		    CLOSE ", \"status\": \"found\"" },
		{ true, ", \"connection\": true", false,
		    CLOSE ", \"status\": \"found\"" },
		{ false, ", \"connection\": \"keep\\u002dalive\"", true,
		    KEEP ", \"status\": \"found\"" },
		{ false, ", \"id\": 1", false,
		    ", \"id\": 1, \"status\": \"found\"" },
		{ true, ", \"id\": 1", true,
		    ", \"id\": 1, \"status\": \"found\"" }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct session s;
		struct buf b = { 0 };

		add_search(&b, rows[i].members);
		add_search(&b, rows[i].members);
		session_init(&s, rows[i].keep_alive);
		session_feed(&s, b.data, b.len);
		assert_int_equal(s.verdict, rows[i].stays ? STREAM_MORE :
		    STREAM_CLOSE);
		assert_int_equal(count_replies(&s), rows[i].stays ? 2 : 1);
		expect_result(&s, 0, rows[i].reply, RING);
		/* What follows a closing reply is not used. */
		assert_int_equal(s.in.len, rows[i].stays ? 0 : b.len / 2);
		session_clear(&s);
		buf_clear(&b);
	}
}

static void
errors_in_whole_messages_keep_the_connection(void **state)
{
	struct session s;
	struct buf b = { 0 };

	(void)state;
	add(&b, "text/json", KEEP, "{", 1);
	add(&b, "text/json", KEEP ", \"id\": []", SEARCH, sizeof(SEARCH) - 1);
	add_search(&b, KEEP);
	session_init(&s, false);
	session_feed(&s, b.data, b.len);
	assert_int_equal(s.verdict, STREAM_MORE);
	assert_int_equal(count_replies(&s), 3);
	expect_result(&s, 2, KEEP ", \"status\": \"found\"", RING);
	session_clear(&s);
	buf_clear(&b);
}

static void
a_turn_ends_with_its_budget(void **state)
{
	struct session s;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 8; i++)
		add_search(&b, KEEP);
	session_init(&s, false);
	s.limits.pipeline = 3;
	buf_add(&s.in, b.data, b.len);
	for (size_t left = 8; left > 0; left -= left < 3 ? left : 3) {
		assert_int_equal(s.in.len, left * (b.len / 8));
		session_turn(&s);
		session_take_out(&s);
		assert_int_equal(s.verdict, left > 2 ? STREAM_AGAIN :
		    STREAM_MORE);
	}
	assert_int_equal(count_replies(&s), 8);
	/* A turn that ended just with the last of them has a next one. */
	buf_add(&s.in, b.data, 3 * (b.len / 8));
	session_turn(&s);
	assert_int_equal(s.verdict, STREAM_AGAIN);
	assert_int_equal(s.in.len, 0);
	session_turn(&s);
	assert_int_equal(s.verdict, STREAM_MORE);
	session_clear(&s);
	buf_clear(&b);
}

static void
turns_of_any_budget_come_to_an_end(void **state)
{
	struct buf b = { 0 };

	(void)state;
	add_mixture(&b);
	for (int i = 0; i < 9; i++)
		add_search(&b, KEEP);
	for (int64_t pipeline = 1; pipeline <= 20; pipeline++) {
		struct session s;

		session_init(&s, true);
		s.limits.pipeline = pipeline;
		session_feed(&s, b.data, b.len);
		assert_int_equal(s.verdict, STREAM_MORE);
		assert_int_equal(count_replies(&s), 18);
		session_clear(&s);
	}
	buf_clear(&b);
}

static void
a_turn_ends_with_output_at_its_cap(void **state)
{
	struct session s;
	struct buf b = { 0 };
	size_t before;

	(void)state;
	for (int i = 0; i < 100; i++)
		add_search(&b, KEEP);
	session_init(&s, false);
	s.limits.output = 4096;
	buf_add(&s.in, b.data, b.len);
	session_turn(&s);
	assert_int_equal(s.verdict, STREAM_AGAIN);
	assert_true(s.out.len >= 4096 && s.out.len < 4096 + 512);
	/* Nothing more, as long as nobody takes it. */
	before = s.in.len;
	session_turn(&s);
	assert_int_equal(s.verdict, STREAM_AGAIN);
	assert_int_equal(s.in.len, before);
	session_take_out(&s);
	session_feed(&s, "", 0);
	assert_int_equal(s.verdict, STREAM_MORE);
	assert_int_equal(count_replies(&s), 100);
	session_clear(&s);
	buf_clear(&b);
}

/* What may stand in a lookup of usual length and header, and in its key. */
static void
both_paths_give_the_same_replies(void **state)
{
	static const char *const keys[] = {
		"ringring", "........", "\xf0\x9f\x90\xb0\xc3\xa4\xc3\xa4",
		"\\u0041bc", "\\\\\\\\\\\\\\\\", "\\\"\\\"\\\"\\\"",
		"\\n\\t\\/\\b", "\\ud83dxx", "xxxxxxx\\", "xxxxxx\\x",
		"\xffxxxxxxx",
		"xxxxxxx\xc3", "\xed\xa0\xbdxxxxx", "xxx\nxxxx", "xxxxxxx\x1f",
		"a\",\"b\":\"", "\",\"\":\"xx", "\"xxxxxx\"", "x\"xxxxxx",
		"x\"}xxxxx", "\x7fxxxxxxx"
	};
	static const struct {
		const char *before, *after;
	} forms[] = {
		{ "{\"action\": \"search\", \"value\": \"", "\"}" },
		{ "{\"action\":\"search\",\"value\":\"", "\"}   " },
		{ "{\"action\":\"search\",   \"value\":\"", "\"}" },
		{ "{\"action\": \"Search\", \"value\": \"", "\"}" },
		{ "{\"value\": \"", "\", \"action\": \"search\"}" }
	};
	struct session plain;
	struct buf b = { 0 };
	char content[128];

	(void)state;
	/* All of one length, so that all but one header is remembered. */
	for (size_t i = 0; i < COUNT(keys); i++)
		for (size_t j = 0; j < COUNT(forms); j++) {
			int len = snprintf(content, sizeof(content), "%s%s%s",
			    forms[j].before, keys[i], forms[j].after);

			assert_int_equal(len, 41);
			add(&b, "text/json", KEEP, content, (size_t)len);
		}
	session_init(&plain, false);
	fast_free(plain.env.fast);
	plain.env.fast = NULL;
	session_feed(&plain, b.data, b.len);
	assert_int_equal(count_replies(&plain), COUNT(keys) * COUNT(forms));
	for (size_t first = 1; first <= b.len; first += 97)
		check_cut(&b, first, b.len, &plain);
	session_clear(&plain);
	buf_clear(&b);
}

/* Ids, lengths and keys that change from message to message. */
static void
both_paths_take_any_id_and_length(void **state)
{
	static const char *const ids[] = {
		"", ", \"id\": 0", ", \"id\": 7", ", \"id\": 8",
		", \"id\": -1", ", \"id\": -0", ", \"id\": 12345678901234",
		", \"id\": 999999999999999", ", \"id\": 9007199254740992",
		", \"id\": 9007199254740993", ", \"id\": 1e3",
		", \"id\": \"\"", ", \"id\": \"a\"", ", \"id\": \"a b\"",
		", \"id\": \"\xc3\xa4\"", ", \"id\": \"\\u0041\"",
		", \"id\": \"}\"", ", \"id\": null", ", \"id\":7",
		", \"id\": 1, \"id\": 2", ", \"id\": 07"
	};
	static const char *const keys[] = {
		"ring", "r", "", "rings and other things that are not there",
		"\\u0072ing", "\\u00e4\\n\\\"x\\/", "\xc3\xa4",
		"\\ud83d\\udc30", "\\ud83d"
	};
	static const char *const ends[] = { KEEP, "", CLOSE,
	    ", \"connection\": \"keep\\u002dalive\"" };
	struct session plain;
	struct buf b = { 0 };
	char content[256], members[256];

	(void)state;
	for (size_t end = 0; end < COUNT(ends); end++)
		for (size_t last = 0; last < COUNT(ids); last++) {
			b.len = 0;
			for (size_t i = 0; i < COUNT(ids) * 2; i++) {
				bool is_last = i == COUNT(ids) * 2 - 1;
				const char *id = ids[is_last ? last :
				    i % (last + 1) % 19];

				snprintf(members, sizeof(members), "%s%s",
				    is_last ? ends[end] : KEEP, id);
				add(&b, "text/json", members, content,
				    (size_t)snprintf(content, sizeof(content),
				    "{\"action\": \"search\", \"value\": "
				    "\"%s\"}", keys[i % COUNT(keys)]));
			}
			session_init(&plain, false);
			fast_free(plain.env.fast);
			plain.env.fast = NULL;
			session_feed(&plain, b.data, b.len);
			assert_true(count_replies(&plain) >= 38);
			for (size_t first = 1; first <= b.len; first += 499)
				check_cut(&b, first, b.len, &plain);
			session_clear(&plain);
		}
	buf_clear(&b);
}

static void
a_header_too_large_is_refused_by_its_length(void **state)
{
	struct session s;

	(void)state;
	session_init(&s, false);
	session_feed(&s, "\x40\x00", 2);
	assert_int_equal(s.verdict, STREAM_MORE);
	session_clear(&s);
	session_init(&s, false);
	session_feed(&s, "\x40", 1);
	assert_int_equal(s.verdict, STREAM_MORE);
	session_feed(&s, "\x01", 1);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	assert_int_equal(count_replies(&s), 1);
	expect_result(&s, 0, "", "Error: the header is too large.");
	session_clear(&s);
}

static void
a_content_too_large_is_refused_before_it_comes(void **state)
{
	static const char *const lengths[] = {
		"1001", "4294967296", "18446744073709551615",
		"18446744073709551616", "99999999999999999999999999"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct session s;
		char header[256];
		int len = snprintf(header + 2, sizeof(header) - 2,
		    "{\"byteorder\":0,\"content-type\":\"\",\"id\":7,"
		    "\"content-encoding\":\"\",\"content-length\":%s}",
		    lengths[i]);

		header[0] = 0;
		header[1] = (char)len;
		session_init(&s, true);
		s.limits.content = 1000;
		session_feed(&s, header, (size_t)len + 2 - 1);
		assert_int_equal(s.verdict, STREAM_MORE);
		session_feed(&s, header + len + 1, 1);
		assert_int_equal(s.verdict, STREAM_CLOSE);
		expect_result(&s, 0, ", \"id\": 7, \"status\": \"error\", "
		    "\"error\": \"too-large\"",
		    "Error: the content is too large.");
		session_clear(&s);
	}
}

static void
a_content_at_its_cap_is_taken(void **state)
{
	char content[1000];
	struct session s;
	struct buf b = { 0 };

	(void)state;
	memset(content, 'x', sizeof(content));
	add(&b, "x", KEEP, content, sizeof(content));
	session_init(&s, false);
	s.limits.content = 1000;
	session_feed(&s, b.data, b.len);
	assert_int_equal(s.verdict, STREAM_MORE);
	assert_int_equal(count_replies(&s), 1);
	session_clear(&s);
	buf_clear(&b);
}

/* A reload may have lowered a limit while a message was on its way. */
static void
a_limit_lowered_meanwhile_holds(void **state)
{
	char content[1000] = { 0 };
	struct session s;
	struct buf b = { 0 };

	(void)state;
	add(&b, "x", "", content, sizeof(content));
	session_init(&s, false);
	session_feed(&s, b.data, b.len - 1);
	assert_int_equal(s.stream.state, STREAM_CONTENT);
	s.limits.content = 999;
	session_feed(&s, "", 1);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	expect_result(&s, 0, "", "Error: the content is too large.");
	session_clear(&s);
	buf_clear(&b);
}

static void
what_ends_the_stream_is_told_once(void **state)
{
	static const struct {
		const char *header, *members, *result;
	} rows[] = {
		{ "[]", "", "Error: not an object." },
		{ "{\"id\":7,\"content-length\":-1}", ", \"id\": 7, "
		    "\"status\": \"error\", \"error\": \"bad-length\"",
		    "Error: \\\"content-length\\\" is not digits." },
		{ "{\"content-length\":\"\",\"id\":\"\"}", ", \"id\": \"\", "
		    "\"status\": \"error\", \"error\": \"bad-length\"",
		    "Error: \\\"content-length\\\" is not digits." },
		{ "{\"content-length\":1,\"content-length\":1,"
		    "\"connection\":\"keep-alive\"}", CLOSE ", \"status\": "
		    "\"error\", \"error\": \"bad-header\"",
		    "Error: a member is twice in the header." },
		{ "{\"x\":0}", "", "Error: no \\\"content-length\\\" in the "
		    "header." }
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char len[2] = { 0, (char)strlen(rows[i].header) };
		struct session s;

		session_init(&s, true);
		session_feed(&s, len, 2);
		session_feed(&s, rows[i].header, strlen(rows[i].header));
		assert_int_equal(s.verdict, STREAM_CLOSE);
		assert_int_equal(count_replies(&s), 1);
		expect_result(&s, 0, rows[i].members, rows[i].result);
		session_clear(&s);
	}
}

/* Who once asked for a status gets one for what cannot be read, too. */
static void
an_unreadable_message_after_a_told_one_has_a_status(void **state)
{
	static const char *const asked[] = { KEEP, ", \"id\": 1" };
	struct session s;
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		b.len = 0;
		add_search(&b, asked[i]);
		buf_add(&b, "\0\1{", 3);
		session_init(&s, true);
		session_feed(&s, b.data, b.len);
		assert_int_equal(s.verdict, STREAM_CLOSE);
		assert_int_equal(count_replies(&s), 2);
		expect_result(&s, 1, CLOSE ", \"status\": \"error\", "
		    "\"error\": \"bad-header\"",
		    "Error: no member name in quotes.");
		session_clear(&s);
	}
	b.len = 0;
	add_search(&b, "");
	buf_add(&b, "\0\1{", 3);
	session_init(&s, true);
	session_feed(&s, b.data, b.len);
	assert_int_equal(count_replies(&s), 2);
	expect_result(&s, 1, "", "Error: no member name in quotes.");
	session_clear(&s);
	buf_clear(&b);
}

static void
the_part_of_a_message_is_refused(void **state)
{
	struct session s;
	struct buf b = { 0 };
	size_t header;

	(void)state;
	add_search(&b, ", \"id\": \"x\"");
	header = b.len - (sizeof(SEARCH) - 1);
	for (size_t len = 1; len < b.len; len++) {
		session_init(&s, true);
		session_feed(&s, b.data, len);
		session_end(&s);
		assert_int_equal(s.verdict, STREAM_CLOSE);
		assert_int_equal(count_replies(&s), 1);
		/* Whose header is there is known. */
		expect_result(&s, 0, len < header ? "" : ", \"id\": \"x\", "
		    "\"status\": \"error\", \"error\": \"incomplete\"",
		    "Error: the message is incomplete.");
		session_clear(&s);
	}
	session_init(&s, true);
	assert_int_equal(stream_refuse(&s.stream, &s.env, REQUEST_BUSY, NULL,
	    "too many connections", "", 0, &s.replies), STREAM_CLOSE);
	expect_result(&s, 0, CLOSE ", \"status\": \"busy\"",
	    "Error: too many connections.");
	session_clear(&s);
	buf_clear(&b);
}

static void
a_draining_connection_answers_what_is_there_and_closes(void **state)
{
	struct session s;
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		add_search(&b, KEEP);
	for (int64_t pipeline = 1; pipeline <= 6; pipeline++) {
		session_init(&s, true);
		s.limits.pipeline = pipeline;
		s.stream.draining = true;
		session_feed(&s, b.data, b.len);
		assert_int_equal(s.verdict, STREAM_CLOSE);
		assert_int_equal(count_replies(&s), 5);
		for (size_t i = 0; i < 4; i++)
			expect_result(&s, i, KEEP ", \"status\": \"found\"",
			    RING);
		expect_result(&s, 4, CLOSE ", \"status\": \"found\"", RING);
		session_clear(&s);
	}
	buf_clear(&b);
}

static void
a_draining_connection_closes_with_its_last_message(void **state)
{
	struct session s;
	struct buf b = { 0 };

	(void)state;
	add_search(&b, KEEP);
	session_init(&s, true);
	session_feed(&s, b.data, b.len);
	assert_int_equal(s.verdict, STREAM_MORE);
	session_feed(&s, b.data, b.len / 2);
	s.stream.draining = true;
	session_feed(&s, b.data + b.len / 2, b.len - b.len / 2);
	assert_int_equal(s.verdict, STREAM_CLOSE);
	assert_int_equal(count_replies(&s), 2);
	expect_result(&s, 0, KEEP ", \"status\": \"found\"", RING);
	expect_result(&s, 1, CLOSE ", \"status\": \"found\"", RING);
	session_clear(&s);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tutorial_gets_its_bytes),
		cmocka_unit_test(every_message_of_a_run_is_answered_in_order),
		cmocka_unit_test(cuts_change_no_reply),
		cmocka_unit_test(cuts_change_no_error),
		cmocka_unit_test(nothing_is_asked_of_nothing),
		cmocka_unit_test(
		    an_unfinished_message_tells_its_state_and_need),
		cmocka_unit_test(
		    a_request_decides_whether_the_connection_stays),
		cmocka_unit_test(errors_in_whole_messages_keep_the_connection),
		cmocka_unit_test(a_turn_ends_with_its_budget),
		cmocka_unit_test(turns_of_any_budget_come_to_an_end),
		cmocka_unit_test(a_turn_ends_with_output_at_its_cap),
		cmocka_unit_test(both_paths_give_the_same_replies),
		cmocka_unit_test(both_paths_take_any_id_and_length),
		cmocka_unit_test(a_header_too_large_is_refused_by_its_length),
		cmocka_unit_test(
		    a_content_too_large_is_refused_before_it_comes),
		cmocka_unit_test(a_content_at_its_cap_is_taken),
		cmocka_unit_test(a_limit_lowered_meanwhile_holds),
		cmocka_unit_test(what_ends_the_stream_is_told_once),
		cmocka_unit_test(
		    an_unreadable_message_after_a_told_one_has_a_status),
		cmocka_unit_test(the_part_of_a_message_is_refused),
		cmocka_unit_test(
		    a_draining_connection_answers_what_is_there_and_closes),
		cmocka_unit_test(
		    a_draining_connection_closes_with_its_last_message)
	};

	int failed = cmocka_run_group_tests_name("without the fast path",
	    tests, setup, teardown);

	use_fast = true;
	return failed + cmocka_run_group_tests_name("with the fast path",
	    tests, setup, teardown);
}
