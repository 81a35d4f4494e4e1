/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * RLIMIT_NOFILE, and a look at the lowest descriptor that is free: that is
 * what accept(2) would return.  While it is below those that are held back,
 * they are free, or with whom they are for.  So nothing is counted, which all
 * that opens or closes something would have to take part in.
 */

#include "config.h"

#include "daemon/base/descriptors.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/warning.h"

/* What is always open: so many, beside listeners and those of each worker. */
#define FIXED		16
#define FIXED_WORKER	4

/*
 * Held back, beside one for each thread of a load, which reads a file; but no
 * more than a quarter of all, and another one for connections to servers.
 */
#define RESERVE		24
#define RESERVE_PART	4

/* Of those, for what comes with a load: who asked, an access log, a folder. */
#define BESIDE_FILES	8

/* What each thread may need for connections that are not served. */
#define SHARE_MAX	256

/* The least of them is this part of what is for peers. */
#define SHARE_PART	8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct warning warning;			/* under the lock */
static atomic_int first_reserved = INT_MAX;	/* INT_MAX: no need to look */
static atomic_size_t share = SHARE_MAX;
static atomic_uint files = UINT_MAX;
static int64_t most_connections;	/* that were ever configured */

/* Let the process open so many files, as far as it may; how many it can. */
static int64_t
raise_limit(int64_t want)
{
	struct rlimit rl, more;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 0;
	if (rl.rlim_cur != RLIM_INFINITY && (rlim_t)want > rl.rlim_cur) {
		more.rlim_cur = (rlim_t)want;
		more.rlim_max = rl.rlim_max < more.rlim_cur ? more.rlim_cur :
		    rl.rlim_max;
		/* Only root may raise the hard limit. */
		if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
			more.rlim_cur = more.rlim_max = rl.rlim_max;
			setrlimit(RLIMIT_NOFILE, &more);
		}
		getrlimit(RLIMIT_NOFILE, &rl);
	}
	return rl.rlim_cur == RLIM_INFINITY ? INT64_MAX :
	    (int64_t)rl.rlim_cur;
}

/* Once for what is the same. */
static void
warn_of_few(int64_t connections, int64_t have)
{
	static int64_t warned_connections, warned_have;

	if (connections == warned_connections && have == warned_have)
		return;
	warned_connections = connections;
	warned_have = have;
	log_warnx("not enough descriptors for limit connections limit=%"
	    PRId64 " descriptors=%" PRId64, connections, have);
}

/* Divide what there is, of which so many are always open. */
static void
divide(int64_t have, int64_t always, int64_t reserve, int64_t servers,
    int64_t threads)
{
	int64_t room, rest;

	if (reserve > have / RESERVE_PART)
		reserve = have / RESERVE_PART;
	if (servers > have / RESERVE_PART)
		servers = have / RESERVE_PART;
	files = reserve < BESIDE_FILES + 1 ? 1 :
	    (unsigned int)(reserve - BESIDE_FILES);
	reserve += servers;
	room = have - always - reserve;
	rest = room - most_connections;
	if (rest < room / SHARE_PART)
		rest = room / SHARE_PART;
	rest /= threads;
	share = rest < 1 ? 1 : rest > SHARE_MAX ? SHARE_MAX : (size_t)rest;
	first_reserved = rest >= SHARE_MAX ? INT_MAX : (int)(have - reserve);
}

void
descriptors_raise(const struct descriptors_need *need)
{
	int64_t threads = need->workers + 1; /* the server's own shows pages */
	int64_t always = FIXED + FIXED_WORKER * need->workers +
	    need->listeners;
	int64_t reserve = RESERVE + need->cores;
	int64_t want, have;

	/* A reload that asks for fewer closes none of those that are there. */
	if (need->connections > most_connections)
		most_connections = need->connections;
	want = most_connections + always + reserve + need->servers;
	have = raise_limit(want + SHARE_MAX * threads);
	if (have < want)
		warn_of_few(need->connections, have);
	divide(have, always, reserve, need->servers, threads);
}

/* Whether there is one for peers. */
static bool
is_left(int first)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return false;
	close(fd);
	return fd < first;
}

int
descriptors_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	int first = first_reserved, s = -1;

	if (first == INT_MAX)
		return accept4(fd, sa, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	/* Of two threads that have seen the same one, one would get another. */
	pthread_mutex_lock(&lock);
	if (is_left(first))
		s = accept4(fd, sa, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	else
		errno = EMFILE;
	/* Taken meanwhile by a load, say: kept, such ones would add up. */
	if (s >= first) {
		close(s);
		s = -1;
		errno = EMFILE;
	}
	pthread_mutex_unlock(&lock);
	return s;
}

bool
descriptors_warning_due(void)
{
	uint64_t more;
	bool due;

	pthread_mutex_lock(&lock);
	due = warning_due(&warning, &more);
	pthread_mutex_unlock(&lock);
	return due;
}

size_t
descriptors_share(size_t most)
{
	size_t n = share;

	return n < most ? n : most;
}

unsigned int
descriptors_files(unsigned int most)
{
	unsigned int n = files;

	return n < most ? n : most;
}
