/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * How peers are named, for people and as a word of a log line.
 */

#include "config.h"

#include "daemon/base/address.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
peers_have_addresses(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(5123) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(7), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	char buf[ADDRESS_MAX];

	(void)state;
	assert_string_equal(address_text((struct sockaddr *)&un,
	    offsetof(struct sockaddr_un, sun_path), buf, sizeof(buf)),
	    "unix");
	assert_string_equal(address_text((struct sockaddr *)&un, sizeof(un),
	    buf, sizeof(buf)), "unix");
	strlcpy(un.sun_path, "/x", sizeof(un.sun_path));
	assert_string_equal(address_text((struct sockaddr *)&un, sizeof(un),
	    buf, sizeof(buf)), "/x");
	assert_string_equal(address_text((struct sockaddr *)&in, sizeof(in),
	    buf, sizeof(buf)), "0.0.0.0:5123");
	assert_string_equal(address_text((struct sockaddr *)&in6,
	    sizeof(in6), buf, sizeof(buf)), "[::1]:7");
	assert_string_equal(address_text((struct sockaddr *)&in6,
	    sizeof(in6), buf, 4), "[::");
}

/* Of any room, what is written fits, and ends before a cut escape. */
static void
peers_are_one_word(void **state)
{
	static const char spelled[] = "/a\\x20\\n\\x20\\x20b\\u{9b}";
	struct sockaddr_un un = { AF_UNIX, "/a \n  b\xc2\x9b" };
	char buf[ADDRESS_WORD_MAX];
	size_t len;

	(void)state;
	for (size_t cap = 1; cap <= sizeof(buf); cap++) {
		memset(buf, '*', sizeof(buf));
		address_word((struct sockaddr *)&un, sizeof(un), buf,
		    cap);
		len = strlen(buf);
		assert_true(len < cap);
		assert_memory_equal(buf, spelled, len);
		assert_true(len == 0 || spelled[len - 1] != '\\');
		if (cap > strlen(spelled))
			assert_string_equal(buf, spelled);
	}
}

static void
an_address_to_connect_to_has_its_port(void **state)
{
	static const char *const good[] = { "127.0.0.1:1", "10.0.0.1:65535",
	    "[::1]:7001", "[2001:db8::1]:80" };
	static const char *const bad[] = { "", ":", ":1", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:01", "127.0.0.1:65536",
	    "127.0.0.1: 1", "127.0.0.1:1 ", "127.0.0.1:+1", "127.1:1",
	    "[127.0.0.1]:1", "::1:1", "[::1]", "[::1]1", "[::1:1", "::1]:1",
	    "[::ffff:127.0.0.1]:1", "localhost:1", "*:1", "[]:1" };
	struct sockaddr_storage ss;
	char buf[ADDRESS_MAX];
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(address_read(good[i], strlen(good[i]), &ss,
		    &len), 0);
		assert_string_equal(address_text((const struct sockaddr *)
		    &ss, len, buf, sizeof(buf)), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_read(bad[i], strlen(bad[i]), &ss, &len) == 0)
			fail_msg("%s is taken", bad[i]);
	assert_int_equal(address_read("10.0.0.1:80", 10, &ss, &len), 0);
	assert_string_equal(address_text((const struct sockaddr *)&ss, len,
	    buf, sizeof(buf)), "10.0.0.1:8");
	assert_int_equal(address_read("1.1.1.1:1\0", 10, &ss, &len), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_have_addresses),
		cmocka_unit_test(peers_are_one_word),
		cmocka_unit_test(an_address_to_connect_to_has_its_port)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
