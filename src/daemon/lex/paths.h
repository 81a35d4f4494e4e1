/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LEX_PATHS_H
#define LEX_PATHS_H

/*
 * The files that a word of a configuration means: a path, or all that a
 * pattern matches.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a word is a pattern, and not the path of one file.
 */
bool paths_is_pattern(const char *path);

/*
 * The files that a path or pattern means, sorted.  What is not there does not
 * match a pattern; a plain path is there, whether its file is or not.
 *
 * file  that has the word: a relative one is beside it
 * list  set to n paths, owned by the caller, paths_free(); to none when -1 is
 *       returned
 *
 * Returns 0; or -1 with errno, when some could not be looked for.
 */
int paths_find(const char *file, const char *path, char ***list, size_t *n);

/*
 * Free n paths and their list.  NULL is allowed.
 */
void paths_free(char **list, size_t n);

#endif
