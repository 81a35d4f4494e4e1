/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INDEX_H
#define INDEX_H

/*
 * What a table has beside its hash to be searched in other ways: its keys in
 * order of their bytes in one text; for suffix and substring, the suffix array
 * of that text, where words start in it, and keys by their initials; for
 * words, a dictionary of its words, and for text one of those and the
 * answers'.  Immutable.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/table/table.h"

struct index;

/*
 * Build the index for some ways.
 *
 * table    borrowed as long as the index
 * ways     a set; exact alone needs no index
 * threads  how many may work on it
 * why, at  set on failure: to a static text, and to the id of the entry that
 *          it is about, or TABLE_NO_ID
 *
 * Returns the index, owned by the caller, index_free(); or NULL.
 */
struct index *index_new(const struct table *table, unsigned int ways,
    unsigned int threads, const char **why, table_id *at);

/*
 * Free an index.  NULL is allowed.
 */
void index_free(struct index *);

size_t index_memory(const struct index *);

#endif
