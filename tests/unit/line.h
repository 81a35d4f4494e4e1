/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LINE_H
#define LINE_H

/*
 * A connection whose requests may be owed a reply.  Between the tables "main"
 * and "words" one is asked that is called "near", behind both one that is
 * called "far"; both are fakes.
 */

#include <stdbool.h>

#include "later.h"
#include "talk.h"

/* A connection, and the worker that it belongs to. */
struct line {
	struct stream stream;
	struct request_env env;
	struct conf_limits limits;
	struct later_fake fake;
	enum stream_verdict verdict;
	struct buf in;		/* not used up yet */
	struct buf out;
	struct buf all;		/* with what was lent */
	struct buf texts;	/* the replies: "ID STATUS TEXT\n" each */
	unsigned int wakes;
};

extern struct generation *line_with, *line_without;	/* those two tables */
extern bool line_fast;		/* the fast path is tried */

/* For cmocka_run_group_tests(). */
int line_setup(void **state);
int line_teardown(void **state);

/* One that has just been made, and the end of it, by when nothing is owed. */
struct line *line_new(void);
void line_free(struct line *);

/* The peer takes the replies; a text that was lent is put in its place. */
void line_take(struct line *);

/* Turns, until there is nothing to be done without bytes or answers. */
void line_turns(struct line *);

/* Ask for a key, with more members of the header and of the content. */
void line_ask_more(struct line *, int id, const char *key,
    const char *header, const char *content);
void line_ask(struct line *, int id, const char *key);

/* A fake's answer to its i-th lookup comes, and what is woken goes on. */
void line_answer(struct line *, size_t i, enum lookup_result,
    const char *text);

/* Which replies have come since the last time: "ID STATUS TEXT\n" each. */
void line_expect(struct line *, const char *texts);

#endif
