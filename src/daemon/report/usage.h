/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef USAGE_H
#define USAGE_H

/*
 * What the process takes of the system, as it is now: by calls and files that
 * the sandbox and the service leave it.
 */

#include <stdint.h>

struct tell;

/* -1: nobody can tell. */
struct usage {
	uint64_t cpu_ns;	/* of all threads, user and system */
	int64_t resident;	/* bytes */
	int64_t virtual;	/* bytes */
	int64_t open_fds;
	int64_t max_fds;	/* the limit; INT64_MAX: none */
};

/*
 * Fill all of it.
 */
void usage_read(struct usage *);

/*
 * Add it to an object, as the member "process"; what nobody can tell is left
 * out.
 */
void usage_tell(const struct usage *, struct tell *);

#endif
