/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PLACES_H
#define PLACES_H

/*
 * Where a start makes files: unix sockets, the pidfile, the access log; and
 * whom it can be reached by.  They are looked at without making any.
 */

#include <stdbool.h>
#include <stdio.h>

#include "daemon/base/problems.h"

struct conf;

/*
 * Look for folders that are missing, but that of the control socket, which is
 * made, and for two sockets at one path, be it through links.
 *
 * ahead  this is no start: folders that the service has made for it need not
 *        be there yet
 */
void places_look(const struct conf *, bool ahead, struct problems *);

/*
 * Look whether the process may write the access log, once it has become the
 * user that would serve.
 */
void places_look_rights(const struct conf *, struct problems *);

/*
 * Warn of password files that others may read.
 *
 * out  NULL: in the log
 */
void places_warn_passwords(const struct conf *, FILE *out);

/*
 * Warn, a line each, of addresses that everybody can reach and no allow= is
 * for; and where it is a service's configuration, of all paths that lie in
 * folders which that has no view of, of users and groups that it cannot tell
 * from others, and of a control socket that is not where an instance's is
 * looked for.
 *
 * path  of the configuration
 */
void places_warn(const struct conf *, const char *path, FILE *);

#endif
