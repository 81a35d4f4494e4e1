/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One request, one reply, and no opinion on what the bytes mean.
 */

#include "config.h"

#include "binary.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/base/output.h"
#include "client/base/reply.h"

/*
 * Read a file to its end.
 *
 * data  set when 0 is returned; owned by the caller
 *
 * Returns 0, or -1 with errno.
 */
static int
binary_read_all(int fd, char **data, size_t *len)
{
	size_t cap = 0, used = 0;
	char *buf = NULL, *more;
	ssize_t n;

	for (;;) {
		if (cap - used < 65536) {
			cap = cap * 2 + 65536;
			if ((more = realloc(buf, cap)) == NULL)
				break;
			buf = more;
		}
		n = read(fd, buf + used, cap - used);
		if (n > 0) {
			used += (size_t)n;
		} else if (n == 0) {
			*data = buf;
			*len = used;
			return 0;
		} else if (errno != EINTR) {
			break;
		}
	}
	free(buf);
	return -1;
}

/* Queue the bytes; 0 or the library's error. */
static int
binary_send(struct call *call, const char *data, size_t len)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("binary/custom-client-binary-type"),
		.content_encoding = APPMSG_STR("binary"),
		.connection = APPMSG_STR("close")
	};

	return call_send(call, &hdr, data, len);
}

static void
binary_print(const struct call *call, const struct reply *reply)
{
	if (reply->outcome == REPLY_MISSED && call->options->quiet)
		return;
	/* A miss has bytes too, but no file wants those. */
	if (reply->outcome != REPLY_FOUND) {
		output_bytes(stderr, reply->data, reply->len);
		output_end_line(stderr, reply->data, reply->len);
		return;
	}
	output_bytes(stdout, reply->data, reply->len);
	if (output_is_terminal(stdout))
		output_end_line(stdout, reply->data, reply->len);
}

static void
binary_ask(struct call *call, const char *key, const char *data, size_t len)
{
	struct reply reply = { .data = NULL };
	struct appmsg_message msg;
	int error;

	if ((error = binary_send(call, data, len)) != 0) {
		call_error(call, "request", error);
		return;
	}
	if (!call_recv(call, &msg))
		return;
	if ((error = reply_read_binary(&reply, &msg)) == 0) {
		call_count(call, reply.outcome);
		if (!call->options->json)
			binary_print(call, &reply);
		else if (output_json_reply(key, len, &reply) == -1)
			error = APPMSG_ENOMEM;
	}
	if (error != 0)
		call_error(call, "reply", error);
	reply_clear(&reply);
}

void
binary_run(struct call *call)
{
	const char *word = call->options->words[0];
	char *data;
	size_t len;

	if (strcmp(word, "-") != 0) {
		binary_ask(call, word, word, strlen(word));
		return;
	}
	if (binary_read_all(STDIN_FILENO, &data, &len) == -1) {
		warn("standard input");
		call_fail(call, EX_IOERR);
		return;
	}
	binary_ask(call, NULL, data, len);
	free(data);
}
