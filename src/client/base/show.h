/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SHOW_H
#define SHOW_H

/*
 * Replies to searches as lines of text: answers on standard output, what is
 * said about them on standard error.
 */

#include <stdbool.h>
#include <stddef.h>

struct call;
struct reply;

/*
 * Print the reply for a key.
 *
 * key, len  what was searched for
 * several   it is one of several: a line of fields
 */
void show_reply(struct call *call, const struct reply *reply, const char *key,
    size_t len, bool several);

/*
 * Print on standard error what goes with a reply: the keys that were perhaps
 * meant, and where the answer stands if that was asked for.
 */
void show_remarks(const struct call *call, const struct reply *reply,
    const char *key, size_t len);

/*
 * End a line of standard output about a server: with which generation serves,
 * where it says so.
 */
void show_generation(const struct reply *reply);

#endif
