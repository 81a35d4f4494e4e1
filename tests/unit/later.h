/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LATER_H
#define LATER_H

/*
 * Who answers for tables that answer later, as a test wants it: in any order,
 * twice, or never.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/request/lookup.h"

#define LATER_MAX	2048

struct later_asked {
	struct later_fake *fake;
	const struct later *table;
	struct lookup *lookup;	/* NULL: answered or forgotten */
	char key[32];		/* what it begins with */
	bool forgotten;
};

struct later_fake {
	struct later_asked asked[LATER_MAX];	/* in that order */
	size_t n;
	/* What to answer at once; LOOKUP_NONE: nothing. */
	enum lookup_result (*at_once)(const struct later *,
	    const struct lookup *, const char **text);
};

extern const struct later_ops later_fake_ops;	/* its arg is the fake */

/*
 * Answer the i-th that was asked, from 0 on; as often as one likes.
 *
 * text  of what was found; NULL else
 */
void later_answer(struct later_fake *, size_t i, enum lookup_result,
    const char *text);

/*
 * How many wait for an answer, and how many were forgotten.
 */
size_t later_waiting(const struct later_fake *);
size_t later_forgotten(const struct later_fake *);

#endif
