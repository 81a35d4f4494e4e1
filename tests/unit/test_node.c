/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A server that cannot even be begun to be connected to: how long it rests,
 * and what is told.
 */

#include "config.h"

#include "daemon/remote/node.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/clock.h"
#include "daemon/remote/pulse.h"

struct fixture {
	struct event_base *base;
	struct pulse pulse;
	struct node_owner owner;
	struct node node;
	const char *why;	/* told last, n_told times */
	unsigned int n_told;
};

static int socket_error, connect_error;	/* errno; 0: it works */

int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
int __wrap_setsockopt(int, int, int, const void *, socklen_t);

int
__wrap_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	errno = socket_error;
	return socket_error != 0 ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
}

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)fd;
	(void)to;
	(void)len;
	errno = connect_error;
	return connect_error != 0 ? -1 : 0;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *p, socklen_t len)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)p;
	(void)len;
	return 0;
}

static int64_t
never(void *arg)
{
	(void)arg;
	return INT64_MAX;
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
wrong(struct node *n, const char *why, void *arg)
{
	struct fixture *f = arg;

	assert_ptr_equal(n, &f->node);
	f->why = why;
	f->n_told++;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct slotmap_address address = { .len = sizeof(struct sockaddr_in) };

	assert_non_null(f);
	socket_error = connect_error = 0;
	f->base = event_base_new();
	assert_int_equal(pulse_init(&f->pulse, f->base, never, nothing, NULL),
	    0);
	f->owner = (struct node_owner){ .pulse = &f->pulse,
	    .wrong_cb = wrong, .password = "secret", .arg = f };
	STAILQ_INIT(&f->owner.dirty);
	address.ss.ss_family = AF_INET;
	node_init(&f->node, &f->owner, &address);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	node_clear(&f->node);
	pulse_clear(&f->pulse);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* It cannot be asked, and nothing is owed. */
static void
assert_in_vain(struct fixture *f, const char *why)
{
	uint64_t ticket;

	assert_int_equal(node_ask(&f->node, NODE_MASTER, f, "x", 1, &ticket),
	    -1);
	assert_int_equal(f->node.state, NODE_RESTING);
	assert_int_equal(node_owes(&f->node), 0);
	assert_int_equal(f->node.fails, 1);
	assert_int_equal(f->n_told, 1);
	assert_string_equal(f->why, why);
}

static void
one_that_is_not_reached_rests_once(void **state)
{
	connect_error = ENETUNREACH;
	assert_in_vain(*state, "it cannot be connected to");
}

static void
one_that_refuses_at_once_is_not_asked(void **state)
{
	connect_error = ECONNREFUSED;
	assert_in_vain(*state, "it cannot be connected to");
}

static void
without_a_descriptor_that_is_told(void **state)
{
	socket_error = EMFILE;
	assert_in_vain(*state, "no descriptor is left for its connection");
}

/* Each time it rests longer, to two seconds. */
static void
it_rests_longer_each_time(void **state)
{
	struct fixture *f = *state;
	int64_t ms = 50, now, next;

	connect_error = ENETUNREACH;
	(void)node_ask(&f->node, NODE_MASTER, f, "x", 1, &(uint64_t){ 0 });
	for (unsigned int i = 1; i < 12; i++) {
		f->node.wanted = true;
		now = f->node.rest_until;
		next = node_beat(&f->node, now);
		assert_true(next == f->node.rest_until);
		assert_true(next - clock_ms() <= ms * 5 / 2);
		assert_int_equal(f->node.fails, i + 1);
		if (ms < 1600)
			ms *= 2;
	}
	assert_int_equal(ms, 1600);
	assert_int_equal(f->n_told, 12);
}

/* Who says who he is says it in one piece of memory. */
static void
a_password_is_in_one_place(void **state)
{
	struct buf b = { 0 };
	char *data;

	(void)state;
	assert_int_equal(resp_auth(&b, "user", "secret"), 0);
	data = b.data;
	assert_int_equal(b.len, 36);
	assert_memory_equal(data, "*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$6\r\n"
	    "secret\r\n", 36);
	buf_clear(&b);
	assert_int_equal(resp_auth(&b, NULL, "secret"), 0);
	assert_int_equal(b.len, 26);
	assert_memory_equal(b.data, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", 26);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(one_that_is_not_reached_rests_once),
		T(one_that_refuses_at_once_is_not_asked),
		T(without_a_descriptor_that_is_told),
		T(it_rests_longer_each_time),
		T(a_password_is_in_one_place)
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
