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
#include <stdint.h>

/* How a file is, and since when it was seen so. */
struct file_look {
	struct stat sb;
	int64_t since;		/* ns by the monotonic clock; 0: never seen */
	bool sure;		/* set by file_open(): whatever is written from
				   then on shows in sb, even where somebody
				   sets the file's own time back */
};

/* Files are let settle for so long; tests, which write all the time, make it
 * short. */
extern int file_settle_ms;

/*
 * Look at a file that will be opened later.  Where its own time does not tell
 * that it was left alone for a while, it must look the same twice, some time
 * apart: who looks at many at first waits just once for all of them.
 *
 * look  zeroed, or from an earlier look; what it was if the file is the same
 *
 * What is wrong with a file is told when it is opened.
 */
void file_look(const char *path, struct file_look *look);

/*
 * Open a regular file for reading, once it was left alone for a moment, so
 * that any change from then on shows.  Never blocks on what is none (a FIFO,
 * a device), and neither believes the clock nor the file's time alone.  While
 * it waits, it waits for the time of the inode, too, but not for that alone.
 *
 * look  zeroed, or from an earlier look; set to how the file is
 *
 * Returns a descriptor, owned by the caller; or -1 with *why, a static string
 * or one of strerror(3), also when the file goes on changing.
 */
int file_open(const char *path, struct file_look *look, const char **why);

/*
 * Read a regular file into memory, as file_open() opens it, and notice when
 * it changes meanwhile.
 *
 * path  as open(2) takes it
 * max   the most bytes that are taken
 * len   set on success
 *
 * Returns its bytes and a NUL behind them, owned by the caller, free(3); or
 * NULL with *why as for file_open().
 */
char *file_read(const char *path, size_t max, size_t *len, const char **why);

/*
 * The same for a file that was looked at.
 */
char *file_read_seen(const char *path, struct file_look *look, size_t max,
    size_t *len, const char **why);

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
