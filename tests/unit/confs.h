/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONFS_H
#define CONFS_H

/*
 * Configurations out of texts, for tests.  They lie in the folder of
 * folder.h, which is left out of what is told about them.
 */

#include "daemon/conf/conf.h"

#define LISTEN	"listen 127.0.0.1 0\n"	/* there must be one */

/*
 * Load the file "F" with a text that must be right.
 *
 * Returns the configuration, owned by the caller, conf_free().
 */
struct conf *confs_load(const char *text);

/*
 * Print problems and forget them.
 *
 * Returns the lines, owned by the caller, free(3).
 */
char *confs_problems(struct problems *);

/*
 * Fail unless just these lines are told of a file with a text; of a line
 * behind a listen directive, "" or what is told of it.
 */
void confs_expect(const char *text, const char *expected);
void confs_expect_line(const char *line, const char *expected);

/*
 * All that is wrong with a file in the folder, as confs_problems() has it.
 */
char *confs_problems_of(const char *name);

#endif
