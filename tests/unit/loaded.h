/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOADED_H
#define LOADED_H

/*
 * Tables loaded from files, told as texts, for tests of what files say.  They
 * are those of a directive at line 9 of "conf".
 */

#include <stddef.h>

#include "daemon/base/problems.h"
#include "daemon/table/table.h"
#include "texts.h"

/* Of the tables that are loaded; a test may change them. */
extern struct table_options loaded_options;
extern struct table_columns loaded_columns;

/*
 * Set the options and source_tuning to what is usual: setup and teardown of
 * each test.
 */
int loaded_setup(void **state);
int loaded_teardown(void **state);

/*
 * Load files.
 *
 * problems  set anew
 */
struct table *loaded_table(const char *const *paths, size_t n,
    unsigned int threads, struct problems *problems);

/*
 * What comes of one file: a line "LINE KEY=VALUE" an entry, escaped; or all
 * problems, without the folder's name.
 *
 * Returns the text, owned by the caller, free(3).
 */
char *loaded_outcome(const char *path, unsigned int threads);

/*
 * Fail unless loaded_outcome() is the text that is expected.
 */
void loaded_expect(const char *path, unsigned int threads,
    const char *expected);

/*
 * The same for a file of some bytes, wherever it is cut, in blocks of many
 * sizes, with 1 to 4 threads.
 *
 * name  of the file in the temporary folder
 */
void loaded_expect_always(const char *name, const struct text *file,
    const char *expected);

#endif
