/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

/*
 * Private: what a client is made of, and what its modules do with its socket.
 */

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/buf.h"

#define CLIENT_READ_MIN		((size_t)16 * 1024)
#define CLIENT_READ_SOME	((size_t)64 * 1024)
#define CLIENT_WIRE_SOME	((size_t)64 * 1024)

struct appmsg_filter_ops;

struct appmsg_client {
	int fd;
	size_t max_content;
	struct core_buf out;
	struct core_buf in;
	const struct appmsg_filter_ops *ops;	/* NULL: no filter */
	void *filter;		/* owned */
	struct core_buf wire;	/* with a filter: to be sent, out of out */
	size_t taken;		/* bytes of in that the last message has */
	size_t need;		/* bytes of in before it is worth to look */
	bool write_broken;	/* nobody reads what we send any more */
	int read_error;		/* errno of a failed read, sticky */
	int filter_error;	/* of a filter that is broken, sticky */
	bool corked;		/* what is sent waits in out */
	bool eof;
};

/*
 * Write what the socket takes of some bytes; what nobody reads is dropped.
 */
void client_write(struct appmsg_client *, struct core_buf *);

/*
 * Note what was read, or why nothing was.
 */
void client_note_read(struct appmsg_client *, ssize_t n);

/*
 * What ended the connection for us, if anything has, with errno.
 */
int client_ended(const struct appmsg_client *);

/*
 * Of a client with a filter: read once what there is, and see what is in it.
 *
 * Returns 0.
 */
int client_fill_opened(struct appmsg_client *);

#endif
