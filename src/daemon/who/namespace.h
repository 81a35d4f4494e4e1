/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NAMESPACE_H
#define NAMESPACE_H

/*
 * The user namespace of this process, in which a peer has another number, or
 * none of its own: all whom it does not know have the same, 65534 as a rule.
 */

#include <sys/types.h>

#include <stdbool.h>

/*
 * Whether a peer with this number is told as such.  Where that cannot be read
 * it is taken to be so.
 *
 * group  it is a group's, not a user's
 */
bool namespace_has(bool group, id_t id);

/*
 * The same by the text of a map, as /proc/PID/uid_map has it.
 *
 * overflow  the number that stands for all others
 */
bool namespace_map_has(const char *map, id_t id, id_t overflow);

#endif
