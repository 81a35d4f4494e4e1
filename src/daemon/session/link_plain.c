/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Bytes through a socket as they are.
 */

#include "config.h"

#include "daemon/session/link.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static ssize_t
plain_read(struct link *l, char *p, size_t len)
{
	ssize_t n = recv(l->fd, p, len, 0);

	/* Later ones are of peers that send by pieces. */
	l->all_read = l->bev == NULL && n < (ssize_t)len;
	return n;
}

/*
 * The last bytes are held back until the socket is shut, which is next: with
 * the end in one segment they cost their peer one wake-up and the server one
 * way through the network less.  That is worth 22% of the CPU time where each
 * request has its connection.
 */
static int
hold_back(struct link *l, bool last)
{
	l->held_back = last && !l->local;
	return l->held_back ? MSG_MORE : 0;
}

/*
 * Piece by piece, since the sandbox lets nobody use sendmsg(2).
 */
static ssize_t
plain_write(struct link *l, const struct link_piece *pieces, size_t n,
    bool last)
{
	ssize_t all = 0, sent;

	if (link_unsent(l) > 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		sent = send(l->fd, pieces[i].p, pieces[i].len, MSG_NOSIGNAL |
		    (i + 1 < n ? MSG_MORE : hold_back(l, last)));
		if (sent == -1)
			return all > 0 && (errno == EAGAIN ||
			    errno == EINTR) ? all : -1;
		l->given += (size_t)sent;
		all += sent;
		if ((size_t)sent < pieces[i].len)
			break;
	}
	return all;
}

static bool
plain_is_readable(const struct link *l)
{
	char c;

	return recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Not where it only sends no more: then it waits for its reply. */
static bool
plain_is_gone(const struct link *l)
{
	struct pollfd p = { .fd = l->fd };

	return poll(&p, 1, 0) == 1;
}

static void
plain_shut(struct link *l)
{
	shutdown(l->fd, SHUT_WR);
}

static void
plain_close(struct link *l)
{
	close(l->fd);
}

/* Those of one turn nearly always. */
#define KEEP_MAX	16384

const struct link_ops link_plain = {
	.read = plain_read,
	.write = plain_write,
	.is_readable = plain_is_readable,
	.is_gone = plain_is_gone,
	.shut = plain_shut,
	.close = plain_close,
	.keep_max = KEEP_MAX
};
