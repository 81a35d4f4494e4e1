/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The two protocols by hand, as notify.c has its own.  Sockets are told apart
 * by their addresses: numbers are the manager's, and names those of whoever
 * wrote the unit.
 */

#include "config.h"

#include "daemon/manager/inherit.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/address.h"
#include "daemon/conf/conf.h"
#include "daemon/manager/notify.h"

#define FIRST_FD	3
#define FDS_MAX		4096
#define NAME_MAX_LEN	255		/* as the manager has it */

/* How the names of those begin that a process left for the next. */
#define KEPT		"kept "

struct inherited_socket {
	int fd;				/* owned; -1: given away */
	bool kept;			/* the manager's by inherit_leave() */
	struct sockaddr_storage ss;
	socklen_t len;
};

struct inherited {
	struct inherited_socket *list;
	size_t n;
};

/* Whether a descriptor is what can be accepted from. */
static bool
is_listening(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) != 0 ||
	    value != SOCK_STREAM)
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 &&
	    value != 0;
}

/* As socket_listen() makes them. */
static int
socket_adopt(struct inherited_socket *s)
{
	int flags = fcntl(s->fd, F_GETFL), on = 1;

	s->len = sizeof(s->ss);
	if (flags == -1 || fcntl(s->fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(s->fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&s->ss, &s->len) == -1)
		return -1;
	if (s->ss.ss_family != AF_INET && s->ss.ss_family != AF_INET6)
		return 0;
	return setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
socket_take(struct inherited *all, int fd, const char *name)
{
	struct inherited_socket *s = &all->list[all->n];

	s->fd = fd;
	s->kept = name != NULL && strncmp(name, KEPT, strlen(KEPT)) == 0;
	if (!is_listening(fd)) {
		log_warnx("inherited descriptor is no listening stream "
		    "socket, closed fd=%d", fd);
		close(fd);
	} else if (socket_adopt(s) != 0) {
		log_warn("cannot use inherited socket, closed fd=%d", fd);
		close(fd);
	} else {
		all->n++;
	}
}

/* How many there are for this process. */
static int
count_for_us(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	const char *error = NULL;
	int count;

	if (pid == NULL || n == NULL)
		return 0;
	/* Of a process before us, which passed its environment on. */
	if (strtonum(pid, 1, INT32_MAX, &error) != getpid() || error != NULL)
		return 0;
	count = (int)strtonum(n, 0, FDS_MAX, &error);
	if (error != NULL)
		log_warnx("LISTEN_FDS is %s", error);
	return error == NULL ? count : 0;
}

struct inherited *
inherit_take(void)
{
	const char *names = getenv("LISTEN_FDNAMES");
	struct inherited *all = NULL;
	char *copy = names == NULL ? NULL : strdup(names), *rest = copy;
	int n = count_for_us();

	if (n > 0 && ((all = calloc(1, sizeof(*all))) == NULL ||
	    (all->list = calloc((size_t)n, sizeof(*all->list))) == NULL)) {
		log_warn("cannot take inherited sockets");
		n = 0;
	}
	for (int i = 0; i < n; i++)
		socket_take(all, FIRST_FD + i, strsep(&rest, ":"));
	free(copy);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return all;
}

static bool
same_inet(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	return a4->sin_port == b4->sin_port &&
	    a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

static bool
same_inet6(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a,
	    *b6 = (const void *)b;

	return a6->sin6_port == b6->sin6_port &&
	    a6->sin6_scope_id == b6->sin6_scope_id &&
	    memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* The path of a unix socket; NULL for one that has none. */
static const char *
path_of(const struct sockaddr *sa, socklen_t len)
{
	const struct sockaddr_un *sun = (const void *)sa;

	if (sa->sa_family != AF_UNIX ||
	    len <= offsetof(struct sockaddr_un, sun_path) ||
	    sun->sun_path[0] == '\0')
		return NULL;
	return sun->sun_path;
}

/* A socket without its path, or with another's, can never be reached. */
static bool
same_unix(const struct inherited_socket *s, const struct sockaddr *sa,
    socklen_t len)
{
	const char *ours = path_of(sa, len);
	const char *its = path_of((const struct sockaddr *)&s->ss, s->len);
	struct stat sb;

	return ours != NULL && its != NULL && address_same_path(ours, its) &&
	    lstat(its, &sb) == 0 && S_ISSOCK(sb.st_mode);
}

/* All addresses of v6 are none of v4, for us. */
static bool
is_dual(int fd, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *sin6 = (const void *)sa;
	int only = 0;
	socklen_t len = sizeof(only);

	return IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr) &&
	    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 &&
	    only == 0;
}

static bool
takes_ipv4(int fd, const struct sockaddr *sa)
{
	if (!is_dual(fd, sa))
		return false;
	log_warnx("inherited socket takes IPv4 too, it needs "
	    "BindIPv6Only=ipv6-only fd=%d", fd);
	return true;
}

static bool
is_same(const struct inherited_socket *s, const struct sockaddr *sa,
    socklen_t len)
{
	const struct sockaddr *its = (const struct sockaddr *)&s->ss;

	if (its->sa_family != sa->sa_family)
		return false;
	switch (sa->sa_family) {
	case AF_INET:
		return same_inet(its, sa);
	case AF_INET6:
		return same_inet6(its, sa) && !takes_ipv4(s->fd, its);
	case AF_UNIX:
		return same_unix(s, sa, len);
	}
	return false;
}

int
inherit_find(struct inherited *all, const struct sockaddr *sa, socklen_t len,
    bool *kept)
{
	*kept = false;
	for (size_t i = 0; all != NULL && i < all->n; i++) {
		struct inherited_socket *s = &all->list[i];
		int fd = s->fd;

		if (fd == -1 || !is_same(s, sa, len))
			continue;
		s->fd = -1;
		*kept = s->kept;
		return fd;
	}
	return -1;
}

/* Whether two addresses of one port cannot both be listened on. */
static bool
clash_inet(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	return a4->sin_port == b4->sin_port && (same_inet(a, b) ||
	    a4->sin_addr.s_addr == INADDR_ANY ||
	    b4->sin_addr.s_addr == INADDR_ANY);
}

static bool
clash_inet6(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a,
	    *b6 = (const void *)b;

	return a6->sin6_port == b6->sin6_port && (same_inet6(a, b) ||
	    IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr) ||
	    IN6_IS_ADDR_UNSPECIFIED(&b6->sin6_addr));
}

/* All addresses of both, and one of v4. */
static bool
clash_dual(int fd, const struct sockaddr *dual, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *sin6 = (const void *)dual;
	const struct sockaddr_in *sin = (const void *)sa;

	return sin6->sin6_port == sin->sin_port && is_dual(fd, dual);
}

static bool
clashes(const struct inherited_socket *s, const struct sockaddr *sa)
{
	const struct sockaddr *its = (const void *)&s->ss;

	if (its->sa_family == AF_INET && sa->sa_family == AF_INET)
		return clash_inet(its, sa);
	if (its->sa_family == AF_INET6 && sa->sa_family == AF_INET6)
		return clash_inet6(its, sa);
	return its->sa_family == AF_INET6 && sa->sa_family == AF_INET &&
	    clash_dual(s->fd, its, sa);
}

bool
inherit_blocks(const struct inherited *all, const struct sockaddr *sa)
{
	for (size_t i = 0; all != NULL && i < all->n; i++) {
		const struct inherited_socket *s = &all->list[i];

		if (s->fd != -1 && !s->kept && clashes(s, sa))
			return true;
	}
	return false;
}

/* What a kept socket is called: its address, in the manager's letters. */
static void
kept_name(const struct sockaddr *sa, socklen_t len, char *name, size_t cap)
{
	char address[ADDRESS_MAX];

	snprintf(name, cap, KEPT "%s", address_text(sa, len, address,
	    sizeof(address)));
	for (char *p = name; *p != '\0'; p++)
		if (*p == ':' || *p < ' ' || *p > '~')
			*p = '-';
}

/* Close a socket that no line of the configuration has. */
static void
socket_drop(struct inherited_socket *s,
    void (*ended_cb)(const struct sockaddr *, socklen_t))
{
	const struct sockaddr *sa = (const struct sockaddr *)&s->ss;
	char address[ADDRESS_WORD_MAX], name[NAME_MAX_LEN + 1];

	log_warnx("inherited socket is not configured, closed address=%s",
	    address_word(sa, s->len, address, sizeof(address)));
	/*
	 * The manager forgets it some time later: until then peers would
	 * connect to it and wait for nobody, and nobody could bind there.
	 */
	if (s->kept)
		shutdown(s->fd, SHUT_RDWR);
	close(s->fd);
	if (!s->kept)
		return;
	ended_cb(sa, s->len);
	kept_name(sa, s->len, name, sizeof(name));
	notify("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void
inherit_free(struct inherited *all,
    void (*ended_cb)(const struct sockaddr *, socklen_t))
{
	for (size_t i = 0; all != NULL && i < all->n; i++)
		if (all->list[i].fd != -1) {
			socket_drop(&all->list[i], ended_cb);
			all->list[i].fd = -1;
		}
	inherit_discard(all);
}

void
inherit_discard(struct inherited *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].fd != -1)
			close(all->list[i].fd);
	free(all->list);
	free(all);
}

int
inherit_leave(int fd, const struct sockaddr *sa, socklen_t len)
{
	char name[NAME_MAX_LEN + 1];

	if (sa->sa_family == AF_UNIX && path_of(sa, len) == NULL)
		return -1;
	kept_name(sa, len, name, sizeof(name));
	/* Not watched for errors: a listening socket has none that last. */
	return notify_fd(fd, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
}
