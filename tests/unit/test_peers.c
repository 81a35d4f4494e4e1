/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Connections counted by address.
 */

#include "config.h"

#include "daemon/session/peers.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static union address
address(const char *text, uint16_t port)
{
	union address a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
	} else {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr),
		    1);
	}
	return a;
}

/* Returns whether there is room for one more. */
static bool
enter(struct peers *peers, const char *text, int64_t limit,
    struct peer_count **peer)
{
	static uint16_t port;
	union address a = address(text, port++);
	int error = peers_enter(peers, &a.sa, limit, peer);

	assert_int_equal(error == 0, *peer != NULL);
	return error == 0;
}

static void
an_address_has_up_to_its_limit(void **state)
{
	struct peers *peers = peers_new();
	struct peer_count *held[5], *other, *none;

	(void)state;
	assert_non_null(peers);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5; i++)
			assert_true(enter(peers, "192.0.2.1", 5, &held[i]));
		assert_false(enter(peers, "192.0.2.1", 5, &none));
		assert_false(enter(peers, "192.0.2.1", 4, &none));
		assert_true(enter(peers, "192.0.2.2", 5, &other));
		peers_leave(peers, held[2]);
		assert_true(enter(peers, "192.0.2.1", 5, &held[2]));
		assert_false(enter(peers, "192.0.2.1", 5, &none));
		/* A limit raised meanwhile holds at once. */
		assert_true(enter(peers, "192.0.2.1", 6, &none));
		peers_leave(peers, none);
		for (int i = 0; i < 5; i++)
			peers_leave(peers, held[i]);
		peers_leave(peers, other);
	}
	peers_free(peers);
}

static void
ipv6_is_counted_by_64_bits(void **state)
{
	struct peers *peers = peers_new();
	struct peer_count *first, *second, *none;

	(void)state;
	assert_true(enter(peers, "2001:db8:1:2::1", 1, &first));
	assert_false(enter(peers, "2001:db8:1:2::1", 1, &none));
	assert_false(enter(peers, "2001:db8:1:2:ffff:ffff:ffff:ffff", 1,
	    &none));
	assert_true(enter(peers, "2001:db8:1:3::1", 1, &second));
	peers_leave(peers, first);
	peers_leave(peers, second);
	peers_free(peers);
}

/* The bits of one family never stand for an address of the other. */
static void
families_are_counted_apart(void **state)
{
	static const char *const pairs[][2] = {
		{ "0.0.0.0", "::" }, { "0.0.0.0", "0:0:0:80::" },
		{ "0.0.0.0", "0:0:0:8000::" }, { "0.0.0.0", "8000::" },
		{ "32.1.13.184", "2001:db8::" },
		{ "32.1.13.184", "2001:db8:0:80::" },
		{ "32.1.13.184", "2001:db8:0:8000::" },
		{ "32.1.13.184", "2001:db8:8000::" },
		{ "127.0.0.1", "::7f00:1" }, { "127.0.0.1", "7f00:1::" },
		{ "127.0.0.1", "0:0:7f00:1::" },
		{ "127.0.0.1", "8000:0:7f00:1::" }
	};
	struct peers *peers = peers_new();

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct peer_count *four, *six = NULL;

		assert_true(enter(peers, pairs[i][0], 1, &four));
		if (!enter(peers, pairs[i][1], 1, &six))
			fail_msg("%s counts as %s", pairs[i][1], pairs[i][0]);
		peers_leave(peers, four);
		peers_leave(peers, six);
	}
	peers_free(peers);
}

static void
unix_peers_are_not_counted(void **state)
{
	struct peers *peers = peers_new();
	union address a;
	struct peer_count *peer;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.un.sun_family = AF_UNIX;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(peers_enter(peers, &a.sa, 1, &peer), 0);
		assert_null(peer);
		peers_leave(peers, peer);
	}
	peers_free(peers);
	peers_free(NULL);
}

static void
users_are_counted_without_a_limit(void **state)
{
	struct peers *peers = peers_new();
	struct peer_count *first = peers_enter_user(peers, 1000);
	struct peer_count *root = peers_enter_user(peers, 0), *four;

	(void)state;
	assert_non_null(first);
	assert_true(enter(peers, "0.0.0.0", 1, &four));
	assert_ptr_not_equal(root, first);
	assert_ptr_not_equal(root, four);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(peers_enter_user(peers, 1000), first);
	for (int i = 0; i < 1001; i++)
		peers_leave(peers, first);
	peers_leave(peers, root);
	peers_leave(peers, four);
	peers_free(peers);
}

static void
who_holds_most_is_known(void **state)
{
	struct peers *peers = peers_new();
	struct peer_count *a, *again, *b, *user = peers_enter_user(peers, 7);
	int64_t held = -1;

	(void)state;
	assert_null(peers_most(peers, &held));
	assert_int_equal(held, 0);
	assert_true(enter(peers, "192.0.2.1", 9, &a));
	assert_true(enter(peers, "192.0.2.1", 9, &again));
	assert_true(enter(peers, "192.0.2.2", 9, &b));
	peer_hold(a, 10);
	peer_hold(again, 10);
	peer_hold(b, 15);
	assert_ptr_equal(peers_most(peers, &held), a);
	assert_int_equal(held, 20);
	assert_int_equal(peer_held(b), 15);
	peer_hold(user, 21);
	assert_ptr_equal(peers_most(peers, &held), user);
	peer_hold(user, -21);
	peer_hold(a, -6);
	assert_ptr_equal(peers_most(peers, &held), b);
	/* Nobody: as those whom no limit counts. */
	peer_hold(NULL, 100);
	assert_int_equal(peer_held(NULL), 0);
	peers_leave(peers, a);
	peers_leave(peers, again);
	peers_leave(peers, b);
	peers_leave(peers, user);
	peers_free(peers);
}

/* More addresses than the table has buckets, left in another order. */
static void
many_addresses_are_counted(void **state)
{
	enum { N = 20000 };
	struct peer_count **held = calloc(2 * N, sizeof(*held)), *none;
	struct peers *peers = peers_new();
	char text[32];

	(void)state;
	assert_non_null(held);
	for (int i = 0; i < 2 * N; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i % N / 256,
		    i % N % 256);
		assert_true(enter(peers, text, 2, &held[i]));
	}
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		assert_false(enter(peers, text, 2, &none));
	}
	/* 7919 is prime, so that each has its turn. */
	for (int i = 0; i < 2 * N; i++)
		peers_leave(peers, held[(int64_t)i * 7919 % (2 * N)]);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		assert_true(enter(peers, text, 1, &none));
		peers_leave(peers, none);
	}
	peers_free(peers);
	free(held);
}

#define THREADS	4
#define LIMIT	(THREADS - 1)

static void *
come_and_go(void *arg)
{
	union address a = { .in = { .sin_family = AF_INET } };
	struct peers *peers = arg;
	struct peer_count *peer;

	for (int i = 0; i < 20000; i++)
		if (peers_enter(peers, &a.sa, LIMIT, &peer) == 0)
			peers_leave(peers, peer);
	return NULL;
}

static void
threads_count_together(void **state)
{
	union address a = { .in = { .sin_family = AF_INET } };
	struct peers *peers = peers_new();
	struct peer_count *held[LIMIT], *none;
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    come_and_go, peers), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	/* All have left: there is room for as many as at first. */
	for (int i = 0; i < LIMIT; i++)
		assert_int_equal(peers_enter(peers, &a.sa, LIMIT, &held[i]),
		    0);
	assert_int_equal(peers_enter(peers, &a.sa, LIMIT, &none), -1);
	for (int i = 0; i < LIMIT; i++)
		peers_leave(peers, held[i]);
	peers_free(peers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_up_to_its_limit),
		cmocka_unit_test(ipv6_is_counted_by_64_bits),
		cmocka_unit_test(families_are_counted_apart),
		cmocka_unit_test(unix_peers_are_not_counted),
		cmocka_unit_test(users_are_counted_without_a_limit),
		cmocka_unit_test(who_holds_most_is_known),
		cmocka_unit_test(many_addresses_are_counted),
		cmocka_unit_test(threads_count_together)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
