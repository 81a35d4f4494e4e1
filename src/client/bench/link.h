/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LINK_H
#define LINK_H

/*
 * The socket of a connection, in plain or over TLS; nothing here waits, but a
 * handshake of TLS, which is the library's.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct appmsg_client;
struct appmsg_tls;
struct plan;

struct link {
	int fd;			/* -1: none */
	struct appmsg_client *client;	/* owned; NULL: in plain */
};

/*
 * Connect.
 *
 * tls  this thread's; NULL: in plain
 * up   set when 0 is returned: there is a connection; else, it will be there,
 *      or have failed, when the socket can be written
 *
 * Returns 0, or -1 with errno; EAGAIN: the server has too many that wait to be
 * accepted.
 */
int link_open(struct link *link, const struct plan *plan,
    struct appmsg_tls *tls, bool *up);

/*
 * What became of a connection in the making: 0, or -1 with errno.
 */
int link_finish(const struct link *link);

/*
 * Send; as send(2), with EAGAIN where nothing is taken now.
 */
ssize_t link_send(struct link *link, const char *data, size_t len);

/*
 * Receive; as recv(2), with EAGAIN where nothing is there now.  The buffer has
 * 64 KB at least.
 */
ssize_t link_receive(struct link *link, char *data, size_t size);

/*
 * Whether what was taken is still to be sent: when the socket can be written,
 * link_send() is to be called, if only for no bytes.
 */
bool link_has_unsent(const struct link *link);

/*
 * Close it, if it is open.
 */
void link_close(struct link *link);

#endif
