/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TRACE_H
#define TRACE_H

/*
 * What goes over the wire, told on standard error as it goes: messages, part by
 * part, and connections.  The library sends and receives by itself; so that
 * nothing is told which did not happen, this follows what its header says of
 * when a message leaves, and looks which sockets there are.
 *
 *	trace_connected()	after each appmsg_servers_connect(), or when
 *				that was left out
 *	trace_asked()		with each appmsg_servers_send()
 *	trace_sends()		before each appmsg_servers_recv()
 *	trace_received()	after it
 *
 * All allow NULL: then nothing is told.
 */

#include <stdbool.h>
#include <stddef.h>

struct appmsg_header;
struct appmsg_message;
struct appmsg_servers;
struct trace;

/*
 * Begin; the times count from now on.
 *
 * servers  borrowed as long as it lives
 *
 * Returns it, owned by the caller, trace_free(); or NULL.
 */
struct trace *trace_new(struct appmsg_servers *servers);

/*
 * Tell that a connection that there still is ends, and free it.
 */
void trace_free(struct trace *);

/*
 * Tell of the connection that there is now, and which ones failed before.
 */
void trace_connected(struct trace *);

/*
 * Remember a message, which is told when it leaves.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int trace_asked(struct trace *, const struct appmsg_header *,
    const void *content, size_t len);

/*
 * Tell of those that leave now.
 */
void trace_sends(struct trace *);

/*
 * Tell of a reply, and what became of the connection until then.
 *
 * msg  NULL: there was none
 */
void trace_received(struct trace *, const struct appmsg_message *msg);

#endif
