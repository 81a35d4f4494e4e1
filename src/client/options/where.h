/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WHERE_H
#define WHERE_H

/*
 * Which servers are asked, as options and $APPMSG_SERVER name them.
 */

#include <stdbool.h>

struct appmsg_servers;

/* What the options said; strings are borrowed. */
struct where {
	const char **hosts;	/* of -H: owned by who made it, n_hosts */
	int n_hosts;
	const char *port;	/* NULL: not said, as with path */
	const char *path;	/* of a unix socket */
	const char *default_port;
	bool tls;
};

/*
 * Take the one server that is looked at from words, if they name it: a host and
 * a port, or one of them.  Leaves the program as below.
 */
void where_take(struct where *where, char **words, int count);

/*
 * Make the list, of one at least.  Leaves the program itself, with 64, when
 * something is wrong, which is told.
 *
 * Returns it, owned by the caller, appmsg_servers_free().
 */
struct appmsg_servers *where_servers(const struct where *where);

/*
 * The same of the servers that words name, n of them, each as $APPMSG_SERVER
 * may; that has no say in it.
 */
struct appmsg_servers *where_words(const struct where *where,
    char *const *words, int n);

#endif
