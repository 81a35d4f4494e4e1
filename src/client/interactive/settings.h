/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SETTINGS_H
#define SETTINGS_H

/*
 * How lines are searched for, as the options said at first, and commands since.
 */

#include <stddef.h>

#include "client/options/query.h"

enum {
	SETTINGS_LIMIT = 10,	/* of matches, if nobody says another */
	SETTINGS_SUGGEST = 3	/* near keys of a miss */
};

struct settings {
	struct query query;	/* all that was said, fitting together or not */
	char *table;		/* the query's; owned; or NULL */
};

/*
 * Start with what options said.
 *
 * Returns 0, or -1 when there is no memory.
 */
int settings_init(struct settings *settings, const struct query *query);

void settings_clear(struct settings *settings);

/*
 * Ask this table only, or with NULL all.
 *
 * Returns as settings_init().
 */
int settings_set_table(struct settings *settings, const char *table);

/*
 * What a search asks for: of what was said, that which goes together.  Borrowed
 * until the next change.
 */
struct query settings_query(const struct settings *settings);

/*
 * What keys that begin with a text are asked by, at most so many; borrowed as
 * well.
 */
struct query settings_prefix(const struct settings *settings, int limit);

/*
 * Write the prompt that names what is in force; it has no byte that a terminal
 * would obey.
 */
void settings_prompt(const struct settings *settings, char *prompt,
    size_t cap);

#endif
