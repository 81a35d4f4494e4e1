/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLIENT_H
#define CLIENT_H

/*
 * Private: what a list of servers needs of a client.
 */

#include <stddef.h>

struct appmsg_client;

/*
 * Queue messages that are encoded already, as appmsg_client_send() does.
 *
 * data, len  whole messages; copied
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int client_send_encoded(struct appmsg_client *client, const void *data,
    size_t len);

#endif
