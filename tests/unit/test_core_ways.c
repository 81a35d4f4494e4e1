/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session of the library has a fast way for what is usual, and a slow one for
 * all: whatever comes, cut wherever, both must say the same.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appmsg-session.h"
#include "asking.h"
#include "lib/core/plain.h"
#include "lib/core/session.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What is usual, and what nearly is. */
static const struct {
	const char *members, *content;
} seeds[] = {
	{ FOUND, "{\"result\": \"In the caves beneath the mountains.\"}" },
	{ FOUND, "{\"result\": \"\"}" },
	{ KEPT ", \"id\": 1000000005, \"status\": \"found\"",
	    "{\"result\": \"Z\xc3\xbcrich \xf0\x9f\x92\x8d\"}" },
	{ KEPT ", \"status\": \"not-found\"",
	    "{\"result\": \"No match for \\\"key\\\".\"}" },
	{ KEPT, "{\"result\": \"No match for 'key'.\"}" },
	{ KEPT ", \"id\": 1000000012", "{\"result\": \"Error: so.\"}" },
	{ FOUND, "{\"result\": \"1\", \"matches\": [{\"key\": \"a\", "
	    "\"result\": \"1\"}], \"more\": true}" },
	{ FOUND ", \"stale\": true", "{\"result\": \"a\\nb\"}" },
	{ "", "{\"result\": \"closes\"}" },
};

#define ASKED	16	/* that each session has in flight */

static struct appmsg_session *
session_new(bool slow)
{
	struct appmsg_session *session = asking_new(true);

	core_session_set_slow(session, slow);
	for (uintptr_t i = 0; i < ASKED; i++)
		asking_search(session, "key", i % 4 < 3, false,
		    (void *)(i + 1));
	asking_take(session);
	return session;
}

static void
expect_same_str(const struct appmsg_str *a, const struct appmsg_str *b)
{
	assert_int_equal(a->raw == NULL, b->raw == NULL);
	if (a->raw == NULL)
		return;
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->flags, b->flags);
	assert_memory_equal(a->raw, b->raw, a->len);
}

static void
expect_same_header(const struct appmsg_header *a,
    const struct appmsg_header *b)
{
	expect_same_str(&a->content_type, &b->content_type);
	expect_same_str(&a->content_encoding, &b->content_encoding);
	expect_same_str(&a->connection, &b->connection);
	expect_same_str(&a->status, &b->status);
	expect_same_str(&a->error, &b->error);
	assert_int_equal(a->content_length, b->content_length);
	assert_int_equal(a->id.kind, b->id.kind);
	assert_int_equal(a->id.num, b->id.num);
	expect_same_str(&a->id.str, &b->id.str);
	assert_int_equal(a->has_connection, b->has_connection);
	assert_int_equal(a->explain, b->explain);
	assert_int_equal(a->has_suggest, b->has_suggest);
	assert_int_equal(a->suggest, b->suggest);
}

static void
expect_same_reply(const struct appmsg_reply *a, const struct appmsg_reply *b)
{
	struct appmsg_message m, n;
	struct appmsg_str s, t;
	const char *text_a, *text_b;
	size_t len_a = 0, len_b = 0;
	int error;

	assert_ptr_equal(appmsg_reply_tag(a), appmsg_reply_tag(b));
	assert_int_equal(appmsg_reply_status(a), appmsg_reply_status(b));
	assert_int_equal(appmsg_reply_is_kept(a), appmsg_reply_is_kept(b));
	error = appmsg_reply_result(a, &s);
	assert_int_equal(error, appmsg_reply_result(b, &t));
	if (error == 0)
		expect_same_str(&s, &t);
	error = appmsg_reply_text(a, &text_a, &len_a);
	assert_int_equal(error, appmsg_reply_text(b, &text_b, &len_b));
	if (error == 0) {
		assert_int_equal(len_a, len_b);
		assert_memory_equal(text_a, text_b, len_a);
	}
	error = appmsg_reply_count_matches(a, &len_a);
	assert_int_equal(error, appmsg_reply_count_matches(b, &len_b));
	assert_int_equal(len_a, len_b);
	assert_int_equal(appmsg_reply_has_more(a), appmsg_reply_has_more(b));
	appmsg_reply_message(a, &m);
	appmsg_reply_message(b, &n);
	expect_same_header(&m.header, &n.header);
	assert_int_equal(m.content_len, n.content_len);
	assert_memory_equal(m.content, n.content, m.content_len);
	assert_int_equal(m.header_text_len, n.header_text_len);
	assert_memory_equal(m.header_text, n.header_text, m.header_text_len);
}

/* Read what both have; returns how it ends. */
static int
expect_same(struct appmsg_session *a, struct appmsg_session *b, size_t *n)
{
	const struct appmsg_reply *reply_a, *reply_b;
	int error;

	while ((error = appmsg_session_reply(a, &reply_a)) == 0) {
		assert_int_equal(appmsg_session_reply(b, &reply_b), 0);
		expect_same_reply(reply_a, reply_b);
		++*n;
	}
	assert_int_equal(appmsg_session_reply(b, &reply_b), error);
	assert_int_equal(appmsg_session_unanswered(a),
	    appmsg_session_unanswered(b));
	assert_int_equal(appmsg_session_unread(a), appmsg_session_unread(b));
	assert_int_equal(appmsg_session_is_over(a), appmsg_session_is_over(b));
	return error;
}

/*
 * Whatever these bytes are: fast and whole, slow and whole, fast in two pieces,
 * and slow byte by byte.  Returns how many replies they are.
 */
static size_t
try_bytes(const char *bytes, size_t len, size_t cut)
{
	struct appmsg_session *fast = session_new(false);
	struct appmsg_session *slow = session_new(true);
	size_t n = 0, n_cut = 0;
	int error;

	assert_int_equal(appmsg_session_feed(fast, bytes, len), 0);
	assert_int_equal(appmsg_session_feed(slow, bytes, len), 0);
	error = expect_same(fast, slow, &n);
	appmsg_session_free(slow);
	appmsg_session_free(fast);
	fast = session_new(false);
	slow = session_new(true);
	assert_int_equal(appmsg_session_feed(fast, bytes, cut), 0);
	assert_int_equal(appmsg_session_feed(slow, bytes, cut), 0);
	if (expect_same(fast, slow, &n_cut) == APPMSG_EAGAIN) {
		assert_int_equal(appmsg_session_feed(fast, bytes + cut,
		    len - cut), 0);
		for (size_t i = cut; i < len; i++)
			assert_int_equal(appmsg_session_feed(slow, bytes + i,
			    1), 0);
		assert_int_equal(expect_same(fast, slow, &n_cut), error);
		assert_int_equal(n, n_cut);
	}
	appmsg_session_free(slow);
	appmsg_session_free(fast);
	return n;
}

/* Some replies one behind the other. */
static size_t
put_seeds(char *to, uint32_t *random, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t seed;

		*random = *random * 1664525 + 1013904223;
		seed = (*random >> 16) % COUNT(seeds);
		len += asking_put(to + len, seeds[seed].members,
		    seeds[seed].content, strlen(seeds[seed].content));
	}
	return len;
}

static void
every_reply_is_cut_split_and_flipped(void **state)
{
	char bytes[1200];
	size_t first, len;

	(void)state;
	for (size_t i = 0; i < COUNT(seeds); i++) {
		/* Twice, so that its header is known. */
		first = asking_put(bytes, FOUND, seeds[0].content,
		    strlen(seeds[0].content));
		len = first + asking_put(bytes + first,
		    seeds[i].members, seeds[i].content,
		    strlen(seeds[i].content));
		for (size_t cut = 0; cut <= len; cut++) {
			assert_int_equal(try_bytes(bytes, len, cut), 2);
			try_bytes(bytes, cut, cut / 2);
		}
		for (size_t at = i == 0 ? 0 : first; at < len; at++)
			for (int bit = 0; bit < 8; bit++) {
				bytes[at] = (char)(bytes[at] ^ 1 << bit);
				try_bytes(bytes, len, at);
				bytes[at] = (char)(bytes[at] ^ 1 << bit);
			}
	}
}

/* A piece of some text in the place of another. */
static void
mutate(char *bytes, size_t len, uint32_t random)
{
	static const char *const pieces[] = {
		"\"", "\\", "{", "}", "\\u0000", "\\ud83d", "\xc3", "\xed\xa0",
		"0", "9", "00", "-1", ": 10000000", "\", \"", "\"id\": ",
		"\"status\": \"busy\"", " ", "\n", "\x1f", "\x7f", "\x80"
	};
	const char *piece = pieces[random % COUNT(pieces)];
	size_t at = (random >> 8) % len, n = strlen(piece);

	if (at + n <= len)
		memcpy(bytes + at, piece, n);
}

static void
random_replies_come_out_the_same(void **state)
{
	char bytes[6000];
	uint32_t random = 7;
	size_t len, n = 0;

	(void)state;
	for (int run = 0; run < 1500; run++) {
		len = put_seeds(bytes, &random, 1 + (random >> 24) % 14);
		assert_true(len < sizeof(bytes));
		for (int i = run % 4; i > 0; i--) {
			random = random * 1664525 + 1013904223;
			mutate(bytes, len, random >> 3);
		}
		n += try_bytes(bytes, len, (random >> 5) % len);
	}
	assert_true(n > 1500);
}

/* A header's number is remembered as a hole; it is no other number. */
static void
numbers_in_headers_are_read_as_they_are(void **state)
{
	static const char *const lengths[] = {
		"15", "015", "15.0", "1e1", "-0", "", "0000000015",
		"999999999", "1000000000", "18446744073709551616", "15 ",
		"\"15\""
	};
	char bytes[800];
	size_t len, size;

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++)
		for (int id = 0; id < 2; id++) {
			len = asking_put(bytes, FOUND ", \"id\": 1000000000",
			    "{\"result\": \"A\"}", 15);
			size = (size_t)sprintf(bytes + len + 2,
			    "{\"byteorder\": \"little\", \"content-type\": "
			    "\"text/json\", \"content-encoding\": \"utf-8\", "
			    "\"content-length\": %s" FOUND ", \"id\": %s}",
			    id ? "15" : lengths[i],
			    id ? lengths[i] : "1000000001");
			bytes[len] = (char)(size >> 8);
			bytes[len + 1] = (char)size;
			len += 2 + size;
			memcpy(bytes + len, "{\"result\": \"A\"}", 15);
			try_bytes(bytes, len + 15, len);
		}
}

static void
plain_text_is_found_wherever_it_stands(void **state)
{
	char text[70];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len <= 60; len++)
		for (size_t at = 0; at < len + 2; at++)
			for (int c = 0; c < 256; c++) {
				bool plain = at >= len || (c >= 0x20 &&
				    c < 0x80 && c != '"' && c != '\\');

				text[3 + at] = (char)c;
				assert_int_equal(plain_is(text + 3, len),
				    plain);
				text[3 + at] = 'x';
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reply_is_cut_split_and_flipped),
		cmocka_unit_test(random_replies_come_out_the_same),
		cmocka_unit_test(numbers_in_headers_are_read_as_they_are),
		cmocka_unit_test(plain_text_is_found_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
