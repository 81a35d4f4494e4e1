/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The thread does nothing but one call of the library, which may block; while
 * it does, all that is in the call is its own.  Questions are queued and
 * replies read by the other side, when it is idle.
 */

#include "config.h"

#include "asker.h"

#include <sys/eventfd.h>

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/base/call.h"
#include "client/base/reply.h"
#include "client/options/options.h"
#include "common/clock.h"
#include "lib/appmsg.h"

/* What a reply may have: far more than anybody reads. */
#define ASKER_CONTENT_MAX	((size_t)64 * 1024 * 1024)

#define ASKER_HOST_SIZE		260	/* a host in brackets */

enum work {
	WORK_NONE,
	WORK_CONNECT,
	WORK_RECEIVE,
	WORK_END	/* nobody waits for the asker any more */
};

struct asker {
	pthread_mutex_t mutex;	/* for work and left */
	pthread_cond_t given;	/* there is work */
	enum work work;
	bool left;		/* the thread frees it */
	bool busy;		/* as the other side has seen it */
	int done;		/* an eventfd: the work is done */
	struct options options;	/* its servers are the call's */
	struct call call;
	int64_t deadline_ms;
	int error;
	struct appmsg_message msg;
};

/* Those that were freed and have not ended. */
static pthread_mutex_t left_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t left_ended = PTHREAD_COND_INITIALIZER;
static size_t n_left;

static void
count_left(bool more)
{
	pthread_mutex_lock(&left_mutex);
	n_left = more ? n_left + 1 : n_left - 1;
	pthread_cond_signal(&left_ended);
	pthread_mutex_unlock(&left_mutex);
}

size_t
asker_count_left(int wait_ms)
{
	struct timespec until;
	size_t n;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&left_mutex);
	while (n_left > 0 && error == 0)
		error = pthread_cond_timedwait(&left_ended, &left_mutex,
		    &until);
	n = n_left;
	pthread_mutex_unlock(&left_mutex);
	return n;
}

static void
destroy(struct asker *asker)
{
	call_clear(&asker->call);
	if (asker->done != -1)
		close(asker->done);
	pthread_cond_destroy(&asker->given);
	pthread_mutex_destroy(&asker->mutex);
	free(asker);
}

/* Wait for work, and say what it is. */
static enum work
take_work(struct asker *asker)
{
	enum work work;

	pthread_mutex_lock(&asker->mutex);
	while ((work = asker->work) == WORK_NONE)
		pthread_cond_wait(&asker->given, &asker->mutex);
	pthread_mutex_unlock(&asker->mutex);
	return work;
}

/* Say that it is done; false when nobody wants to know. */
static bool
end_work(struct asker *asker)
{
	const uint64_t one = 1;
	bool left;
	ssize_t n;

	pthread_mutex_lock(&asker->mutex);
	if (!(left = asker->left)) {
		asker->work = WORK_NONE;
		/* It is 0 before, and takes more. */
		n = write(asker->done, &one, sizeof(one));
		(void)n;
	}
	pthread_mutex_unlock(&asker->mutex);
	return !left;
}

static void *
run(void *arg)
{
	struct asker *asker = arg;
	struct appmsg_servers *servers = asker->call.servers;
	enum work work;

	do {
		if ((work = take_work(asker)) == WORK_CONNECT)
			asker->error = appmsg_servers_connect(servers,
			    asker->deadline_ms);
		else if (work == WORK_RECEIVE)
			asker->error = appmsg_servers_recv(servers,
			    &asker->msg, asker->deadline_ms);
	} while (work != WORK_END && end_work(asker));
	destroy(asker);
	count_left(false);
	return NULL;
}

/* One more server of the list. */
static int
copy_server(struct appmsg_servers *to, const struct appmsg_server *server)
{
	char host[ASKER_HOST_SIZE];

	if (server->host == NULL)
		return appmsg_servers_add_unix(to, server->path);
	snprintf(host, sizeof(host), "[%s]", server->host);
	return appmsg_servers_add(to, host, server->port, server->tls);
}

static int
copy_servers(struct appmsg_servers **to, const struct appmsg_servers *from)
{
	const struct appmsg_server *server;
	int error = appmsg_servers_new(to);

	for (size_t i = 0; error == 0 &&
	    (server = appmsg_servers_get(from, i)) != NULL; i++)
		error = copy_server(*to, server);
	return error;
}

/* The thread, which no signal is for. */
static int
start_thread(struct asker *asker)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	if ((error = pthread_attr_init(&attr)) != 0)
		return error;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (error == 0)
		error = pthread_create(&thread, &attr, run, asker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return error;
}

struct asker *
asker_new(const struct options *options, const struct appmsg_servers *servers)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	int error;

	if (asker == NULL) {
		warnx("out of memory");
		return NULL;
	}
	asker->done = -1;
	asker->options = *options;
	asker->options.servers = NULL;
	pthread_mutex_init(&asker->mutex, NULL);
	pthread_cond_init(&asker->given, NULL);
	error = copy_servers(&asker->options.servers, servers);
	/* Told by the call itself. */
	if (!call_init(&asker->call, &asker->options))
		goto fail;
	if (error != 0) {
		warnx("%s", appmsg_strerror(error));
		goto fail;
	}
	appmsg_servers_set_max(asker->call.servers, ASKER_CONTENT_MAX);
	if ((asker->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		warn("no descriptor");
		goto fail;
	}
	if ((errno = start_thread(asker)) != 0) {
		warn("no thread");
		goto fail;
	}
	return asker;
fail:
	destroy(asker);
	return NULL;
}

void
asker_free(struct asker *asker)
{
	if (asker == NULL)
		return;
	count_left(true);
	pthread_mutex_lock(&asker->mutex);
	asker->left = true;
	if (asker->work == WORK_NONE)
		asker->work = WORK_END;
	pthread_cond_signal(&asker->given);
	pthread_mutex_unlock(&asker->mutex);
}

bool
asker_is_busy(const struct asker *asker)
{
	return asker->busy;
}

struct call *
asker_call(struct asker *asker)
{
	return &asker->call;
}

static void
give_work(struct asker *asker, enum work work, int64_t deadline_ms)
{
	pthread_mutex_lock(&asker->mutex);
	asker->work = work;
	asker->deadline_ms = deadline_ms;
	asker->busy = true;
	pthread_cond_signal(&asker->given);
	pthread_mutex_unlock(&asker->mutex);
}

int
asker_search(struct asker *asker, const struct query *query, const char *key,
    size_t len, int64_t deadline_ms)
{
	int error = call_search(&asker->call, query, key, len, true);

	asker->options.query.explain = query->explain;
	if (error == 0)
		give_work(asker, WORK_RECEIVE, deadline_ms);
	return error;
}

int
asker_tables(struct asker *asker, int64_t deadline_ms)
{
	static const char content[] = "{\"action\": \"tables\"}";
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("keep-alive")
	};
	int error = call_send(&asker->call, &hdr, content,
	    sizeof(content) - 1);

	if (error == 0)
		give_work(asker, WORK_RECEIVE, deadline_ms);
	return error;
}

void
asker_connect(struct asker *asker, int64_t deadline_ms)
{
	give_work(asker, WORK_CONNECT, deadline_ms);
}

/* What is left until then, for poll(2). */
static int
time_left(int64_t until_ms)
{
	int64_t left;

	if (until_ms < 0)
		return -1;
	left = until_ms - clock_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

enum asker_result
asker_wait(struct asker *asker, int64_t until_ms, int fd)
{
	struct pollfd fds[] = {
		{ .fd = asker->done, .events = POLLIN },
		{ .fd = fd, .events = POLLIN }
	};
	uint64_t count;
	int left;

	while (asker->busy) {
		left = time_left(until_ms);
		fds[0].revents = fds[1].revents = 0;
		if (poll(fds, 2, left) == -1)
			continue;
		if (fds[0].revents != 0 &&
		    read(asker->done, &count, sizeof(count)) ==
		    sizeof(count)) {
			asker->busy = false;
			if (asker->error != 0)
				appmsg_servers_forget(asker->call.servers);
		} else if (fds[1].revents != 0) {
			return ASKER_WOKEN;
		} else if (left == 0) {
			return ASKER_LATE;
		}
	}
	return ASKER_DONE;
}

int
asker_error(const struct asker *asker)
{
	return asker->error;
}

int
asker_read(const struct asker *asker, struct reply *reply,
    const struct query *query, const char *key, size_t len)
{
	int error = reply_read_search(reply, &asker->msg, key, len);

	return error != 0 ? error :
	    reply_read_more(reply, &asker->msg, query);
}

int
asker_read_tables(const struct asker *asker, struct reply *reply)
{
	return reply_read_tables(reply, &asker->msg);
}
