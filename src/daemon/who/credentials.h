/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CREDENTIALS_H
#define CREDENTIALS_H

/*
 * Who is at the other end of a unix socket, as the kernel knows it: the
 * process that connected, and what it was when it did.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

struct credentials {
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* 0: of a namespace that is not ours */
	gid_t *groups;		/* owned: supplementary ones, n_groups */
	size_t n_groups;
};

/* No group; no process can be in it. */
#define CREDENTIALS_NO_GROUP	((gid_t)-1)

/*
 * Ask for the peer of a connected unix socket.
 *
 * c  set in any case; owned by the caller, credentials_clear()
 *
 * Returns 0, or -1 with errno.
 */
int credentials_read(struct credentials *c, int fd);

/*
 * Free what it holds.  One that is zeroed is allowed.
 */
void credentials_clear(struct credentials *);

/*
 * Whether it is root, this user, or a member of this group.
 *
 * group  CREDENTIALS_NO_GROUP: there is none
 */
bool credentials_allow(const struct credentials *, uid_t user, gid_t group);

#endif
