/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_LIKE_H
#define TABLE_LIKE_H

#include <stdbool.h>

struct table;

/*
 * Whether two tables are the same in all that can be asked of them: name and
 * ways, keys and answers, their order and their places.  The indexes need not
 * be there, since they are made of that.  Never of tables that leave answers
 * in mapped files: what is cut short by its writer must not be read.
 *
 * Takes as long as comparing the memory of both, and calls pace().
 */
bool table_is_like(const struct table *, const struct table *);

#endif
