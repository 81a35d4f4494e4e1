/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ASKING_H
#define ASKING_H

/*
 * A session of the library and its server, which the test plays.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg-session.h"

#define KEPT ", \"connection\": \"keep-alive\""
#define FOUND KEPT ", \"status\": \"found\""

/* An allocator that counts, and refuses. */
struct counted {
	long calls;		/* that were made */
	long allowed;		/* so many before one fails; -1: all */
	long live;		/* that are not freed */
};

/*
 * The functions of an allocator, whose arg is a struct counted.
 */
struct appmsg_alloc counted_alloc(struct counted *);

/*
 * A session that sends all at once, or not.
 */
struct appmsg_session *asking_new(bool at_once);

/*
 * Ask for a key, with an id or without, and perhaps to close.
 */
void asking_search(struct appmsg_session *, const char *key, bool id,
    bool close, const void *tag);

/*
 * Take all that is to be sent.
 *
 * Returns how many requests that was.
 */
size_t asking_take(struct appmsg_session *);

/*
 * Write a reply: members are those of its header behind the four.
 *
 * Returns its length.
 */
size_t asking_put(char *to, const char *members, const char *content,
    size_t len);

/*
 * The server says that.
 */
void asking_reply(struct appmsg_session *, const char *members,
    const char *content);

/*
 * The next reply has this tag and text.
 */
const struct appmsg_reply *asking_expect(struct appmsg_session *, const void *tag,
    const char *text);

#endif
