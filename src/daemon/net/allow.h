/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ALLOW_H
#define ALLOW_H

/*
 * Who is let in by allow= and deny= of a listener.
 */

#include <sys/socket.h>

#include <stdbool.h>

struct who_rule;

/*
 * Whether a rule lets a new connection in.
 *
 * fd, sa  the connection, and its peer's address
 * may     set on success
 *
 * Returns 0, or -1 when out of memory.
 */
int allow_judge(const struct who_rule *, int fd, const struct sockaddr *sa,
    bool *may);

#endif
