/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CHECK_H
#define CHECK_H

/*
 * What appmsgd(8) does instead of serving: show a configuration, check it
 * with its tables, answer one key.  All is printed: what was asked for on
 * standard output, what is wrong on standard error.
 */

#include <stdbool.h>

struct generation;
struct problems;

struct check_options {
	const char *path;	/* of the configuration, for people */
	const char *query;	/* the key to be answered; NULL: none */
	const char *as;		/* as this client would be, in the words of
				   allow=; NULL: as one who may ask all */
	bool waits;		/* somebody does: show how far it is, and warn */
	bool verbose;
};

/*
 * Show the effective values of a configuration.
 *
 * Returns EX_OK or EX_CONFIG.
 */
int check_show(const char *path);

/*
 * Read the tables as a start would, and tell what is wrong with them and with
 * the configuration, all at once; warn of what is allowed, but was perhaps not
 * meant, and of what the service would not see.
 *
 * gen       as generation_read() made it; stays the caller's
 * problems  those of the configuration; gets those of the tables
 *
 * Returns EX_OK; EX_CONFIG when something is wrong; 1 when there is no answer
 * for the key, or none for that client, EX_USAGE when it is no text, or that no
 * client; EX_TEMPFAIL when a table on other machines might have it; or
 * EX_OSERR, with the reason logged.
 */
int check_run(const struct check_options *, struct generation *gen,
    struct problems *problems);

#endif
