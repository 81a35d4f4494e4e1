/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef OUTCOME_H
#define OUTCOME_H

/*
 * What came of a reload, a diff or a rollback, as it is told to those who asked
 * and in the log.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diff;
struct generation;
struct problems;
struct tell;

enum reload_order {
	RELOAD_APPLY,		/* load and publish */
	RELOAD_FORCE,		/* so, whatever the guards say */
	RELOAD_DIFF,		/* load and say what would change */
	RELOAD_ROLLBACK,	/* publish what was before */
	RELOAD_START		/* the first load; nobody orders it */
};

/* All is borrowed for the call. */
struct outcome {
	enum reload_order order;
	bool ok;
	bool changed;			/* another generation serves, or, after
					   a diff, would */
	const struct generation *gen;	/* that serves now */
	const struct generation *loaded;	/* for this order; NULL: none */
	uint64_t to;			/* of a rollback: which serves again */
	int64_t ms;			/* that it took */
	const struct diff *diff;
	const struct problems *problems;
};

#define OUTCOME_TEXT_SIZE	256

/*
 * Say it in a sentence for people.
 *
 * text  of OUTCOME_TEXT_SIZE bytes
 */
void outcome_text(const struct outcome *, char *text);

/*
 * Log it, with all problems; what a diff comes to is nobody's business but
 * who asked for it, and that nothing changed is for level debug.
 *
 * text  as outcome_text() has set it
 */
void outcome_log(const struct outcome *, const char *text);

/*
 * Add the members of its reply to an object, as appmsgctl(8) lists them.
 *
 * text  as above
 * keys  of each sort, that a diff names
 */
void outcome_tell(const struct outcome *, const char *text, size_t keys,
    struct tell *);

#endif
