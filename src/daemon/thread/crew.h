/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CREW_H
#define CREW_H

/*
 * Threads that share one piece of work while its caller waits.
 */

/* The most threads of one crew. */
#define CREW_MAX	64

/*
 * How many threads can run at the same time: the processors, at least 1.
 */
unsigned int crew_cores(void);

/*
 * Run a function in several threads at once; the caller's own is number 0.
 * Where no more threads can be had, fewer run, at least the caller's: the
 * function must be one that takes what is left to do.
 *
 * The others take no signals.  Returns when all have ended.
 */
void crew_run(unsigned int threads, void (*work)(unsigned int number,
    void *arg), void *arg);

#endif
