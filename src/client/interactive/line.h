/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LINE_H
#define LINE_H

/*
 * Lines that are typed at a terminal, with libedit: its keys, history and
 * completion.  The terminal shows nothing of itself, and keeps what is typed
 * while no line is read, but makes signals of Ctrl-C and others.  They are
 * those of catch.h, which is told how the terminal is given back for a stop.
 */

#include <stdbool.h>
#include <stddef.h>

struct choices;
struct line;

enum line_result {
	LINE_TEXT,
	LINE_INTERRUPTED,	/* what was typed is to be forgotten */
	LINE_ENDED		/* the input, or the program by a signal */
};

/*
 * Find what a text may become that is typed up to the cursor, which is at the
 * end of the line.
 *
 * choices  zeroed; cleared by the caller
 */
typedef void (*line_choices_cb)(void *arg, const char *text, size_t len,
    struct choices *choices);

/*
 * Begin, with the lines of earlier times.
 *
 * choices, arg  what completes
 *
 * Returns NULL when there is no memory, or no terminal that libedit can use,
 * which is told.
 */
struct line *line_new(line_choices_cb choices, void *arg);

/*
 * End; NULL is allowed.
 */
void line_free(struct line *line);

/*
 * Read one.
 *
 * prompt     printable
 * text, len  set with LINE_TEXT: without its newline, NUL-terminated, borrowed
 *            until the next call
 */
enum line_result line_read(struct line *line, const char *prompt,
    const char **text, size_t *len);

/*
 * Keep a line for later times.
 */
void line_keep(struct line *line, const char *text, size_t len);

#endif
