/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BAR_H
#define BAR_H

/*
 * Waiting for what takes long, with a bar on standard error, if that is a
 * terminal, for how far the daemon's "status" says that it has come.
 */

#include <stdint.h>

struct appmsg_client;
struct appmsg_message;

/*
 * appmsg_client_recv(), and the bar meanwhile; it is gone at the end.
 *
 * socket  of the daemon, which is asked on a connection of its own
 */
int bar_receive(struct appmsg_client *client, struct appmsg_message *msg,
    const char *socket, int64_t deadline_ms);

#endif
