/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PAST_H
#define PAST_H

/*
 * The lines that were typed, in a file that several programs add to at once:
 * $XDG_STATE_HOME/appmsg-client/history, or below ~/.local/state.  Each line is
 * added when it is typed, and the file is made shorter by a new one, under a
 * lock of its folder; so none is lost or cut, and a full disk costs new lines
 * only.
 */

#include <stdbool.h>
#include <stddef.h>

enum { PAST_LINES = 1000 };	/* that are kept */

struct past {
	int folder;		/* owned; -1: nothing is kept */
	size_t added;		/* lines since the file was made shorter */
	char *last;		/* line, owned; or NULL */
};

/*
 * Find the file, and make its folders where they are missing.
 *
 * past  filled in any case
 *
 * Returns 0, also where it has no place at all; or -1 with errno when it cannot
 * be kept where it should be.
 */
int past_open(struct past *past);

void past_close(struct past *past);

/*
 * Read the last PAST_LINES lines, the oldest first.
 *
 * add  called with each, NUL-terminated, borrowed
 *
 * Returns 0, or -1 with errno.
 */
int past_load(struct past *past, void (*add)(void *arg, const char *line),
    void *arg);

/*
 * Keep a line, which is in the file when it returns: unless it is empty, as the
 * one before, starts with a blank, or has a control character.
 *
 * Returns whether it is one to be kept, even if there is no file.
 */
bool past_add(struct past *past, const char *line, size_t len);

#endif
