/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LAST_RELOAD_H
#define LAST_RELOAD_H

/*
 * What came of the last reload: told wherever somebody may look, since what
 * serves does not show that its files are wrong by now.  A rollback is none:
 * it reads no file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct problems;
struct tell;

#define LAST_RELOAD_PROBLEM_MAX	256	/* bytes of a problem that are kept */

/* An appendix says how many more problems there are. */
#define LAST_RELOAD_TEXT_SIZE	(LAST_RELOAD_PROBLEM_MAX + 128)

enum last_reload_outcome {
	LAST_RELOAD_NONE,	/* since the start */
	LAST_RELOAD_DONE,
	LAST_RELOAD_FAILED
};

/* Zeroed memory is that of a daemon that has not reloaded. */
struct last_reload {
	enum last_reload_outcome outcome;
	time_t at;		/* when it was over */
	size_t problems;	/* 0 if done */
	char problem[LAST_RELOAD_PROBLEM_MAX + sizeof("...")]; /* the first */
};

/*
 * Note that a reload is over.
 *
 * now       when
 * problems  all that was wrong; none: it was done
 */
void last_reload_note(struct last_reload *, time_t now,
    const struct problems *problems);

/*
 * Say it on a line: when, whether it was done, and the first problem.
 *
 * text  of LAST_RELOAD_TEXT_SIZE bytes
 */
void last_reload_text(const struct last_reload *, char *text);

/*
 * Add the same to an object, as the member "last-reload".
 *
 * problem  with the text of the problem, which may name a key
 */
void last_reload_tell(const struct last_reload *, bool problem,
    struct tell *);

#endif
