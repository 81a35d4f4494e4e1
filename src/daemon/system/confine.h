/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONFINE_H
#define CONFINE_H

/*
 * The line between what the daemon does with the rights that it was started
 * with, and what it does without: all that it reads but the configuration,
 * and all that it serves, is behind that line.
 */

#include <stdbool.h>

struct conf;
struct conf_listen;
struct pid;
struct problems;

/*
 * Give the unix socket of a listen line to its group, if it names one: by its
 * path, since that is what lets peers in.
 *
 * kept  the service manager had it: what it had before may go on, so that a
 *       failure is only logged
 *
 * To be called before confine_process(), which is so with its problems.
 * Returns 0; or -1 with the reason logged, or a problem.
 */
int confine_give_listen(const struct conf_listen *, bool kept,
    struct problems *problems);

/*
 * Give the unix socket of a listen line that names no group to the group of
 * this process, as if it were made now: an earlier process may have given it
 * to a group that the line had then.  Not for a socket unit's, which has a
 * group of its own.
 *
 * To be called before confine_process().  A failure is only logged.
 */
void confine_take_listen(const struct conf_listen *);

/*
 * Cross it: do what takes rights, give them up, enter the sandbox.  Sockets
 * are bound before, and what is to be told by one is connected.
 *
 * pid       gets the pidfile
 * problems  gets what is a mistake of a line
 *
 * To be called before there are other threads.  Returns 0; or -1 with the
 * reason logged, or a problem.
 */
int confine_process(const struct conf *conf, struct pid *pid,
    struct problems *problems);

/*
 * Let the process have as many descriptors as a configuration needs, as far
 * as it may; warn where that is not enough.
 *
 * For one thread, at the start and after a reload.
 */
void confine_descriptors(const struct conf *conf);

/*
 * Be the user that would serve, for a process that only reads its tables and
 * is root.  Others stay who they are.
 *
 * To be called before there are other threads.  Returns 0, or -1 with errno.
 */
int confine_reader(const struct conf *conf);

#endif
