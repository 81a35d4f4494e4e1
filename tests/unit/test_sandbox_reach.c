/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whom the sandbox lets be reached where a table is on other machines, tried
 * by a child process that is in it: by TCP anybody, and nobody otherwise.
 */

#include "config.h"

#include "daemon/system/sandbox.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "confs.h"
#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define ALIKE	0		/* goes as it does without */

typedef int wall_fn(const struct conf *);

static struct conf *conf;
static int datagrams;			/* a socket that is there before */
static struct sockaddr_in port;		/* somebody listens there */

static const struct row {
	const char *name;
	int family, type, protocol;	/* 0: the socket that is there */
	int landlock, seccomp;		/* an errno, or ALIKE */
} rows[] = {
	{ "TCP", AF_INET, SOCK_STREAM, 0, ALIKE, ALIKE },
	{ "TCP of v6", AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, ALIKE, ALIKE },
	{ "TCP by name", AF_INET, SOCK_STREAM, IPPROTO_TCP, ALIKE, ALIKE },
	{ "UDP", AF_INET, SOCK_DGRAM, 0, ALIKE, EAFNOSUPPORT },
	{ "UDP of v6", AF_INET6, SOCK_DGRAM, 0, ALIKE, EAFNOSUPPORT },
	{ "raw", AF_INET, SOCK_RAW, IPPROTO_TCP, ALIKE, EAFNOSUPPORT },
	{ "packets in order", AF_INET, SOCK_SEQPACKET, 0, ALIKE,
	    EAFNOSUPPORT },
	{ "MPTCP", AF_INET, SOCK_STREAM, 262, ALIKE, EAFNOSUPPORT },
	{ "SCTP", AF_INET, SOCK_STREAM, 132, ALIKE, EAFNOSUPPORT },
	{ "unix", AF_UNIX, SOCK_STREAM, 0, ALIKE, EAFNOSUPPORT },
	{ "vsock", AF_VSOCK, SOCK_STREAM, 0, ALIKE, EAFNOSUPPORT },
	{ "packets", AF_PACKET, SOCK_RAW, 0, ALIKE, EAFNOSUPPORT },
	{ "netlink", AF_NETLINK, SOCK_RAW, 0, ALIKE, EAFNOSUPPORT },
	{ "datagram", 0, 0, 0, ALIKE, EACCES }
};

/* One row in a child, behind a wall that may be NULL: 0, or an errno. */
static int
outcome(wall_fn *wall, const struct row *row)
{
	pid_t pid = fork();
	int status, fd;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (wall != NULL && wall(conf) < 0)
			_exit(255);
		if (row->family != 0)
			fd = socket(row->family, row->type, row->protocol);
		else
			fd = (int)sendto(datagrams, "x", 1, 0,
			    (const struct sockaddr *)&port, sizeof(port));
		_exit(fd == -1 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 255);
	return WEXITSTATUS(status);
}

static int
connect_there(wall_fn *wall)
{
	pid_t pid = fork();
	int status, fd;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (wall(conf) < 0)
			_exit(255);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		_exit(fd == -1 || connect(fd, (const struct sockaddr *)&port,
		    sizeof(port)) != 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Skips where the system has no such wall. */
static void
need(wall_fn *wall)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(wall(conf) > 0 ? 0 : 1);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		skip();
}

static void
expect(wall_fn *wall, const struct row *row, int wanted)
{
	int without = outcome(NULL, row), found = outcome(wall, row);

	if (found != (wanted == ALIKE ? without : wanted))
		fail_msg("%s: %d, without %d", row->name, found, without);
}

static void
landlock_lets_connections_be_made(void **state)
{
	(void)state;
	need(sandbox_landlock);
	assert_int_equal(connect_there(sandbox_landlock), 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(sandbox_landlock, &rows[i], rows[i].landlock);
}

static void
seccomp_lets_tcp_out_and_nothing_else(void **state)
{
	(void)state;
	need(sandbox_seccomp);
	assert_int_equal(connect_there(sandbox_seccomp), 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(sandbox_seccomp, &rows[i], rows[i].seccomp);
}

static int
setup(void **state)
{
	socklen_t len = sizeof(port);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	log_set_level(LOG_LEVEL_WARN);
	if (folder_setup(state) != 0)
		return -1;
	conf = confs_load(LISTEN "table t redis 127.0.0.1:1\n");
	datagrams = socket(AF_INET, SOCK_DGRAM, 0);
	port.sin_family = AF_INET;
	port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener == -1 || datagrams == -1 || bind(listener,
	    (const struct sockaddr *)&port, len) != 0)
		return -1;
	if (listen(listener, 8) != 0)
		return -1;
	return getsockname(listener, (struct sockaddr *)&port, &len);
}

static int
teardown(void **state)
{
	conf_free(conf);
	return folder_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(landlock_lets_connections_be_made),
		cmocka_unit_test(seccomp_lets_tcp_out_and_nothing_else)
	};

#ifdef SANITIZERS
	return 77;		/* they need what is refused */
#endif
	return cmocka_run_group_tests(tests, setup, teardown);
}
