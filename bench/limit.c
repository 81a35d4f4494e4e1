/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * limit: the physical limit.  A server that does no work: it counts bytes,
 * and for each request of a fixed size writes a fixed reply, all of a read in
 * one write.  Nothing that looks at its requests can be faster.
 *
 *	limit ADDRESS REQUEST-SIZE REPLY-FILE [close]
 *
 * close: one request a connection.
 */

#include "config.h"

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "limit_base.h"

struct conn {
	int fd;
	size_t have;		/* bytes of an unfinished request */
};

static char in[1 << 16];
static struct limit limit;

static void
drop(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* Returns whether the connection goes on. */
static bool
serve(void *conn)
{
	struct conn *c = conn;
	ssize_t n = read(c->fd, in, sizeof(in));
	size_t count;

	if (n == -1 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		drop(c);
		return false;
	}
	count = (c->have + (size_t)n) / limit.request_size;
	c->have = (c->have + (size_t)n) % limit.request_size;
	while (count > 0) {
		size_t part = count < LIMIT_REPLIES ? count : LIMIT_REPLIES;

		if (!limit_write(c->fd, limit.replies, part *
		    limit.reply_size) ||
		    limit.closing) {
			drop(c);
			return false;
		}
		count -= part;
	}
	return true;
}

/* The first read is tried at once: the request is often there already. */
static void *
take(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		err(2, NULL);
	c->fd = fd;
	return serve(c) ? c : NULL;
}

int
main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "usage: limit ADDRESS REQUEST-SIZE REPLY-FILE "
		    "[close]");
	limit_load(&limit, argv[2], argv[3]);
	limit.closing = argc > 4;
	limit_run(limit_listen(argv[1]), take, serve);
}
