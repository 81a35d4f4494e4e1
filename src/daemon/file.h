/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FILE_H
#define FILE_H

/*
 * Whole files, read with suspicion.
 */

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Read a regular file into memory.  Never blocks on what is none (a FIFO, a
 * device), and notices when the file changes meanwhile.
 *
 * path  as open(2) takes it
 * max   the most bytes that are taken
 * len   set on success
 *
 * Returns its bytes and a NUL behind them, owned by the caller, free(3); or
 * NULL with *why, a static string or one of strerror(3).
 */
char *file_read(const char *path, size_t max, size_t *len, const char **why);

/* How long that moment is; tests, which write all the time, make it short. */
extern int file_settle_ms;

/*
 * Wait until a file was left alone for a moment, longer than the clock of its
 * times ticks: then any change from now on shows in them.
 *
 * sb  of the file, as fstat(2) gives it; brought up to date
 *
 * Returns 0, or -1 with *why when it goes on changing for a while.
 */
int file_settle(int fd, struct stat *sb, const char **why);

/*
 * Whether a file is still as it was.
 */
bool file_is_same(const struct stat *, const struct stat *);

/*
 * The path of a file that another file names: relative to the latter's
 * folder.
 *
 * Returns it, owned by the caller, free(3); NULL when out of memory.
 */
char *file_beside(const char *file, const char *path);

#endif
