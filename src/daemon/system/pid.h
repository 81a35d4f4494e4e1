/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PID_H
#define PID_H

/*
 * The file that says which process this is, and that no other one is it.
 */

#include <sys/types.h>

#include <stdbool.h>

struct conf;
struct problems;

/* Zeroed at first. */
struct pid {
	bool held;		/* what follows is valid */
	int fd;			/* owned; locked as long as it is open */
	dev_t dev;
	ino_t ino;
	char *path;		/* owned; kept until pid_clear() */
};

/*
 * Have the file that a configuration names, and no other.
 *
 * user      who may own a file that is there already, beside the user of this
 *           process
 * problems  gets what no further try would heal; NULL: that is logged
 *
 * Returns 0; or -1 with the reason logged, or a problem; then there is none.
 */
int pid_use(struct pid *, const struct conf *, uid_t user,
    struct problems *problems);

/*
 * Remove the file, or empty it where that is not allowed any more.  May be
 * called twice, and by a signal handler.
 */
void pid_remove(struct pid *);

/*
 * Remove the file and free what is known of it.
 */
void pid_clear(struct pid *);

#endif
