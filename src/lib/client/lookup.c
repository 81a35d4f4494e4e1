/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A look-up belongs to two, who asks and the thread that looks: the last one
 * who is done with it frees it.
 */

#include "config.h"

#include "lib/client/lookup.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appmsg.h"

struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t cond;	/* done was set */
	bool done;		/* result and list are there */
	bool left;		/* nobody waits for them any more */
	int result;		/* of getaddrinfo(3) */
	struct addrinfo *list;	/* owned, or NULL */
	const char *port;	/* behind host */
	char host[];
};

static int
look(const char *host, const char *port, int flags, struct addrinfo **list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags
	};

	return getaddrinfo(host, port, &hints, list);
}

static void
lookup_free(struct lookup *l)
{
	if (l->list != NULL)
		freeaddrinfo(l->list);
	pthread_cond_destroy(&l->cond);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct lookup *
lookup_new(const char *host, const char *port)
{
	size_t host_size = strlen(host) + 1, port_size = strlen(port) + 1;
	struct lookup *l = calloc(1, sizeof(*l) + host_size + port_size);
	pthread_condattr_t attr;

	if (l == NULL)
		return NULL;
	memcpy(l->host, host, host_size);
	memcpy(l->host + host_size, port, port_size);
	l->port = l->host + host_size;
	/* With nothing but a clock that is there, none of these can fail. */
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->cond, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

static void *
lookup_run(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo *list = NULL;
	int result = look(l->host, l->port, 0, &list);
	bool left;

	pthread_mutex_lock(&l->lock);
	l->result = result;
	l->list = result == 0 ? list : NULL;
	l->done = true;
	left = l->left;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->lock);
	if (left)
		lookup_free(l);
	return NULL;
}

/* Start the thread, which gets no signal that is the program's. */
static bool
lookup_start(struct lookup *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int error;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, &attr, lookup_run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return error == 0;
}

/* Wait for it, and leave it to the thread when that is too long. */
static bool
lookup_wait(struct lookup *l, int64_t deadline_ms)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline_ms / 1000),
		.tv_nsec = (long)(deadline_ms % 1000) * 1000000
	};
	bool done;

	pthread_mutex_lock(&l->lock);
	while (!l->done && pthread_cond_timedwait(&l->cond, &l->lock,
	    &until) != ETIMEDOUT)
		;
	done = l->done;
	l->left = !done;
	pthread_mutex_unlock(&l->lock);
	return done;
}

static int
lookup_error(int result)
{
	switch (result) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return APPMSG_ENOMEM;
	case EAI_SERVICE:
		return APPMSG_EINVAL;
	default:
		return APPMSG_EHOST;
	}
}

int
lookup_host(const char *host, const char *port, int64_t deadline_ms,
    struct addrinfo **list)
{
	int result = look(host, port, AI_NUMERICHOST, list);
	struct lookup *l;

	if (result != EAI_NONAME)
		return lookup_error(result);
	if (deadline_ms < 0)
		return lookup_error(look(host, port, 0, list));
	if ((l = lookup_new(host, port)) == NULL)
		return APPMSG_ENOMEM;
	if (!lookup_start(l)) {
		lookup_free(l);
		return APPMSG_ENOMEM;
	}
	if (!lookup_wait(l, deadline_ms))
		return APPMSG_ETIMEDOUT;
	result = l->result;
	if (result == 0) {
		*list = l->list;
		l->list = NULL;
	}
	lookup_free(l);
	return lookup_error(result);
}
