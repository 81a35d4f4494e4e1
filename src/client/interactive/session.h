/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SESSION_H
#define SESSION_H

/*
 * What is asked by one who sits at a terminal, and shown to him.  Whatever is
 * wrong is told and costs that question only; one that takes long ends by an
 * interrupt.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/base/reply.h"
#include "settings.h"

struct asker;
struct call;
struct choices;

struct session {
	const struct call *call;	/* borrowed */
	struct settings settings;
	struct asker *asker;	/* owned; NULL: there is none now */
	struct reply reply;
	char *pending;		/* whose completion is asked; owned; or NULL */
	bool ended;		/* by a command */
};

/*
 * Start; asks nobody yet.
 *
 * call  borrowed until session_clear()
 *
 * Returns 0, or -1 when there is no memory.
 */
int session_init(struct session *session, const struct call *call);

void session_clear(struct session *session);

/*
 * Try whether a server is there, and greet.
 */
void session_greet(struct session *session);

/*
 * Another line is typed: what was asked for the last one is not for it.
 */
void session_next_line(struct session *session);

/*
 * Search for a key, and show what comes of it.
 */
void session_search(struct session *session, const char *key, size_t len);

/*
 * Show who answers, and of whom else that could be.
 */
void session_who(struct session *session);

/*
 * Show which tables there are.
 */
void session_tables(struct session *session);

/*
 * Add the keys that begin with a text, as a line that is being typed has it
 * (from on, where a backslash at its start is one of two), or the tables: none
 * where that is not known within a moment, so that nobody waits for a key that
 * he types.
 */
void session_find_keys(struct session *session, const char *text, size_t len,
    struct choices *choices);
void session_find_tables(struct session *session, const char *text,
    size_t len, struct choices *choices);

#endif
