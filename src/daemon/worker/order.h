/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

/*
 * What a worker is told to do, by the server or by another worker: a mail
 * that its thread carries out, one after the other.
 */

#include "daemon/thread/mailbox.h"

struct generation;
struct session_door;
struct peer_count;

enum order_kind {
	ORDER_ADOPT,		/* serve this connection */
	ORDER_SWAP,		/* answer from this generation */
	ORDER_DEAFEN,		/* accept nothing more */
	ORDER_DRAIN,		/* end sessions; all workers are deaf */
	ORDER_BEAT,		/* give a sign of life */
	ORDER_STOP,
	ORDER_KINDS
};

struct order {
	struct mail mail;
	enum order_kind kind;
	int fd;				/* ADOPT: owned */
	const struct session_door *door;
	struct peer_count *peer;
	struct generation *gen;		/* SWAP: a reference */
};

/*
 * An order of a kind, owned by the caller until it is sent, and by who
 * carries it out then, free(3).  For those of which there may be any number;
 * a worker has the others itself.
 *
 * Returns NULL when out of memory.
 */
struct order *order_new(enum order_kind);

#endif
