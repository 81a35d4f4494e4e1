/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOADGEN_H
#define LOADGEN_H

/*
 * What the files of loadgen share.  loadgen.c knows what was asked for and
 * prints what came of it; conn_ are the connections, which take requests of
 * pack_ and tell stats_ how long replies took.  All of it is one thread, and
 * has nothing to give back: it ends by err(3) with status 2 when it cannot go
 * on.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum loadgen_mode { KEEPALIVE, CONNECT, IDLE, HELLOS };

/* The command line, which nobody changes later. */
struct loadgen_options {
	struct sockaddr_storage address;
	socklen_t address_len;
	enum loadgen_mode mode;
	uint32_t conns;
	uint32_t depth;		/* requests in flight on each */
	uint64_t stop_after;	/* replies; 0: seconds count */
	double seconds, warm_up;
	double interval;	/* seconds from request to request; 0: none */
	bool at_random, greeting, quick_ack;
	bool tls, split, resume;
	const char *certificate;	/* and key, to be shown; NULL: none */
	pid_t server;		/* 0: unknown */
};
extern struct loadgen_options loadgen;

/*
 * As realloc(3), but ends the program when there is no memory.
 */
void *loadgen_grow(void *p, size_t size);

/* A request, and the one or two replies that are right: borrowed for ever. */
struct pack_item {
	const unsigned char *request, *reply[2];
	uint32_t request_len, reply_len[2];
	bool any;		/* the reply's bytes are not compared */
};

/*
 * Read the pack, once.
 */
void pack_load(const char *path);

/* Whether there is no request, since no pack was read. */
bool pack_is_empty(void);

/*
 * The request that is sent next: in turn, or at random.
 */
const struct pack_item *pack_pick(void);

/*
 * Count a reply.
 *
 * ns  from its request on
 */
void stats_count(int64_t ns);

/* How many were counted. */
uint64_t stats_replies(void);

/*
 * Microseconds that a share, 0 to 1, of all replies stayed below; and those of
 * the worst one.
 */
double stats_quantile(double share);
double stats_worst(void);

/*
 * Find the CPU clocks of the server and, where it forks, of its children: those
 * that there are now.
 */
void stats_find_clocks(void);

/*
 * CPU seconds of all threads of the server since the last call.
 */
double stats_cpu(void);

/*
 * KiB of memory of the server.
 *
 * name  of a line of /proc/PID/status
 *
 * Returns 0 where there is no server or no such line.
 */
long stats_memory(const char *name);

/* What became of connections and replies, before and while they are counted. */
struct conn_totals {
	uint64_t replies;	/* right and stale ones */
	uint64_t wrong;
	uint64_t stale;		/* right only before a change */
	uint64_t failed;	/* connections */
};
extern struct conn_totals conn_totals;

/*
 * Take SIGUSR1 and SIGUSR2, which say which replies are right, and those that
 * end conn_run() early.
 */
void conn_catch_signals(void);

/*
 * TLS.  tls_ has one buffer for all connections: what it made is to be taken
 * by tls_made() before it is called for another one.
 */
struct tls;
extern uint64_t tls_resumed;	/* handshakes by a session of another one */

void tls_init(void);

/*
 * Begin a handshake.  Returns it, owned by the caller; NULL is allowed for
 * tls_free().
 */
struct tls *tls_new(void);
void tls_free(struct tls *);

/* Whether the handshake is done. */
bool tls_is_open(const struct tls *);

/*
 * Encipher bytes, in one record where they fit.  Only when it is open.
 */
void tls_write(struct tls *, const void *, size_t len);

/*
 * What is to be sent since the last call: borrowed until more is made.
 */
const void *tls_made(size_t *len);

/*
 * Take bytes that were received, and go on with the handshake if there is one.
 *
 * to, size  where deciphered ones go: as much as is received, at least
 *
 * Returns how many these are; -1: the connection is broken.
 */
ssize_t tls_read(struct tls *, const void *, size_t len, void *to,
    size_t size);

/*
 * Over a socket that blocks: a handshake, a request and its reply, which is
 * forgotten.
 */
void tls_ask_once(int fd, const void *request, size_t request_len,
    void *reply, size_t reply_len);

/*
 * Connect, without waiting for it.
 *
 * Returns a socket that does not block, or -1: refused for now.
 */
int conn_dial(void);

/*
 * Send one request on a socket of conn_dial(), and wait for all of its reply.
 */
void conn_ask_once(int fd);

/*
 * Make all connections, then send the first message of a handshake on each,
 * at once, and wait until each has an answer.
 *
 * began  set to when the first was sent
 *
 * Returns when the last answer came, on the clock of clock_ns().
 */
int64_t conn_greet_all(int64_t *began);

/*
 * Open all connections and send the first requests.
 */
void conn_start(void);

/*
 * Serve them.
 *
 * end   of it, on the clock of clock_ns()
 * most  replies in conn_totals that end it, too; 0: any number
 */
void conn_run(int64_t end, uint64_t most);

/* Replies are given to stats_count() from now on. */
void conn_measure(void);

#endif
