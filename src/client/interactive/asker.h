/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ASKER_H
#define ASKER_H

/*
 * Who asks the servers: a thread with a list of its own, and a connection that
 * it keeps, so that nobody waits for what hangs, be it a look-up, a connection
 * or a reply.  One question is asked at a time.  An asker whose answer nobody
 * wants any more is freed, and ends by itself when its time is over.
 *
 * All calls are made by one thread, which is not the asker's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct appmsg_servers;
struct asker;
struct call;
struct options;
struct query;
struct reply;

enum asker_result {
	ASKER_DONE,	/* or nothing is asked */
	ASKER_LATE,	/* the time to wait is over */
	ASKER_WOKEN	/* the other descriptor can be read */
};

/*
 * Start one.
 *
 * options  borrowed for good
 * servers  those to ask; copied
 *
 * Returns it, owned by the caller, asker_free(); NULL when it cannot be, which
 * is told.
 */
struct asker *asker_new(const struct options *options,
    const struct appmsg_servers *servers);

/*
 * Let it go, now or when what it does has ended.  NULL is allowed.
 */
void asker_free(struct asker *asker);

/*
 * Is a question asked and not answered?
 */
bool asker_is_busy(const struct asker *asker);

/*
 * Wait a moment for those that were freed to end.
 *
 * Returns how many have not: then the process must end by _exit(2).
 */
size_t asker_count_left(int wait_ms);

/*
 * Its servers, and what is told of them; to be used only while it is not busy.
 */
struct call *asker_call(struct asker *asker);

/*
 * Ask; it must not be busy.
 *
 * query        strings are used during the call only
 * deadline_ms  of appmsg_deadline()
 *
 * Returns 0, or an error of the library: then nothing is asked.
 */
int asker_search(struct asker *asker, const struct query *query,
    const char *key, size_t len, int64_t deadline_ms);

/*
 * Ask which tables there are; as asker_search().
 */
int asker_tables(struct asker *asker, int64_t deadline_ms);

/*
 * Be connected; as asker_search(), with nothing to be read then.
 */
void asker_connect(struct asker *asker, int64_t deadline_ms);

/*
 * Wait until it is not busy.
 *
 * until_ms  of appmsg_deadline()
 * fd        another descriptor to wait for, or -1
 */
enum asker_result asker_wait(struct asker *asker, int64_t until_ms, int fd);

/*
 * What came of it: 0, or an error of the library, which asker_call() can tell.
 */
int asker_error(const struct asker *asker);

/*
 * Read the answer of asker_search() that came without an error.
 *
 * reply  as reply_read_search() and reply_read_more() have it
 *
 * Returns 0, or their error.
 */
int asker_read(const struct asker *asker, struct reply *reply,
    const struct query *query, const char *key, size_t len);

/*
 * Read the answer of asker_tables() that came without an error, as
 * reply_read_tables().
 */
int asker_read_tables(const struct asker *asker, struct reply *reply);

#endif
