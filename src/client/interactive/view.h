/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef VIEW_H
#define VIEW_H

/*
 * Matches as a table on the terminal, no wider than it is.
 */

#include <stddef.h>

struct call;
struct query;
struct reply;

/*
 * The columns that the terminal has now; 80 where it does not tell.
 */
size_t view_width(void);

/*
 * Print matches on standard output.
 *
 * call       says whether in colour
 * reply      one with matches
 * query      what was asked for, with a way to match and a limit
 * asked, len its key
 */
void view_matches(const struct call *call, const struct reply *reply,
    const struct query *query, const char *asked, size_t len);

#endif
