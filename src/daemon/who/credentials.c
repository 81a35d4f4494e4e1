/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * SO_PEERCRED and SO_PEERGROUPS: the groups of the process itself, not what
 * the group database says of its user now.
 */

#include "config.h"

#include "daemon/who/credentials.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kernel says how many there are when there is no room for them. */
static int
read_groups(struct credentials *c, int fd)
{
	socklen_t len = 0;
	gid_t none;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &none, &len) == 0)
		return 0;
	if (errno != ERANGE)
		return -1;
	if ((c->groups = malloc(len)) == NULL)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, c->groups, &len) != 0)
		return -1;
	c->n_groups = len / sizeof(*c->groups);
	return 0;
}

int
credentials_read(struct credentials *c, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	memset(c, 0, sizeof(*c));
	c->uid = (uid_t)-1;
	c->gid = CREDENTIALS_NO_GROUP;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return -1;
	c->uid = peer.uid;
	c->gid = peer.gid;
	c->pid = peer.pid;
	return read_groups(c, fd);
}

void
credentials_clear(struct credentials *c)
{
	free(c->groups);
	c->groups = NULL;
	c->n_groups = 0;
}

bool
credentials_allow(const struct credentials *c, uid_t user, gid_t group)
{
	if (c->uid == (uid_t)-1)
		return false;		/* nobody knows who */
	if (c->uid == 0 || c->uid == user)
		return true;
	if (group == CREDENTIALS_NO_GROUP)
		return false;
	for (size_t i = 0; i < c->n_groups; i++)
		if (c->groups[i] == group)
			return true;
	return c->gid == group;
}
