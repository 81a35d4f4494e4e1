/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PID_H
#define PID_H

/*
 * The file that says which process this is, and that no other one is it.
 */

struct pidfh;

/* Zeroed at first. */
struct pid {
	struct pidfh *file;	/* owned; NULL: none */
	char *path;		/* owned; kept until pid_clear() */
};

/*
 * Have the file at this path, and no other.
 *
 * path  NULL: none
 *
 * Returns 0, or -1 with the reason logged; then there is none.
 */
int pid_use(struct pid *, const char *path);

/*
 * Remove the file, or empty it where that is not allowed any more.  May be
 * called twice.
 */
void pid_remove(struct pid *);

/*
 * Remove the file and free what is known of it.
 */
void pid_clear(struct pid *);

#endif
