/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CATCH_H
#define CATCH_H

/*
 * Signals of a program that has a terminal, as events for whoever waits: all
 * that a handler does is to note one.  There is one of it, as a process has
 * one set of handlers.
 */

#include <stdbool.h>

enum catch_event {
	CATCH_NONE,
	CATCH_INTERRUPT,	/* what is done now is to end */
	CATCH_RESIZE,		/* the terminal has another size */
	CATCH_STOP,		/* the program is to stop: catch_stop() */
	CATCH_CONTINUE,		/* it was stopped, and goes on */
	CATCH_END		/* the program is to end: catch_end() */
};

/*
 * Catch them from now on; those that were ignored stay so.
 *
 * Returns 0, or -1 with errno.
 */
int catch_start(void);

/*
 * A descriptor that can be read when one may have come.
 */
int catch_fd(void);

/*
 * The next one that has come, the most urgent first.  CATCH_END stays.
 */
enum catch_event catch_take(void);

/*
 * Has one come, which is not taken, that is to end what is done now?
 */
bool catch_has_interrupt(void);

/*
 * Forget interrupts that came so far: what they were for has ended.
 */
void catch_forget(void);

/*
 * Have the terminal given back before a stop, and taken again after it.
 *
 * leave, take  called with arg; NULL: nothing is to be done
 */
void catch_set_terminal(void (*leave)(void *arg), void (*take)(void *arg),
    void *arg);

/*
 * Stop as the terminal's user wants it, and return when he wants it to go on.
 */
void catch_stop(void);

/*
 * After CATCH_CONTINUE: whoever stopped the program may have left the terminal
 * as he wants it.
 */
void catch_continue(void);

/*
 * Signals do again what they did before.  If one asked for the end, the
 * process ends by it here.
 */
void catch_end(void);

#endif
