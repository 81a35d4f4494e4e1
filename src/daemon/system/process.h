/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PROCESS_H
#define PROCESS_H

/*
 * What the daemon is to the system: background, user, rights.
 */

#include <sys/types.h>

/*
 * Go to the background.  The process that was started waits there until
 * process_ready(), and exits 0; or until the daemon exits before, and exits
 * as that did.
 *
 * Returns in the daemon: the descriptor for process_ready(); or -1 with
 * errno, in the process that was started.
 */
int process_background(void);

/*
 * Let the process that was started go, and close standard input, output and
 * error.
 *
 * fd  of process_background()
 */
void process_ready(int fd);

/*
 * Find out the numbers of a user and its group.
 *
 * Returns 0, or -1 with errno, ENOENT where there is none of that name.
 */
int process_user(const char *name, uid_t *user, gid_t *group);

/*
 * Give the path of a unix socket that this process has made to a user and a
 * group: that, and nothing that somebody has put in its place.
 *
 * user   (uid_t)-1: leave it to who has it
 * group  (gid_t)-1: likewise
 *
 * Returns 0, or -1 with errno.
 */
int process_own_socket(const char *path, uid_t user, gid_t group);

/*
 * Give up, for good, what the process was started with: become a user, with
 * its groups; have no capabilities, and never get any.
 *
 * name  must exist; NULL keeps the user, and the capability to read all
 *       files if it is there
 *
 * To be called before there are other threads.  Returns 0, or -1 with errno.
 */
int process_give_up_rights(const char *name);

#endif
