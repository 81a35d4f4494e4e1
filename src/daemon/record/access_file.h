/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ACCESS_FILE_H
#define ACCESS_FILE_H

/*
 * The file of the access log, which all workers write to.  Each write is of
 * whole lines and goes to the file's end in one piece (O_APPEND), so lines of
 * several workers do not mix.  A generation holds a reference to it, as long
 * as a worker may write there.
 *
 * It is opened again by its path without anybody noticing: the descriptor's
 * number stays, what it stands for changes.
 */

#include <stddef.h>

struct access_file;
struct conf;
struct problems;

/*
 * Open the file that a configuration names, with the rights that the process
 * has now; it is made where there is none.  Only regular files and character
 * devices are taken: nothing else can be written to without waiting.
 *
 * file  set when 0 is returned: one reference, the caller's; NULL where there
 *       is to be no access log
 * old   what was open before, or NULL; of the same path it is opened again
 *       and shared
 *
 * Returns 0, or -1 with a problem, and errno.
 */
int access_file_open(const struct conf *conf, struct access_file *old,
    struct access_file **file, struct problems *problems);

/*
 * Open it again, since it may have been renamed.  What cannot be opened is
 * told in the log, and the file that was open goes on.  NULL is allowed.
 */
void access_file_reopen(struct access_file *);

/*
 * Take one more reference.  Returns its argument; NULL is allowed.
 */
struct access_file *access_file_ref(struct access_file *);

/*
 * Let go of a reference.  NULL is allowed.
 */
void access_file_unref(struct access_file *);

/*
 * Append lines, each ended by a newline.  Those that cannot be written are
 * lost, and counted and told in the log.  For any thread.
 */
void access_file_write(struct access_file *, const char *lines, size_t len);

#endif
