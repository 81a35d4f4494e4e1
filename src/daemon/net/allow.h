/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ALLOW_H
#define ALLOW_H

/*
 * Who is let in by allow= and deny= of a listener.
 */

#include <sys/socket.h>

#include <stdbool.h>

#include "daemon/base/address.h"

struct who_rule;

/*
 * Whether a rule lets a new connection in.
 *
 * fd, sa    the connection, and its peer's address
 * unproven  a certificate may yet say who it is: then it is let in so far
 * may       set on success
 *
 * Returns 0, or -1 when out of memory.
 */
int allow_judge(const struct who_rule *, int fd, const struct sockaddr *sa,
    bool unproven, bool *may);

/*
 * Who is not let in, for the log: the address as address_word() has it, and of
 * a unix socket the user.
 *
 * buf  ALLOW_WORDS_MAX bytes
 *
 * Returns it.
 */
const char *allow_words(int fd, const struct sockaddr *sa, socklen_t len,
    char *buf);

#define ALLOW_WORDS_MAX	(ADDRESS_WORD_MAX + 32)

#endif
