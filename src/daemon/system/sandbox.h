/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SANDBOX_H
#define SANDBOX_H

/*
 * What the process may do from the moment that it has all it needs: read
 * files, talk on the sockets that it has, run threads.  The kernel refuses
 * the rest, whatever a peer may make of the process, and whatever user it is.
 *
 * Two walls, each of which stands alone where the other cannot be had:
 * Landlock knows paths and ports, the filter of system calls knows what else
 * a kernel can be asked for.  Both hold for the calling thread and for those
 * it makes later, for good.
 */

struct conf;

/*
 * Raise both walls, if the configuration has them raised; log how that went.
 * What the system cannot or will not do is warned of, and done without.
 * What fails although it could be had, for want of memory say, fails.
 *
 * conf  the one that is served; later ones change nothing
 *
 * Before any other thread is made, and after process_give_up_rights(), which
 * the filter would end the process for.
 *
 * Returns 0, or -1 with the reason logged.
 */
int sandbox_enter(const struct conf *conf);

/*
 * Each wall by itself.
 *
 * Returns what kind of wall it is, 1 or more: of Landlock, the version of
 * its interface; 0 when the daemon was built without; -1 with errno.
 */
int sandbox_landlock(const struct conf *conf);
int sandbox_seccomp(const struct conf *conf);

#endif
