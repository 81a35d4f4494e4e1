/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NAMES_H
#define NAMES_H

/*
 * Users and groups by their names.  One that was found once keeps its number
 * for good: a reload may not be able to ask for it again, since the sandbox
 * lets no service for names be reached.
 *
 * For one thread at a time.
 */

#include <sys/types.h>

#include <stdbool.h>

/*
 * Find the number of a user.
 *
 * uid  set on success
 *
 * Returns whether there is one; if not, errno as getpwnam(3) leaves it.
 */
bool names_user(const char *name, uid_t *uid);

/*
 * Find the number of a group.
 *
 * gid  set on success
 *
 * Returns whether there is one; if not, errno as getgrnam(3) leaves it.
 */
bool names_group(const char *name, gid_t *gid);

/*
 * Whether an errno of these says just that there is none, not that nobody
 * could look.
 */
bool names_none(int error);

#endif
