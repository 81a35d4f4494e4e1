/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WHO_AS_H
#define WHO_AS_H

/*
 * A client that is made up, of the words that rules have: 10.1.2.3,
 * user:alice, or 2001:db8::7,cn:payroll.example.
 */

#include "daemon/who/who.h"
#include "daemon/who/who_words.h"

struct who_as {
	struct who who;
	struct who_names *names;	/* owned; NULL: no certificate */
};

/*
 * Make a client up.  A user, by his name, is in the groups that the database
 * has him in, as if he had just logged in; a word about a certificate gives it
 * one, and one about processes, or "unix", has it come by a unix socket.
 *
 * as    set in any case; owned by the caller, who_as_clear()
 * text  changed meanwhile
 *
 * Returns 0; or -1 with at least one problem: also where the words are no
 * single client, as a network, or an address and a user.
 */
int who_as_read(struct who_as *as, char *text, const struct who_place *);

/*
 * Free what it owns.
 */
void who_as_clear(struct who_as *);

#endif
