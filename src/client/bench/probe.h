/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PROBE_H
#define PROBE_H

/*
 * What must be known before a server is loaded: where it is, what it is asked
 * for, what it answers, and whether it keeps connections.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>

#include "requests.h"

struct call;

enum probe_source {
	PROBE_FILE,		/* the keys are of a file, or standard input */
	PROBE_SERVER,		/* the server named them */
	PROBE_OWN		/* it names none: those of the tutorial */
};

struct probe {
	struct requests requests;	/* owned */
	enum probe_source source;
	struct sockaddr_storage address;
	socklen_t address_len;
	size_t asked;		/* index of the request that was asked */
	char *reply;		/* owned: the whole message that answered it */
	size_t reply_len;
	size_t id_at;		/* in reply; reply_len: it has none */
	bool keeps;		/* the server keeps connections */
};

/*
 * Read the keys, or ask for some, and ask for one of them.
 *
 * probe  zeroed; its owner calls probe_clear()
 *
 * Returns false when there is nothing to load, or nothing to load it with,
 * which is told and counted.
 */
bool probe_run(struct call *call, struct probe *probe);

void probe_clear(struct probe *probe);

#endif
