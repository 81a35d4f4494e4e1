/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How a published table lies in Redis: names that every machine makes alike,
 * what a lookup says, and pointers there and back.
 */

#include "config.h"

#include "daemon/remote/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/buf.h"
#include "daemon/remote/resp.h"
#include "daemon/remote/slotmap.h"
#include "lib/appmsg.h"

/* What is published by one version is read by the next. */
static void
hashes_are_the_same_on_every_machine(void **state)
{
	(void)state;
	assert_true(bucket_hash("", 0) == UINT64_C(0x2d06800538d394c2));
	assert_true(bucket_hash("ring", 4) == UINT64_C(0x6e12d06252141b89));
	assert_true(bucket_hash("a\0b", 3) != bucket_hash("a\0c", 3));
}

static void
a_bucket_has_about_32_entries(void **state)
{
	static const uint64_t rows[][2] = { { 0, 1 }, { 1, 1 }, { 32, 1 },
		{ 33, 2 }, { 64, 2 }, { 1000000, 31250 },
		{ UINT64_MAX, UINT64_C(1) << 59 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(bucket_count(rows[i][0]) == rows[i][1]);
}

static void
assert_name(const char *prefix, uint64_t number, uint64_t bucket,
    const char *want)
{
	char name[BUCKET_NAME_MAX];
	struct bucket_base base;
	unsigned int slot;
	size_t len;

	bucket_base_set(&base, prefix, number);
	len = bucket_name(&base, bucket, name, &slot);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(name, want, len);
	assert_int_equal(slot, slotmap_slot(want, len));
	assert_int_equal(bucket_name(&base, bucket, name, NULL), len);
}

static void
names_say_prefix_number_and_bucket(void **state)
{
	char prefix[BUCKET_PREFIX_MAX + 1], want[2 * BUCKET_NAME_MAX];

	(void)state;
	assert_name("appmsg:shared:", 1764460000123, 0,
	    "appmsg:shared:1764460000123:0");
	assert_name("", 1, 31249, "1:31249");
	memset(prefix, 'p', BUCKET_PREFIX_MAX);
	prefix[BUCKET_PREFIX_MAX] = '\0';
	snprintf(want, sizeof(want), "%s18446744073709551615:"
	    "18446744073709551615", prefix);
	assert_name(prefix, UINT64_MAX, UINT64_MAX, want);
}

/* As if it were put together word by word. */
static void
assert_asks(const char *prefix, uint64_t bucket, const char *key, size_t len)
{
	struct buf got = { 0 }, want = { 0 };
	char name[BUCKET_NAME_MAX];
	struct bucket_base base;
	unsigned int slot;
	size_t n;

	bucket_base_set(&base, prefix, 1764460000123);
	n = bucket_name(&base, bucket, name, &slot);
	assert_int_equal(bucket_slot(&base, bucket), slot);
	assert_int_equal(resp_command(&want, 4), 0);
	assert_int_equal(resp_arg(&want, "HMGET", 5), 0);
	assert_int_equal(resp_arg(&want, name, n), 0);
	assert_int_equal(resp_arg(&want, key, len), 0);
	assert_int_equal(resp_arg(&want, BUCKET_SEAL_FIELD, 0), 0);
	/* Behind what is there. */
	assert_int_equal(buf_add(&got, "x", 1), 0);
	assert_int_equal(bucket_ask(&got, &base, bucket, key, len), 0);
	assert_int_equal(got.len, want.len + 1);
	assert_memory_equal(got.data + 1, want.data, want.len);
	buf_clear(&got);
	buf_clear(&want);
}

static void
a_lookup_asks_for_key_and_seal(void **state)
{
	static char key[70000];
	char prefix[BUCKET_PREFIX_MAX + 1];

	(void)state;
	memset(key, 'k', sizeof(key));
	memset(prefix, 'p', BUCKET_PREFIX_MAX);
	prefix[BUCKET_PREFIX_MAX] = '\0';
	assert_asks("appmsg:shared:", 31249, "ring", 4);
	assert_asks("", 0, "a\r\n$1\r\n", 7);
	for (size_t len = 1; len < 1200; len += 7)
		assert_asks("p:", len, key, len);
	assert_asks(prefix, UINT64_MAX, key, 9);
	assert_asks(prefix, 10, key, 4095);
	assert_asks(prefix, 99, key, sizeof(key));
}

/* Each third of the slots is one of three masters', as they are dealt. */
static void
pointers_are_in_three_thirds(void **state)
{
	char name[BUCKET_NAME_MAX];
	bool thirds[3] = { false };

	(void)state;
	for (unsigned int i = 0; i < BUCKET_POINTS; i++) {
		size_t len = bucket_point_name("appmsg:shared:", i, name);
		unsigned int slot = slotmap_slot(name, len);

		assert_int_equal(strlen(name), len);
		assert_int_equal(strncmp(name, "appmsg:shared:point:{", 21),
		    0);
		thirds[slot <= 5460 ? 0 : slot <= 10922 ? 1 : 2] = true;
	}
	assert_true(thirds[0] && thirds[1] && thirds[2]);
	assert_int_equal(bucket_lock_name("a:", name), 6);
	assert_string_equal(name, "a:lock");
	assert_int_equal(bucket_record_name("a:", name), 7);
	assert_string_equal(name, "a:begun");
}

static void
a_lookup_says_one_of_four_things(void **state)
{
	static const struct {
		const char *reply;
		enum bucket_result result;
		const char *value;
	} rows[] = {
		{ "*2\r\n$5\r\nvalue\r\n$1\r\n1\r\n", BUCKET_FOUND, "value" },
		{ "*2\r\n$0\r\n\r\n$1\r\n1\r\n", BUCKET_FOUND, "" },
		{ "*2\r\n$2\r\n\\n\r\n$1\r\n1\r\n", BUCKET_FOUND, "\\n" },
		{ "*2\r\n$-1\r\n$1\r\n1\r\n", BUCKET_MISSED, NULL },
		{ "*2\r\n$-1\r\n$-1\r\n", BUCKET_LOST, NULL },
		{ "*2\r\n$5\r\nvalue\r\n$-1\r\n", BUCKET_LOST, NULL },
		{ "*2\r\n$1\r\n\"\r\n$1\r\n1\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n$1\r\n\xff\r\n$1\r\n1\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n$1\r\nv\r\n$1\r\n2\r\n", BUCKET_OTHER, NULL },
		{ "*2\r\n$1\r\nv\r\n$2\r\n11\r\n", BUCKET_OTHER, NULL },
		{ "*2\r\n$-1\r\n$2\r\n01\r\n", BUCKET_OTHER, NULL },
		{ "*2\r\n$1\r\nv\r\n$1\r\nx\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n$1\r\nv\r\n$0\r\n\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n$1\r\nv\r\n:1\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n:1\r\n$1\r\n1\r\n", BUCKET_BROKEN, NULL },
		{ "*2\r\n*0\r\n$-1\r\n", BUCKET_BROKEN, NULL },
		{ "*1\r\n$1\r\nv\r\n", BUCKET_BROKEN, NULL },
		{ "*3\r\n$1\r\nv\r\n$1\r\n1\r\n$1\r\n1\r\n", BUCKET_BROKEN,
		    NULL },
		{ "*0\r\n", BUCKET_BROKEN, NULL },
		{ "*-1\r\n", BUCKET_BROKEN, NULL },
		{ "$-1\r\n", BUCKET_BROKEN, NULL },
		{ "$1\r\n1\r\n", BUCKET_BROKEN, NULL },
		{ "+OK\r\n", BUCKET_BROKEN, NULL },
		{ "-WRONGTYPE x\r\n", BUCKET_BROKEN, NULL },
		{ "", BUCKET_BROKEN, NULL },
		{ "*2\r\n$1\r\nv\r\n", BUCKET_BROKEN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = NULL;
		size_t len = 0;

		assert_int_equal(bucket_judge(1, rows[i].reply,
		    strlen(rows[i].reply), &value, &len), rows[i].result);
		if (rows[i].value != NULL) {
			assert_int_equal(len, strlen(rows[i].value));
			assert_memory_equal(value, rows[i].value, len);
		}
	}
}

static void
values_are_what_a_reply_could_have(void **state)
{
	static const char *const right[] = { "", "plain",
		"\\\"\\\\\\b\\f\\n\\r\\t", "\\u0000\\u0007\\u000b\\u001f",
		"/\x7f", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb0" };
	static const char *const wrong[] = { "\"", "a\"b", "\n", "\x1f",
		"\\", "a\\", "\\/", "\\a", "\\u", "\\u00", "\\u000",
		"\\u0020", "\\u00e4", "\\u000A", "\\u000B", "\\u001F",
		"\\u000a", "\\u0008", "\\u0009", "\\u000c", "\\u000d",
		"\\u0100", "\\u00g0", "\\u000g", "\\u000/", "\\u000:",
		"\\u20ac", "\\ud83d\\udc30", "\xc3", "\xff", "\xc0\x80",
		"\xed\xa0\xbd", "\xf4\x90\x80\x80", "ok\\u001" };
	char text[2], escaped[8];

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_true(bucket_is_escaped(right[i], strlen(right[i])));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(bucket_is_escaped(wrong[i], strlen(wrong[i])));
	assert_false(bucket_is_escaped("a\0b", 3));
	assert_false(bucket_is_escaped("\\\0", 2));
	for (int c = 0; c < 128; c++) {
		text[0] = (char)c;
		assert_true(bucket_is_escaped(escaped, appmsg_escape(text, 1,
		    escaped, sizeof(escaped))));
	}
}

/* Eight bytes are looked at in one step. */
static void
a_wrong_byte_is_seen_wherever_it_stands(void **state)
{
	char text[24];

	(void)state;
	for (size_t at = 0; at < sizeof(text); at++)
		for (int c = 0; c < 256; c++) {
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			assert_int_equal(bucket_is_escaped(text,
			    sizeof(text)), c >= 0x20 && c < 0x80 &&
			    c != '"' && c != '\\');
			if (at + 1 == sizeof(text))
				continue;
			/* With what may stand behind it. */
			text[at + 1] = c == '\\' ? 'n' : (char)0xa4;
			assert_int_equal(bucket_is_escaped(text,
			    sizeof(text)), c == '\\' ||
			    (c >= 0xc2 && c <= 0xdf));
		}
}

/* Pointers. */

static const struct bucket_point example = {
	.generation = 1764460000999,
	.now = { 1764460000123, 31250, 1000000, true,
	    "00112233445566778899aabbccddeeff", "2026-11-30T01:02:03Z" },
	.before = { 1764450000000, 2, 64, false, "", "2026-11-29T01:02:03Z" }
};

/* What a server would say that has what a request says. */
static void
answer(struct buf *reply, const struct bucket_point *point)
{
	struct buf ask = { 0 }, set = { 0 };
	const char *a, *s;
	struct resp head, name, value, field;

	assert_int_equal(bucket_point_ask(&ask, "p"), 0);
	assert_int_equal(bucket_point_write(&set, "p", point), 0);
	a = ask.data;
	s = set.data;
	assert_true(resp_next(&s, set.data + set.len, &head));
	assert_true(resp_next(&a, ask.data + ask.len, &head));
	for (size_t i = 0; i < 2; i++) {
		assert_true(resp_skip(&a, ask.data + ask.len));
		assert_true(resp_skip(&s, set.data + set.len));
	}
	assert_int_equal(resp_command(reply, head.n - 2), 0);
	while (resp_next(&a, ask.data + ask.len, &field)) {
		assert_true(resp_next(&s, set.data + set.len, &name));
		assert_true(resp_next(&s, set.data + set.len, &value));
		assert_int_equal(name.len, field.len);
		assert_memory_equal(name.str, field.str, name.len);
		assert_int_equal(resp_arg(reply, value.str, value.len), 0);
	}
	assert_ptr_equal(s, set.data + set.len);
	buf_clear(&ask);
	buf_clear(&set);
}

static void
assert_table(const struct bucket_table *a, const struct bucket_table *b)
{
	assert_true(a->number == b->number);
	assert_true(a->buckets == b->buckets);
	assert_true(a->entries == b->entries);
	assert_int_equal(a->fold, b->fold);
	assert_string_equal(a->digest, b->digest);
	assert_string_equal(a->published, b->published);
}

static void
a_pointer_comes_back_as_it_was_written(void **state)
{
	struct bucket_point point, first = example;
	struct buf reply = { 0 };

	(void)state;
	answer(&reply, &example);
	assert_int_equal(bucket_point_take(&point, reply.data, reply.len), 0);
	assert_true(point.generation == example.generation);
	assert_table(&point.now, &example.now);
	assert_table(&point.before, &example.before);
	/* The first one that was published has none before. */
	memset(&first.before, 0, sizeof(first.before));
	reply.len = 0;
	answer(&reply, &first);
	assert_int_equal(bucket_point_take(&point, reply.data, reply.len), 0);
	assert_table(&point.before, &first.before);
	for (size_t cut = 0; cut < reply.len; cut++)
		assert_int_equal(bucket_point_take(&point, reply.data, cut),
		    -1);
	buf_clear(&reply);
}

/* The reply with its i-th field replaced. */
static int
take_other(size_t which, const char *other, struct bucket_point *point)
{
	struct buf reply = { 0 }, b = { 0 };
	struct resp head, r;
	const char *at;
	int rc;

	answer(&reply, &example);
	at = reply.data;
	assert_true(resp_next(&at, reply.data + reply.len, &head));
	assert_true(which < head.n);
	assert_int_equal(resp_command(&b, head.n), 0);
	for (size_t i = 0; i < head.n; i++) {
		assert_true(resp_next(&at, reply.data + reply.len, &r));
		assert_int_equal(i == which ? buf_add(&b, other,
		    strlen(other)) : resp_arg(&b, r.str, r.len), 0);
	}
	rc = bucket_point_take(point, b.data, b.len);
	buf_clear(&reply);
	buf_clear(&b);
	return rc;
}

static void
a_pointer_that_nobody_here_wrote_is_refused(void **state)
{
	static const struct {
		size_t field;
		const char *other;
	} rows[] = {
		{ 0, "$1\r\n2\r\n" }, { 0, "$1\r\n0\r\n" }, { 0, "$-1\r\n" },
		{ 1, "$1\r\n0\r\n" }, { 1, "$1\r\nx\r\n" },
		{ 1, "$0\r\n\r\n" }, { 1, "$2\r\n-1\r\n" },
		{ 1, "$19\r\n9223372036854775808\r\n" },
		{ 1, "$20\r\n18446744073709551616\r\n" },
		{ 1, "$21\r\n000000000000000000001\r\n" },
		{ 1, ":1\r\n" }, { 2, "$1\r\n0\r\n" }, { 2, "$-1\r\n" },
		{ 3, "$1\r\n0\r\n" }, { 3, "$13\r\n1099511627777\r\n" },
		{ 4, "$-1\r\n" }, { 5, "$1\r\n2\r\n" }, { 5, "$3\r\nyes\r\n" },
		{ 6, "$-1\r\n" }, { 6, "$1\r\n \r\n" }, { 6, "$1\r\n\x7f\r\n" },
		{ 6, "$2\r\n\xc3\xa4\r\n" },
		{ 6, "$65\r\n0123456789012345678901234567890123456789012345678"
		    "9012345678901234\r\n" },
		{ 7, "$33\r\n012345678901234567890123456789012\r\n" },
		{ 9, "$1\r\n0\r\n" }, { 8, "$-1\r\n" }, { 8, "*0\r\n" },
	};
	struct bucket_point point;
	struct buf reply = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(take_other(rows[i].field, rows[i].other,
		    &point), -1);
		assert_int_equal(point.generation, 0);
	}
	assert_int_equal(take_other(7, "$0\r\n\r\n", &point), 0);
	assert_int_equal(take_other(3, "$13\r\n1099511627776\r\n", &point), 0);
	/* As it is where nothing was published. */
	assert_int_equal(resp_command(&reply, 14), 0);
	for (int i = 0; i < 14; i++)
		assert_int_equal(buf_add(&reply, "$-1\r\n", 5), 0);
	assert_int_equal(bucket_point_take(&point, reply.data, reply.len), 0);
	assert_int_equal(point.generation, 0);
	assert_int_equal(bucket_point_take(&point, "-ERR x\r\n", 8), -1);
	assert_int_equal(bucket_point_take(&point, "*0\r\n", 4), -1);
	buf_clear(&reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_the_same_on_every_machine),
		cmocka_unit_test(a_bucket_has_about_32_entries),
		cmocka_unit_test(names_say_prefix_number_and_bucket),
		cmocka_unit_test(a_lookup_asks_for_key_and_seal),
		cmocka_unit_test(pointers_are_in_three_thirds),
		cmocka_unit_test(a_lookup_says_one_of_four_things),
		cmocka_unit_test(values_are_what_a_reply_could_have),
		cmocka_unit_test(a_wrong_byte_is_seen_wherever_it_stands),
		cmocka_unit_test(a_pointer_comes_back_as_it_was_written),
		cmocka_unit_test(a_pointer_that_nobody_here_wrote_is_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
