/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef MATCHES_H
#define MATCHES_H

/*
 * Replies that list entries: the matches of a search, and the keys that were
 * perhaps meant.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/table/table.h"

struct ask;
struct search_match;

/*
 * Reply to a request with "match".
 *
 * list, n  what was found, best first; as many of them are told as fit into
 *          a reply, one at least
 * more     whether there is more than that
 * key      escaped, for a reply without any
 *
 * Returns 0, or -1 when out of memory.
 */
int matches_reply(const struct ask *, enum table_way way,
    const struct search_match *list, size_t n, bool more, const char *key,
    size_t key_len);

/*
 * Reply to a plain miss, with the keys that were perhaps meant.
 *
 * list, n  these, best first; n may be 0
 * key      escaped
 *
 * Returns 0, or -1 when out of memory.
 */
int matches_reply_suggestions(const struct ask *,
    const struct search_match *list, size_t n, const char *key,
    size_t key_len);

#endif
