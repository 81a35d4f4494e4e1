/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CALL_H
#define CALL_H

/*
 * One run of the program: until when it may last, how it reaches the servers,
 * and what it will exit with.  The actions tell what went wrong through it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/options/options.h"
#include "reply.h"

struct appmsg_client;
struct appmsg_header;
struct appmsg_message;
struct appmsg_servers;
struct appmsg_tls;
struct trace;

struct call {
	const struct options *options;	/* borrowed for good */
	int64_t deadline_ms;	/* of the whole call, or -1 */
	struct appmsg_servers *servers;	/* owned */
	int failure;		/* exit status of the first failure, or 0 */
	bool missed;		/* something was not found */
	struct appmsg_tls *tls;	/* owned; NULL: not yet, or none */
	bool color;		/* keys on standard output are coloured */
	bool color_errors;	/* and those on standard error */
	struct trace *trace;	/* owned; NULL: nothing is told of the wire */
};

/*
 * Start the clock, and make ready to connect.
 *
 * options  borrowed for good, but for its servers, which are taken
 *
 * Returns false when a file of certificates is none, which is told and
 * counted.
 */
bool call_init(struct call *call, const struct options *options);

/*
 * Free what it owns, once no connection is left.
 */
void call_clear(struct call *call);

/*
 * The name of the server that is in use, for messages.
 */
const char *call_server(const struct call *call);

/*
 * The name of the server of this index, from 0 on; NULL behind the last one.
 */
const char *call_name(const struct call *call, size_t index);

/*
 * Until when to wait for what is waited for now: the deadline of the call,
 * or without one, some seconds from now.
 */
int64_t call_deadline(const struct call *call);

/*
 * Connect to the only server of the options.
 *
 * Returns the connection, owned by the caller, appmsg_client_free(); NULL
 * when that fails, which is told and counted.
 */
struct appmsg_client *call_open(struct call *call);

/*
 * The same with the server of this index, until a deadline of its own.
 */
struct appmsg_client *call_open_at(struct call *call, size_t index,
    int64_t deadline_ms);

/*
 * Be connected to one of the servers.
 *
 * Returns false when that fails, which is told and counted, of each of them.
 */
bool call_connect(struct call *call);

/*
 * Ask the servers, as appmsg_servers_send().
 */
int call_send(struct call *call, const struct appmsg_header *hdr,
    const void *content, size_t len);

/*
 * Search.
 *
 * key, len    UTF-8 text, may hold NUL
 * keep_alive  ask the server to keep the connection
 *
 * Returns as call_send().
 */
int call_search(struct call *call, const struct query *query, const char *key,
    size_t len, bool keep_alive);

/*
 * Receive the next reply of the servers, as appmsg_servers_recv().
 *
 * Returns as call_connect().
 */
bool call_recv(struct call *call, struct appmsg_message *msg);

/*
 * What the options say of TLS once more, for another thread; not there where
 * the program is built without TLS.
 *
 * tls  NULL; owned by the caller, appmsg_tls_free(), whatever is returned
 *
 * Returns 0, or as appmsg_tls_trust().
 */
int call_new_tls(const struct call *call, struct appmsg_tls **tls);

/*
 * Tell and count how each server has failed in the last call of the list.
 */
void call_all_failed(struct call *call);

/*
 * Count a failure with this exit status.  The first one decides.
 */
void call_fail(struct call *call, int status);

/*
 * Print a message about the server in use on standard error: a line that names
 * it, behind all that was printed on standard output so far.
 */
void call_tell(const struct call *call, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The same about the server of this index.
 */
void call_tell_at(const struct call *call, size_t index, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * What an error of the library is in words; TLS has words of its own.
 *
 * Returns them, until the next call of the library.
 */
const char *call_why(const struct call *call, int error);

/*
 * Tell and count an error of the library about the server in use, errno as it
 * left it.
 *
 * subject  what of the server it is about, for the message; NULL for itself
 */
void call_error(struct call *call, const char *subject, int error);

/*
 * The same about the server of this index.
 */
void call_error_at(struct call *call, size_t index, const char *subject,
    int error);

/*
 * Count what a reply says.
 */
void call_count(struct call *call, enum reply_outcome outcome);

/*
 * Count what a reply says that is no answer to a search, and tell it in the
 * server's own words.
 *
 * server  its name
 */
void call_refused(struct call *call, const char *server,
    const struct reply *reply);

/*
 * The exit status: the first failure, else 1 if something was missed.
 */
int call_status(const struct call *call);

#endif
