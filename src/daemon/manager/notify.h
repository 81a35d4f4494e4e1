/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NOTIFY_H
#define NOTIFY_H

/*
 * Datagrams to the service manager, as sd_notify(3) describes them.  Without
 * one they go nowhere, silently.
 */

#include <stdbool.h>

/*
 * Connect to the service manager, if there is one; warn when it cannot be
 * done, once.  The others do that, too, where it was not done before; in the
 * sandbox it cannot be done any more.
 */
void notify_open(void);

/*
 * Whether there is a service manager that can be told.
 */
bool notify_is_heard(void);

/*
 * Send lines of NAME=VALUE.
 */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Send lines with a descriptor, which stays the caller's.
 *
 * Returns 0; or -1 when there is no manager or, with a warning, it cannot be
 * told.  In the sandbox it cannot.
 */
int notify_fd(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Send RELOADING=1 with the time that goes with it.
 */
void notify_reloading(void);

#endif
