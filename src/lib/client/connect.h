/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONNECT_H
#define CONNECT_H

/*
 * Private: sockets that are connected by a deadline, as appmsg_deadline() has
 * those.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * What is left until a deadline, as poll(2) wants it: milliseconds, 0 when it
 * has passed, -1 when there is none.
 */
int connect_poll_timeout(int64_t deadline_ms);

/*
 * Whether a deadline has passed.
 */
bool connect_is_late(int64_t deadline_ms);

/*
 * The deadline of one of several: an equal share of the time that is left, so
 * that one who says nothing leaves time for those after it.
 *
 * among  how many have the time, 1 at least
 */
int64_t connect_share(int64_t deadline_ms, int among);

/*
 * Connect over TCP, to one address of a host after the other.
 *
 * fd  set when 0 is returned: nonblocking, owned by the caller
 *
 * Returns as appmsg_client_open().
 */
int connect_tcp(const char *host, const char *port, int64_t deadline_ms,
    int *fd);

/*
 * Connect to a unix socket; as connect_tcp().
 *
 * Returns as appmsg_client_open_unix().
 */
int connect_unix(const char *path, int64_t deadline_ms, int *fd);

#endif
