/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LISTENERS_H
#define LISTENERS_H

/*
 * The sockets of the listen and control lines: inherited from the service
 * manager, or bound.  Those that are bound are left in the manager's keeping,
 * if there is one, so that the process after this one goes on with them and
 * no connection is refused meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/conf/conf.h"

struct inherited;

struct listener {
	int fd;				/* owned by the list; -1: closed */
	bool shared;			/* the service manager has it too */
	bool kept;			/* it was there before this process */
	bool own;			/* of an earlier process of ours */
	bool blocked;			/* by a socket unit, which has it */
	struct conf_listen conf;	/* a copy */
};

struct listeners {
	struct listener *list;		/* owned */
	size_t n;
	int control_fd;			/* owned; -1: none */
	bool control_shared;		/* the service manager has it too */
};

/*
 * Have a socket for each line.  With a service manager, what may pass, such as
 * an address in use, is tried again for half a minute, with growing pauses.
 *
 * inherited  sockets to be preferred, or NULL; taken, whatever the outcome
 * problems   gets, with file and line, what no further try would heal
 *
 * Returns 0; or -1 with the reason logged or among the problems, and
 * listeners_clear() due.
 */
int listeners_open(struct listeners *, const struct conf *,
    struct inherited *inherited, struct problems *problems);

/*
 * Close the sockets of the listen lines.  Where no one else has a socket the
 * kernel refuses connections from then on, and the path of a unix socket is
 * removed.  May be called twice.
 */
void listeners_close(struct listeners *);

/*
 * Close the control socket likewise.
 */
void listeners_close_control(struct listeners *);

/*
 * Remove the paths of all, for a process that ends at once: the sockets are
 * still looked at by whoever does.
 */
void listeners_unlink(const struct listeners *);

/*
 * Close all and free the list.  Zeroed memory with control_fd -1 is allowed.
 */
void listeners_clear(struct listeners *);

#endif
