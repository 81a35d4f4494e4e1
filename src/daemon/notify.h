/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef NOTIFY_H
#define NOTIFY_H

/*
 * Datagrams to the service manager, as sd_notify(3) describes them.  Without
 * one they go nowhere, silently.
 */

/*
 * Send lines of NAME=VALUE.
 */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Send lines with a descriptor, which stays the caller's.
 *
 * Returns 0; or -1 when there is no manager or, with a warning, it cannot be
 * told.
 */
int notify_fd(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Send RELOADING=1 with the time that goes with it.
 */
void notify_reloading(void);

#endif
