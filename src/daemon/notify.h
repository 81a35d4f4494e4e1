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
 * Send RELOADING=1 with the time that goes with it.
 */
void notify_reloading(void);

#endif
