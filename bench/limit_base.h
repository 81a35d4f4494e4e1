/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LIMIT_BASE_H
#define LIMIT_BASE_H

/*
 * What the servers that do no work have in common: where they listen, the
 * reply, and the loop.  What goes wrong at the start ends the program.
 */

#include <stdbool.h>
#include <stddef.h>

#define LIMIT_REPLIES	1024	/* in a row, for one write */

struct limit {
	char *replies;		/* LIMIT_REPLIES times the same one */
	size_t reply_size;	/* bytes, as the other */
	size_t request_size;
	bool closing;		/* after one request */
};

/*
 * Take the last arguments: REQUEST-SIZE REPLY-FILE.
 */
void limit_load(struct limit *, const char *request_size, const char *path);

/*
 * Listen on A.B.C.D:PORT or on /path.  Returns the descriptor.
 */
int limit_listen(const char *text);

/*
 * Write all, waiting where the socket is full.
 *
 * Returns false where it is broken.
 */
bool limit_write(int fd, const char *p, size_t len);

/*
 * Serve for ever.
 *
 * accept_cb  makes a connection of a descriptor, and returns what serve_cb is
 *            called with; NULL: it has ended already
 * serve_cb   there is something to read
 */
void limit_run(int listener, void *(*accept_cb)(int fd),
    bool (*serve_cb)(void *)) __attribute__((noreturn));

#endif
