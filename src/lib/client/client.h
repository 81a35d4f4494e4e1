/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLIENT_H
#define CLIENT_H

/*
 * Private: what a list of servers needs of a client.
 */

#include <stddef.h>
#include <stdint.h>

struct appmsg_client;
struct appmsg_session;

/*
 * Send what a session has to say, as far as the socket takes it; what nobody
 * reads any more counts as sent.  Never blocks.
 */
void client_send_session(struct appmsg_client *client,
    struct appmsg_session *session);

/*
 * Do that, wait until bytes come or leave, or the deadline has passed, and hand
 * those that came to the session.  Such a client is used for nothing else.
 *
 * Returns 0; or what appmsg_client_read() says of the end of a connection, with
 * an errno of EPIPE inside of a reply; or APPMSG_ENOMEM.
 */
int client_exchange(struct appmsg_client *client,
    struct appmsg_session *session, int64_t deadline_ms);

#endif
