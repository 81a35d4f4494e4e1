/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PLAN_H
#define PLAN_H

/*
 * How a server is loaded: settled before the first thread starts, and nobody
 * changes it afterwards.  All pointers are borrowed.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct appmsg_server;
struct call;
struct requests;

struct plan {
	struct sockaddr_storage address;
	socklen_t address_len;
	const struct appmsg_server *tls;	/* over TLS; NULL: not */
	const struct call *call;	/* what TLS needs to know; NULL: none */
	const struct requests *requests;
	int connections, depth, threads;
	bool keeps;		/* the server keeps connections */
	bool has_ids;		/* its replies have the ids of requests */
	bool in_order;
	uint64_t seed;
	int64_t warm_up_ns;
	int64_t duration_ns;	/* unless there is a number of requests */
	uint64_t most;		/* requests; 0: as many as there is time for */
	int rate;		/* requests a second; 0: as they can */
	int64_t patience_ns;	/* for a reply, or a connection */
};

#endif
