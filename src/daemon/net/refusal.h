/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REFUSAL_H
#define REFUSAL_H

/*
 * Why the system refuses to have a socket bound: whether it would refuse
 * again, and what an administrator can do.
 */

#include <sys/socket.h>

#include <stdbool.h>

/*
 * Whether an errno of binding to an address lasts until somebody changes
 * something; an IPv6 address that the machine is still trying out does not.
 */
bool refusal_lasts(const struct sockaddr *sa, int error);

/*
 * What can be done about it.
 *
 * Returns a static text without a full stop; or NULL: there is nothing to add
 * to what strerror(3) says.
 */
const char *refusal_hint(const struct sockaddr *sa, int error);

#endif
