/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ALLOW_H
#define ALLOW_H

/*
 * Who is let in by allow=.
 */

#include <sys/socket.h>

#include <stdbool.h>

struct conf_listen;

/*
 * Whether the line lets a peer in: it names no networks, or one that the
 * peer's address is in.
 *
 * sa  of the peer, in the listener's family
 */
bool allow_has(const struct conf_listen *, const struct sockaddr *sa);

#endif
