/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WORKLESS_H
#define WORKLESS_H

/*
 * A server that does no work: for each request of a fixed length it writes a
 * reply that was made before, in which only the id is the request's.  What a
 * client drives it to is what the client itself can drive.
 */

#include <stdbool.h>
#include <stddef.h>

struct plan;

struct workless;

/* Borrowed until it is stopped. */
struct workless_script {
	size_t request_len, request_id_at;
	const char *reply;
	size_t reply_len;
	size_t reply_id_at;	/* reply_len: it has none */
	bool closes;		/* after each reply */
};

/*
 * Start one with so many threads, and have plan say where it is: at a unix
 * socket without a name in any folder, which only this process gets answers
 * from.
 *
 * Returns it, owned by the caller, workless_stop(); NULL with errno.
 */
struct workless *workless_start(const struct workless_script *script,
    int threads, struct plan *plan);

void workless_stop(struct workless *workless);

#endif
