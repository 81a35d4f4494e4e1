/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A first message in records cut anywhere: that it is whole is seen with its
 * last byte, not before, and never is more waited for than there will be.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/tls/tls_hello.h"

static unsigned char bytes[1 << 18];
static size_t n_bytes;

/* A message of so many bytes, in fragments of so many. */
static void
make(size_t len, size_t fragment)
{
	size_t at = 0, now;

	n_bytes = 0;
	for (; at < len; at += now) {
		now = len - at < fragment ? len - at : fragment;
		bytes[n_bytes++] = 22;
		bytes[n_bytes++] = 3;
		bytes[n_bytes++] = 1;
		bytes[n_bytes++] = (unsigned char)(now >> 8);
		bytes[n_bytes++] = (unsigned char)now;
		for (size_t i = at; i < at + now; i++)
			bytes[n_bytes++] = (unsigned char)(i == 0 ? 1 : i < 4 ?
			    (len - 4) >> 8 * (3 - i) : 'x');
	}
}

static void
whole_with_the_last_byte(void **state)
{
	static const size_t lens[] = { 4, 5, 8, 300, 517, 1800 };
	static const size_t fragments[] = { 1, 2, 3, 4, 5, 100, 16384 };
	size_t need, least;

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (size_t j = 0; j < sizeof(fragments) /
		    sizeof(fragments[0]); j++) {
			make(lens[i], fragments[j]);
			least = 0;
			for (size_t len = 0; len < n_bytes; len++) {
				assert_int_equal(tls_hello_look(bytes, len,
				    &need), TLS_HELLO_MORE);
				assert_in_range(need, len + 1, n_bytes);
				assert_true(need >= least);
				least = len + 1;
			}
			for (size_t more = 0; more < 3; more++)
				assert_int_equal(tls_hello_look(bytes,
				    n_bytes + more, &need), TLS_HELLO_WHOLE);
		}
}

/* In few looks, though each says only what is sure. */
static void
looks_are_few(void **state)
{
	size_t len, need, looks;

	(void)state;
	make(1800, 16384);
	for (len = 0, looks = 0; tls_hello_look(bytes, len, &need) ==
	    TLS_HELLO_MORE; looks++)
		len = need;
	assert_int_equal(len, n_bytes);
	assert_in_range(looks, 1, 7);
	make(1800, 1);
	for (len = 0, looks = 0; tls_hello_look(bytes, len, &need) ==
	    TLS_HELLO_MORE; looks++)
		len = need;
	assert_in_range(looks, 1, 60);
}

static void
none_at_all(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} all[] = {
		{ "\0", 1 }, { "\0\x60{\"byteorder\"", 14 },
		{ "GET / HTTP", 10 }, { "\x80\x2e\1", 3 }, { "\x15\3\1", 3 },
		{ "\x17\3\3", 3 }, { "\x16\2", 2 }, { "\x16\3{", 3 }
	};
	size_t need;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(tls_hello_look((const unsigned char *)
		    all[i].p, all[i].len, &need), TLS_HELLO_PLAIN);
}

/* The library has the words for it. */
static void
wrong_ones_are_whole(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} all[] = {
		{ "\x16\3\1\0\0", 5 },			/* an empty one */
		{ "\x16\3\1\x7f\xff", 5 },		/* too long a one */
		{ "\x16\3\1\0\1\2", 6 },		/* another message */
		{ "\x16\3\1\0\1\1\x15\3\1\0\2", 11 },	/* an alert within */
		{ "\x16\3\1\0\4\1\0\0\0", 9 }		/* without a body */
	};
	size_t need;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(tls_hello_look((const unsigned char *)
		    all[i].p, all[i].len, &need), TLS_HELLO_WHOLE);
}

static void
too_long_ones_are_not_waited_for(void **state)
{
	size_t need;

	(void)state;
	make(TLS_HELLO_MAX, 16384);
	assert_int_equal(tls_hello_look(bytes, 8, &need), TLS_HELLO_MORE);
	assert_int_equal(tls_hello_look(bytes, 9, &need), TLS_HELLO_LONG);
	make(TLS_HELLO_MAX / 4, 1);
	assert_int_equal(tls_hello_look(bytes, TLS_HELLO_MAX, &need),
	    TLS_HELLO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_with_the_last_byte),
		cmocka_unit_test(looks_are_few),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(wrong_ones_are_whole),
		cmocka_unit_test(too_long_ones_are_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
