/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SERVER_H
#define SERVER_H

/*
 * The daemon as a whole: listening sockets, workers, signals, the control
 * socket, reload and the way to the end.  Its own event base serves pages, but
 * no messages.
 */

#include <stdbool.h>

#include "common/log.h"

struct generation;
struct inherited;
struct problems;
struct server;
struct tls;

/*
 * Make a server that does nothing yet.
 *
 * path  of the configuration, for reloads; borrowed
 * gen   its first generation, without its tables; taken, whatever the outcome
 * tls   with the certificates that its configuration names; borrowed
 * level what is logged at least, whatever the configuration says
 *
 * Returns the server, owned by the caller; or NULL, with the reason logged.
 */
struct server *server_new(const char *path, struct generation *gen,
    struct tls *tls,
    enum log_level level);

/*
 * Bind, listen, and give up the rights that took; nothing is accepted yet.
 *
 * inherited  sockets of the service manager, or NULL; taken, whatever the
 *            outcome
 * problems   gets what is wrong with lines of the configuration
 *
 * Returns EX_OK; EX_CONFIG, with at least one problem, when a further try
 * would fail as well; or EX_OSERR, with the reason logged.  Then only
 * server_free() may follow.
 */
int server_open(struct server *, struct inherited *inherited,
    struct problems *problems);

/*
 * Read the tables of the first generation, and make the workers.  A signal
 * that ends the process meanwhile removes the paths of its sockets first.
 *
 * problems  gets all that is wrong with the tables
 *
 * Returns EX_OK; EX_CONFIG, with at least one problem; or EX_OSERR, with the
 * reason logged.  Then only server_free() may follow.
 */
int server_load(struct server *, struct problems *problems);

/*
 * Serve what was loaded until a signal ends it.
 *
 * ready_cb  called once when everything serves
 *
 * Returns 0, or -1 with the reason logged.
 */
int server_run(struct server *, void (*ready_cb)(void *arg), void *arg);

/*
 * Free all; removes the paths of its unix sockets.  NULL is allowed.
 */
void server_free(struct server *);

#endif
