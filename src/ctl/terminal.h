/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TERMINAL_H
#define TERMINAL_H

/*
 * The terminal while a program has all of it: keys come one by one and are not
 * shown, and what was there before is back when it ends, also by a signal, and
 * while it is stopped.  There is one of them, as a process has one.
 *
 * Where standard output is none, nothing of this is done, and signals do what
 * they always do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum terminal_kind {
	TERMINAL_NONE,		/* a file, a pipe */
	TERMINAL_DUMB,		/* takes lines and no sequences */
	TERMINAL_SCREEN
};

enum terminal_event {
	TERMINAL_TIME,		/* it is over */
	TERMINAL_READY,		/* the descriptor is */
	TERMINAL_REDRAW,	/* another size, or back from a stop */
	TERMINAL_QUIT		/* by a key, a signal, or its end */
};

/*
 * Begin.
 *
 * kind  set to what standard output is
 *
 * Returns 0, or -1 with errno.
 */
int terminal_start(enum terminal_kind *kind);

/*
 * End: all is as it was.  If a signal asked for it, the process ends by it
 * here.
 */
void terminal_stop(void);

/*
 * The lines and columns, at least 1: 24 and 80 where it does not tell.
 */
void terminal_size(size_t *rows, size_t *columns);

/*
 * Write a picture, on a screen from its upper left corner, over the last one.
 *
 * Returns 0, or -1 with errno.
 */
int terminal_write(const char *picture, size_t len);

/*
 * Wait for one thing to come.
 *
 * fd           to be read; -1: none
 * deadline_ms  of appmsg_deadline()
 */
enum terminal_event terminal_wait(int fd, int64_t deadline_ms);

#endif
