/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAULTS_PAGE_H
#define FAULTS_PAGE_H

#include <stdint.h>

/*
 * What a test and the shim in a daemon tell each other: a file of
 * FAULTS_PAGE_SIZE bytes that both map.  It is named by the environment
 * variable FAULTS_PAGE; without it nothing fails and no clock is wrong.
 *
 * shim.py writes it by the numbers of its words, in this order.
 */

#define FAULTS_PAGE_SIZE	65536
#define FAULTS_MAPS		4096	/* where its last part begins */
#define FAULTS_DEPTH		32	/* return addresses of a backtrace */

struct faults_page {
	/* by the test */
	_Atomic int64_t armed;		/* acquisitions count, and may fail */
	_Atomic int64_t at;		/* which fails, from 1; 0: none */
	_Atomic int64_t rest;		/* not 0: those behind it, too */
	_Atomic int64_t realtime;	/* ns the wall clock is ahead */
	_Atomic int64_t probe;		/* not 0: look at the sandbox */
	/* by the shim */
	_Atomic int64_t seen;		/* acquisitions since it was armed */
	_Atomic int64_t failed;		/* of them, on purpose */
	_Atomic int64_t live;		/* blocks of memory not freed yet */
	_Atomic int64_t probed;		/* errno of a call that no one needs */
	_Atomic int64_t signal;		/* that ends the process */
	int64_t where[FAULTS_DEPTH];	/* the first that failed; 0 ends it */
	int64_t crash[FAULTS_DEPTH];	/* the signal's */
	/* at FAULTS_MAPS: /proc/self/maps, ended by a NUL */
};

/* The page, or one that nobody else sees; never NULL. */
extern struct faults_page *faults_page;

/*
 * Write the caller's backtrace.  Allocates nothing once the shim is set up.
 *
 * where  FAULTS_DEPTH addresses, the innermost first, ended by 0
 */
void faults_trace(int64_t *where);

#endif
