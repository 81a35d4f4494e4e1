/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COMMAND_H
#define COMMAND_H

/*
 * What appmsgctl(8) can ask for: a row each in the table of command.c.
 */

#include <stddef.h>

struct control_request;
struct errands;
struct inspect_keys;
struct publishing;
struct reload;
struct remotes;
struct report;

/* What commands work on; all is borrowed for the call. */
struct command_host {
	struct reload *reload;
	struct publishing *publishing;
	const struct report *report;	/* the numbers of now */
	const struct remotes *remotes;	/* who looks at tables on other
					   machines; NULL: nobody */
	/* For what takes long; NULL: done in the call. */
	struct errands *counts;
	struct inspect_keys *asks;
	void (*drain_cb)(void *arg);	/* accept no more, finish, end */
	void *arg;
};

/*
 * Carry out a request.
 *
 * request  gets its reply, now or when it is done; taken
 * content  of the request, any bytes; borrowed for the call
 */
void command_run(const struct command_host *, struct control_request *request,
    const char *content, size_t len);

#endif
