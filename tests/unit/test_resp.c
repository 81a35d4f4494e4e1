/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replies of Redis: each cut, each limit, and what is none.  The bytes are in
 * memory of just their length, so that sanitizers see who reads beyond.
 */

#include "config.h"

#include "daemon/remote/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"

/* As one piece, and no more than that. */
static enum resp_result
measure_n(struct resp_scan *scan, const char *text, size_t len, size_t *used)
{
	char *mem = malloc(len > 0 ? len : 1);
	enum resp_result result;

	assert_non_null(mem);
	memcpy(mem, text, len);
	result = resp_measure(scan, mem, len, used);
	free(mem);
	return result;
}

static enum resp_result
measure(const char *text)
{
	struct resp_scan scan = { 0 };
	size_t used = 0;

	return measure_n(&scan, text, strlen(text), &used);
}

/* Whole, and not before its last byte, whatever it is cut to. */
static void
assert_whole(const char *text, size_t len)
{
	struct resp_scan step = { 0 };
	size_t used;

	for (size_t cut = 0; cut < len; cut++) {
		struct resp_scan scan = { 0 };

		used = 0;
		assert_int_equal(measure_n(&scan, text, cut, &used),
		    RESP_MORE);
		assert_true(used > cut && used <= len);
		assert_int_equal(measure_n(&scan, text, len, &used),
		    RESP_WHOLE);
		assert_int_equal(used, len);
		assert_int_equal(scan.at, 0);
		/* A byte at a time. */
		assert_int_equal(measure_n(&step, text, cut, &used),
		    RESP_MORE);
		assert_true(used > cut && used <= len);
	}
	assert_int_equal(measure_n(&step, text, len, &used), RESP_WHOLE);
	assert_int_equal(used, len);
}

static struct resp
only(const char *text)
{
	const char *at = text, *end = text + strlen(text);
	struct resp r;

	assert_whole(text, strlen(text));
	assert_true(resp_next(&at, end, &r));
	assert_ptr_equal(at, end);
	assert_false(resp_next(&at, end, &r));
	return r;
}

static void
assert_text(const struct resp *r, enum resp_type type, const char *text)
{
	assert_int_equal(r->type, type);
	assert_int_equal(r->len, strlen(text));
	assert_memory_equal(r->str, text, r->len);
}

static void
each_type_is_read_whatever_the_cuts(void **state)
{
	struct resp r;

	(void)state;
	r = only("+OK\r\n");
	assert_text(&r, RESP_STRING, "OK");
	r = only("+\r\n");
	assert_text(&r, RESP_STRING, "");
	r = only("-ERR no such thing\r\n");
	assert_text(&r, RESP_ERROR, "ERR no such thing");
	r = only("$0\r\n\r\n");
	assert_text(&r, RESP_BULK, "");
	r = only("$6\r\na\r\n\r\nb\r\n");
	assert_text(&r, RESP_BULK, "a\r\n\r\nb");
	r = only("$-1\r\n");
	assert_int_equal(r.type, RESP_NIL);
	r = only("*-1\r\n");
	assert_int_equal(r.type, RESP_NIL);
	r = only("*0\r\n");
	assert_int_equal(r.type, RESP_ARRAY);
	assert_int_equal(r.n, 0);
}

static void
numbers_have_64_bits_and_one_spelling(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} rows[] = {
		{ ":0\r\n", 0 }, { ":7\r\n", 7 }, { ":-1\r\n", -1 },
		{ ":1000000000000000000\r\n", 1000000000000000000 },
		{ ":9223372036854775807\r\n", INT64_MAX },
		{ ":-9223372036854775808\r\n", INT64_MIN },
	};
	static const char *const wrong[] = {
		":\r\n", ":-\r\n", ":+1\r\n", ":01\r\n", ":00\r\n", ":-0\r\n",
		":-01\r\n", ":1 \r\n", ": 1\r\n", ":1.0\r\n", ":0x1\r\n",
		":9223372036854775808\r\n", ":-9223372036854775809\r\n",
		":99999999999999999999\r\n", ":184467440737095516160\r\n",
		":1a\r\n", ":1/\r\n", ":1:\r\n", ":--1\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct resp r = only(rows[i].text);

		assert_int_equal(r.type, RESP_INTEGER);
		assert_true(r.number == rows[i].number);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(measure(wrong[i]), RESP_BROKEN);
}

static void
an_array_is_whole_with_its_last_element(void **state)
{
	static const char *const texts[] = {
		"*1\r\n*0\r\n", "*2\r\n$1\r\nv\r\n$1\r\n1\r\n",
		"*2\r\n$-1\r\n*-1\r\n", "*3\r\n:1\r\n*2\r\n+a\r\n-b\r\n:3\r\n",
		"*2\r\n*2\r\n*1\r\n*1\r\n*1\r\n:1\r\n:2\r\n*0\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$2\r\nab\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *at = texts[i];

		assert_whole(texts[i], strlen(texts[i]));
		assert_true(resp_skip(&at, at + strlen(at)));
		assert_int_equal(*at, '\0');
		assert_false(resp_skip(&at, at));
	}
}

static void
what_is_behind_is_the_next_one(void **state)
{
	static const char text[] = "*2\r\n$1\r\nv\r\n:2\r\n+OK\r\n$3\r\nab";
	struct resp_scan scan = { 0 };
	size_t used = 0;

	(void)state;
	assert_int_equal(measure_n(&scan, text, sizeof(text) - 1, &used),
	    RESP_WHOLE);
	assert_int_equal(used, 15);
	assert_int_equal(measure_n(&scan, text + 15, sizeof(text) - 16,
	    &used), RESP_WHOLE);
	assert_int_equal(used, 5);
	assert_int_equal(measure_n(&scan, text + 20, sizeof(text) - 21,
	    &used), RESP_MORE);
	assert_int_equal(used, 9);
}

static void
elements_come_one_after_the_other(void **state)
{
	static const char text[] =
	    "*3\r\n*2\r\n:1\r\n$2\r\nab\r\n$-1\r\n-E\r\n";
	const char *at = text, *end = text + sizeof(text) - 1;
	struct resp r;

	(void)state;
	assert_true(resp_next(&at, end, &r));
	assert_int_equal(r.type, RESP_ARRAY);
	assert_int_equal(r.n, 3);
	assert_true(resp_next(&at, end, &r));
	assert_int_equal(r.n, 2);
	assert_true(resp_next(&at, end, &r));
	assert_int_equal(r.number, 1);
	assert_true(resp_next(&at, end, &r));
	assert_text(&r, RESP_BULK, "ab");
	assert_true(resp_next(&at, end, &r));
	assert_int_equal(r.type, RESP_NIL);
	assert_true(resp_next(&at, end, &r));
	assert_text(&r, RESP_ERROR, "E");
	assert_false(resp_next(&at, end, &r));
}

static void
garbage_is_seen_at_its_first_byte(void **state)
{
	static const char *const wrong[] = {
		"x", "\r", "\n", "\r\n", " ", "HTTP/1.1 200 OK\r\n", "%1\r\n",
		"_\r\n", "#t\r\n", ",1\r\n", ">1\r\n", "=1\r\n", "~0\r\n",
		"(1\r\n", "|1\r\n",
		/* Ends that are none. */
		"+OK\n", "+O\rK", "+O\nK", "+OK\r\r", ":1\n", "$1\n", "*1\n",
		"$1\r\nab", "$1\r\na\n", "$1\r\na\rb", "$0\r\nx", "$0\r\n\n",
		"$2\r\nabc", "*2\r\n$1\r\nvx", "*1\r\nx", "*1\r\n\r",
		"*2\r\n:1\r\n\r", "*1\r\n$1\r\na\r\r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(measure(wrong[i]), RESP_BROKEN);
	for (int c = 0; c < 256; c++) {
		char text[2] = { (char)c, '\0' };
		struct resp_scan scan = { 0 };
		size_t used;

		assert_int_equal(measure_n(&scan, text, 1, &used),
		    c != 0 && strchr("+-:$*", c) != NULL ? RESP_MORE :
		    RESP_BROKEN);
	}
}

static void
lengths_are_looked_at_before_anybody_waits(void **state)
{
	static const char *const wrong[] = {
		"$536870912\r\n", "*2147483647\r\n", "*100000000\r\n",
		"$9223372036854775807\r\n", "$9223372036854775808\r\n",
		"*9223372036854775807\r\n", "$1048577\r\n", "*400001\r\n",
		"$-2\r\n", "*-2\r\n", "$-0\r\n", "$-\r\n", "$\r\n", "*\r\n",
		"$01\r\n", "*00\r\n", "$+1\r\n", "$1 \r\n", "*1a\r\n",
		"$-9223372036854775808\r\n", "*-9223372036854775809\r\n",
		"$18446744073709551616\r\n", "*4294967297\r\n",
		/* Too long to be a number, whatever comes. */
		"$0000000000000000000000", ":1111111111111111111111",
		"*1\r\n$536870912\r\n", "*2\r\n:1\r\n*2147483647\r\n",
		"*400000\r\n*1\r\n", "*1\r\n*400000\r\n",
	};
	struct resp_scan scan = { 0 };
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(measure(wrong[i]), RESP_BROKEN);
	assert_int_equal(measure_n(&scan, "$1048576\r\n", 10, &used),
	    RESP_MORE);
	assert_int_equal(used, 10 + 1048576 + 2);
}

static void
the_largest_bulk_is_whole(void **state)
{
	size_t len = 10 + RESP_BULK_MAX + 2, used = 0;
	char *text = malloc(len);
	const char *at = text;
	struct resp_scan scan = { 0 };
	struct resp r;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len);
	memcpy(text, "$1048576\r\n", 10);
	memcpy(text + len - 2, "\r\n", 2);
	assert_int_equal(resp_measure(&scan, text, len - 1, &used),
	    RESP_MORE);
	assert_int_equal(used, len);
	assert_int_equal(resp_measure(&scan, text, len, &used), RESP_WHOLE);
	assert_int_equal(used, len);
	assert_true(resp_next(&at, text + len, &r));
	assert_int_equal(r.len, RESP_BULK_MAX);
	free(text);
}

static void
a_line_has_a_largest_length(void **state)
{
	char text[1 + RESP_LINE_MAX + 3];
	struct resp_scan scan = { 0 };
	size_t used = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '-';
	memcpy(text + 1 + RESP_LINE_MAX, "\r\n", 2);
	assert_whole(text, 1 + RESP_LINE_MAX + 2);
	memcpy(text + 1 + RESP_LINE_MAX, "x\r\n", 3);
	for (size_t len = 1; len <= sizeof(text); len++) {
		scan = (struct resp_scan){ 0 };
		assert_int_equal(measure_n(&scan, text, len, &used),
		    len <= 1 + RESP_LINE_MAX ? RESP_MORE : RESP_BROKEN);
	}
}

static void
nesting_has_an_end(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (size_t depth = 0; depth < 100; depth++)
		assert_int_equal(buf_add(&b, "*1\r\n", 4), 0);
	for (size_t depth = 1; depth <= 100; depth++) {
		struct resp_scan scan = { 0 };
		size_t used;

		assert_int_equal(measure_n(&scan, b.data, 4 * depth, &used),
		    depth <= RESP_DEPTH_MAX ? RESP_MORE : RESP_BROKEN);
	}
	/* An empty one is an element like others. */
	b.len = 4 * (size_t)RESP_DEPTH_MAX;
	assert_int_equal(buf_add(&b, "*0\r\n", 4), 0);
	assert_whole(b.data, b.len);
	buf_clear(&b);
}

static void
all_elements_together_have_a_limit(void **state)
{
	struct resp_scan scan = { 0 };
	struct buf b = { 0 };
	size_t used = 0;

	(void)state;
	assert_int_equal(buf_add(&b, "*400000\r\n", 9), 0);
	for (size_t i = 0; i < RESP_ELEMENTS_MAX; i++)
		assert_int_equal(buf_add(&b, "*0\r\n", 4), 0);
	assert_int_equal(resp_measure(&scan, b.data, b.len - 1, &used),
	    RESP_MORE);
	assert_int_equal(used, b.len);
	assert_int_equal(resp_measure(&scan, b.data, b.len, &used),
	    RESP_WHOLE);
	/* The last one has an element of its own. */
	memcpy(b.data + b.len - 4, "*1\r\n", 4);
	assert_int_equal(resp_measure(&scan, b.data, b.len, &used),
	    RESP_BROKEN);
	buf_clear(&b);
}

static void
a_whole_reply_has_a_limit(void **state)
{
	static const char text[] = "*2\r\n$10\r\n0123456789\r\n:1\r\n";
	size_t len = sizeof(text) - 1, used;

	(void)state;
	for (size_t max = 1; max < 2 * len; max++) {
		struct resp_scan scan = { .max = max }, first = { .max = max };

		assert_int_equal(measure_n(&scan, text, len, &used),
		    max >= len ? RESP_WHOLE : RESP_BROKEN);
		/* Seen as soon as the lengths are there, with what is least
		 * for what is still to come. */
		assert_int_equal(measure_n(&first, text, 9, &used),
		    max >= len - 1 ? RESP_MORE : RESP_BROKEN);
		if (max >= len)
			assert_int_equal(scan.max, max);
	}
	/* Of what it has at least, no memory is needed. */
	assert_int_equal(measure("*5\r\n$1048576\r\n"), RESP_MORE);
	struct resp_scan small = { .max = 1000 };
	assert_int_equal(measure_n(&small, "*400\r\n", 6, &used),
	    RESP_BROKEN);
}

/* Whether a walk finds a pair as the one pass does; with its length. */
static size_t
walk_pair(const char *text, size_t len, struct resp pair[2])
{
	const char *at = text, *end = text + len;
	struct resp r;

	if (len < 4 || !resp_next(&at, end, &r) || r.type != RESP_ARRAY ||
	    r.n != 2)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (at == end || *at != '$' ||
		    !resp_next(&at, end, &pair[i]) ||
		    (pair[i].type == RESP_BULK && (pair[i].len > 9999 ||
		    at[-2] != '\r' || at[-1] != '\n')))
			return 0;
	}
	return (size_t)(at - text);
}

static void
assert_pair(const char *text, size_t len)
{
	struct resp fast[2], slow[2];
	char *mem = malloc(len > 0 ? len : 1);
	size_t n;

	assert_non_null(mem);
	memcpy(mem, text, len);
	n = resp_pair(mem, len, fast);
	assert_int_equal(n, walk_pair(mem, len, slow));
	for (size_t i = 0; n > 0 && i < 2; i++) {
		assert_int_equal(fast[i].type, slow[i].type);
		assert_ptr_equal(fast[i].str, slow[i].str);
		assert_int_equal(fast[i].len, slow[i].len);
	}
	free(mem);
}

static void
a_pair_is_what_a_walk_finds(void **state)
{
	static const char *const texts[] = {
		"*2\r\n$5\r\nvalue\r\n$2\r\n17\r\n*2\r\n",
		"*2\r\n$0\r\n\r\n$-1\r\n", "*2\r\n$-1\r\n$1\r\n0\r\n",
		"*2\r\n$-1\r\n$-1\r\n", "*2\r\n$00\r\n\r\n$1\r\n0\r\n",
		"*2\r\n$12\r\nabc\r\ndef\r\ngh\r\n$3\r\n123\r\n",
		"*1\r\n$1\r\na\r\n", "*2\r\n:1\r\n$1\r\n0\r\n", "+OK\r\n",
		"*2\r\n*-1\r\n$1\r\n0\r\n"
	};
	static const char bytes[] = "\r\n$*-0129:a";
	char text[10100];
	struct resp pair[2];
	int len;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i]);

		for (size_t cut = 0; cut <= n; cut++)
			assert_pair(texts[i], cut);
		memcpy(text, texts[i], n);
		for (size_t at = 0; at < n; at++) {
			for (size_t j = 0; j < sizeof(bytes); j++) {
				text[at] = bytes[j];
				assert_pair(text, n);
			}
			text[at] = texts[i][at];
		}
	}
	assert_int_equal(resp_pair(texts[0], strlen(texts[0]), pair),
	    strlen(texts[0]) - 4);
	for (int n = 9998; n <= 10001; n++) {
		len = snprintf(text, sizeof(text), "*2\r\n$%d\r\n%0*d\r\n"
		    "$1\r\n0\r\n", n, n, 0);
		assert_pair(text, (size_t)len);
		assert_pair(text, (size_t)len - 1);
		assert_true(n > 9999 || resp_pair(text, (size_t)len, pair) ==
		    (size_t)len);
	}
}

static void
who_walks_trusts_nobody(void **state)
{
	static const char *const wrong[] = { "", "x", "+OK", "+OK\r", "$5\r\n",
		"$5\r\nabcde", "$1\r\n", "*x\r\n", "$1048577\r\n" };
	struct resp r;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *at = wrong[i];

		assert_false(resp_next(&at, at + strlen(at), &r));
		assert_ptr_equal(at, wrong[i]);
		assert_false(resp_skip(&at, at + strlen(at)));
	}
}

static void
errors_are_known_by_their_first_word(void **state)
{
	static const struct {
		const char *text;
		enum resp_error error;
	} rows[] = {
		{ "ERR unknown command", RESP_OTHER }, { "", RESP_OTHER },
		{ " MOVED", RESP_OTHER }, { "MOVE", RESP_OTHER },
		{ "MOVEDX 1", RESP_OTHER }, { "moved 1 x:1", RESP_OTHER },
		{ "MOVED 1 x:1", RESP_MOVED }, { "MOVED", RESP_MOVED },
		{ "ASK 1 x:1", RESP_ASK },
		{ "CLUSTERDOWN The cluster is down", RESP_CLUSTERDOWN },
		{ "LOADING Redis is loading", RESP_LOADING },
		{ "MASTERDOWN Link with MASTER is down", RESP_MASTERDOWN },
		{ "NOAUTH Authentication required.", RESP_NOAUTH },
		{ "NOPERM this user", RESP_NOPERM },
		{ "NOREPLICAS Not enough", RESP_NOREPLICAS },
		{ "OOM command not allowed", RESP_OOM },
		{ "READONLY You can't write", RESP_READONLY },
		{ "TRYAGAIN Multiple keys", RESP_TRYAGAIN },
		{ "WRONGPASS invalid", RESP_WRONGPASS },
		{ "WRONGTYPE Operation", RESP_WRONGTYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct resp r = { .type = RESP_ERROR, .str = rows[i].text,
		    .len = strlen(rows[i].text) };

		assert_int_equal(resp_error(&r), rows[i].error);
	}
}

static void
requests_are_arrays_of_bulks(void **state)
{
	static const char text[] = "*3\r\n$5\r\nHMGET\r\n$3\r\na\r\n\r\n"
	    "$0\r\n\r\n*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"
	    "*1\r\n$8\r\nREADONLY\r\n*2\r\n$1\r\n0\r\n"
	    "$20\r\n18446744073709551615\r\n";
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(resp_command(&b, 3), 0);
	assert_int_equal(resp_arg(&b, "HMGET", 5), 0);
	assert_int_equal(resp_arg(&b, "a\r\n", 3), 0);
	assert_int_equal(resp_arg(&b, NULL, 0), 0);
	assert_int_equal(resp_words(&b, "CLUSTER SLOTS"), 0);
	assert_int_equal(resp_words(&b, "READONLY"), 0);
	assert_int_equal(resp_command(&b, 2), 0);
	assert_int_equal(resp_number(&b, 0), 0);
	assert_int_equal(resp_number(&b, UINT64_MAX), 0);
	assert_int_equal(b.len, sizeof(text) - 1);
	assert_memory_equal(b.data, text, b.len);
	assert_int_equal(resp_arg(&b, "x", SIZE_MAX / 2), -1);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_is_read_whatever_the_cuts),
		cmocka_unit_test(numbers_have_64_bits_and_one_spelling),
		cmocka_unit_test(an_array_is_whole_with_its_last_element),
		cmocka_unit_test(what_is_behind_is_the_next_one),
		cmocka_unit_test(elements_come_one_after_the_other),
		cmocka_unit_test(garbage_is_seen_at_its_first_byte),
		cmocka_unit_test(lengths_are_looked_at_before_anybody_waits),
		cmocka_unit_test(the_largest_bulk_is_whole),
		cmocka_unit_test(a_line_has_a_largest_length),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(all_elements_together_have_a_limit),
		cmocka_unit_test(a_whole_reply_has_a_limit),
		cmocka_unit_test(a_pair_is_what_a_walk_finds),
		cmocka_unit_test(who_walks_trusts_nobody),
		cmocka_unit_test(errors_are_known_by_their_first_word),
		cmocka_unit_test(requests_are_arrays_of_bulks)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
