/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * However the bytes of a peer are cut, the replies are the same; and so they
 * are by the fast path and by the plain one, whatever stands in a lookup.
 * Each test is run without the fast path and with it.
 */

#include "config.h"

#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/request/fast.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Two runs of bytes give what all of them at once do. */
static void
check_cut(const struct buf *b, size_t first, size_t step,
    const struct talk *whole)
{
	struct talk t;

	talk_init(&t, whole->stream.keep_alive);
	t.limits = whole->limits;
	for (size_t at = 0, n = first; at < b->len; at += n, n = step) {
		if (n > b->len - at)
			n = b->len - at;
		talk_feed(&t, b->data + at, n);
	}
	talk_end(&t);
	assert_int_equal(t.verdict, whole->verdict);
	assert_int_equal(t.replies.len, whole->replies.len);
	assert_memory_equal(t.replies.data, whole->replies.data,
	    t.replies.len);
	talk_clear(&t);
}

static void
check_all_cuts(const struct buf *b, bool keep_alive)
{
	struct talk whole;

	talk_init(&whole, keep_alive);
	talk_feed(&whole, b->data, b->len);
	talk_end(&whole);
	for (size_t first = 1; first < b->len; first++)
		check_cut(b, first, b->len, &whole);
	for (size_t step = 1; step < 40; step++)
		check_cut(b, step, step, &whole);
	talk_clear(&whole);
}

static void
cuts_change_no_reply(void **state)
{
	struct buf b = { 0 };

	(void)state;
	talk_add_mixture(&b);
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

		talk_add_search(&b, KEEP);
		buf_add(&b, len, 2);
		buf_add(&b, headers[i], strlen(headers[i]));
		talk_add_search(&b, KEEP);
		check_all_cuts(&b, false);
		buf_clear(&b);
	}
}

/* One byte more than a length tells it; ends of that are not cut off. */
static void
cuts_change_nothing_of_what_is_no_message(void **state)
{
	static const char *const fronts[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /", "GEX", "GE{",
		"GE", "PU", "HTTP", "ET", "\x16\x03\x01", "\x16\x03{",
		"\x16\x03", "\x7f\x7f{}", "\x7f\x7f[", "\x01\x01[", "\x01 ",
		"\x01\x01\xff", "\x01"
	};

	(void)state;
	for (size_t i = 0; i < COUNT(fronts); i++) {
		struct buf b = { 0 };

		buf_add(&b, fronts[i], strlen(fronts[i]));
		check_all_cuts(&b, false);
		b.len = 0;
		talk_add_search(&b, KEEP);
		buf_add(&b, fronts[i], strlen(fronts[i]));
		check_all_cuts(&b, true);
		buf_clear(&b);
	}
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
	struct talk plain;
	struct buf b = { 0 };
	char content[128];

	(void)state;
	/* All of one length, so that all but one header is remembered. */
	for (size_t i = 0; i < COUNT(keys); i++)
		for (size_t j = 0; j < COUNT(forms); j++) {
			int len = snprintf(content, sizeof(content), "%s%s%s",
			    forms[j].before, keys[i], forms[j].after);

			assert_int_equal(len, 41);
			talk_add(&b, "text/json", KEEP, content, (size_t)len);
		}
	talk_init(&plain, false);
	fast_free(plain.env.fast);
	plain.env.fast = NULL;
	talk_feed(&plain, b.data, b.len);
	assert_int_equal(talk_count_replies(&plain),
	    COUNT(keys) * COUNT(forms));
	for (size_t first = 1; first <= b.len; first += 97)
		check_cut(&b, first, b.len, &plain);
	talk_clear(&plain);
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
	struct talk plain;
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
				talk_add(&b, "text/json", members, content,
				    (size_t)snprintf(content, sizeof(content),
				    "{\"action\": \"search\", \"value\": "
				    "\"%s\"}", keys[i % COUNT(keys)]));
			}
			talk_init(&plain, false);
			fast_free(plain.env.fast);
			plain.env.fast = NULL;
			talk_feed(&plain, b.data, b.len);
			assert_true(talk_count_replies(&plain) >= 38);
			for (size_t first = 1; first <= b.len; first += 499)
				check_cut(&b, first, b.len, &plain);
			talk_clear(&plain);
		}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_change_no_reply),
		cmocka_unit_test(cuts_change_no_error),
		cmocka_unit_test(cuts_change_nothing_of_what_is_no_message),
		cmocka_unit_test(both_paths_give_the_same_replies),
		cmocka_unit_test(both_paths_take_any_id_and_length)
	};

	int failed = cmocka_run_group_tests_name("without the fast path",
	    tests, talk_setup, talk_teardown);

	talk_use_fast = true;
	return failed + cmocka_run_group_tests_name("with the fast path",
	    tests, talk_setup, talk_teardown);
}
