/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers that are known again, and mean then what they would mean if they
 * were read.
 */

#include "config.h"

#include "daemon/request/shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/length.h"

#define KEEP	", \"connection\": \"keep-alive\""

/* A header as a client sends it. */
struct header {
	char text[1024];
	size_t len;
	struct appmsg_header meaning;
};

static void
header_init(struct header *h, const char *type, const char *length,
    const char *members)
{
	size_t used;
	int n = snprintf(h->text + 2, sizeof(h->text) - 2, "{\"byteorder\": "
	    "\"little\", \"content-type\": \"%s\", \"content-encoding\": "
	    "\"utf-8\", \"content-length\": %s%s}", type, length, members);

	assert_true(n > 0 && (size_t)n < sizeof(h->text) - 2);
	length_put(h->text, (size_t)n);
	h->len = (size_t)n + 2;
	assert_int_equal(appmsg_header_decode(h->text, h->len, &h->meaning,
	    &used), 0);
}

static void
remember(struct shapes *s, const char *type, const char *length,
    const char *members)
{
	struct header h;

	header_init(&h, type, length, members);
	shapes_remember(s, h.text, h.len, &h.meaning);
	/* It is a copy. */
	memset(&h, 'x', sizeof(h));
}

static void
expect_str(const struct appmsg_str *a, const struct appmsg_str *b)
{
	assert_int_equal(a->raw == NULL, b->raw == NULL);
	assert_int_equal(a->len, b->len);
	if (a->raw != NULL)
		assert_memory_equal(a->raw, b->raw, a->len);
	assert_int_equal(a->flags, b->flags);
}

/* Whether a header is known; what it means must be what it says. */
static bool
knows(struct shapes *s, const char *type, const char *length,
    const char *members)
{
	struct shape_fit fit;
	struct appmsg_header m;
	struct header h;

	header_init(&h, type, length, members);
	if (!shapes_find(s, h.text, h.len, &fit)) {
		assert_null(fit.shape);
		return false;
	}
	assert_int_equal(fit.len, h.len);
	shape_header(&fit, &m);
	expect_str(&m.content_type, &h.meaning.content_type);
	expect_str(&m.content_encoding, &h.meaning.content_encoding);
	expect_str(&m.connection, &h.meaning.connection);
	expect_str(&m.id.str, &h.meaning.id.str);
	assert_int_equal(m.content_length, h.meaning.content_length);
	assert_int_equal(m.id.kind, h.meaning.id.kind);
	assert_int_equal(m.id.num, h.meaning.id.num);
	assert_int_equal(m.has_connection, h.meaning.has_connection);
	assert_int_equal(fit.id_len > 0, m.id.kind != APPMSG_ID_NONE);
	return true;
}

static void
nothing_is_known_at_first(void **state)
{
	struct shapes s = { 0 };

	(void)state;
	assert_false(knows(&s, "text/json", "41", KEEP));
}

static void
a_header_is_known_but_for_length_and_id(void **state)
{
	struct shapes s = { 0 };

	(void)state;
	remember(&s, "text/json", "41", KEEP);
	assert_true(knows(&s, "text/json", "41", KEEP));
	assert_true(knows(&s, "text/json", "0", KEEP));
	assert_true(knows(&s, "text/json", "123456789", KEEP));
	assert_false(knows(&s, "text/json", "1234567890", KEEP));
	assert_false(knows(&s, "text/json", "41", ""));
	assert_false(knows(&s, "text/json", "41", KEEP ", \"id\": 7"));
	remember(&s, "text/json", "41", KEEP ", \"id\": 7");
	assert_true(knows(&s, "text/json", "41", KEEP ", \"id\": 7"));
	assert_true(knows(&s, "text/json", "4", KEEP
	    ", \"id\": 999999999999999"));
	assert_false(knows(&s, "text/json", "41", KEEP ", \"id\": -7"));
	assert_false(knows(&s, "text/json", "41", KEEP ", \"id\": \"7\""));
	remember(&s, "text/json", "41", KEEP ", \"id\": \"a\"");
	assert_true(knows(&s, "text/json", "4", KEEP ", \"id\": \"bcd\""));
	assert_true(knows(&s, "text/json", "4", KEEP ", \"id\": \"\""));
	assert_false(knows(&s, "text/json", "4", KEEP
	    ", \"id\": \"\\u0041\""));
	/* And the one before still is, without any. */
	assert_true(knows(&s, "text/json", "5", KEEP));
}

static void
what_asks_for_more_is_not_remembered(void **state)
{
	static const char *const members[] = {
		", \"explain\": true", ", \"suggest\": 1",
		", \"connection\": \"close\"", ", \"id\": -1",
		", \"id\": \"\\u0041\"", ", \"id\": null"
	};
	struct shapes s = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		remember(&s, "text/json", "41", members[i]);
		assert_false(knows(&s, "text/json", "41", members[i]));
	}
	remember(&s, "binary/custom", "41", KEEP);
	assert_false(knows(&s, "binary/custom", "41", KEEP));
}

/* A crowd replaces what is known slowly, and in the order it came. */
static void
others_are_remembered_after_a_while(void **state)
{
	struct shapes s = { 0 };
	char members[64];

	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		snprintf(members, sizeof(members), ", \"x\": %d", i);
		remember(&s, "text/json", "41", members);
	}
	remember(&s, "text/json", "41", KEEP);
	assert_false(knows(&s, "text/json", "41", KEEP));
	for (int i = 0; i < SHAPES; i++) {
		snprintf(members, sizeof(members), ", \"x\": %d", i);
		assert_true(knows(&s, "text/json", "41", members));
	}
	for (int i = 0; i < 8; i++)
		remember(&s, "text/json", "41", KEEP);
	assert_true(knows(&s, "text/json", "41", KEEP));
	assert_false(knows(&s, "text/json", "41", ", \"x\": 0"));
	assert_true(knows(&s, "text/json", "41", ", \"x\": 1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_header_is_known_but_for_length_and_id),
		cmocka_unit_test(what_asks_for_more_is_not_remembered),
		cmocka_unit_test(others_are_remembered_after_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
