/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Where both streams may be the same terminal, their lines are in order.
 */

#include "config.h"

#include "show.h"

#include <stdio.h>

#include "call.h"
#include "options.h"
#include "output.h"
#include "reply.h"

/* An answer, or the text about a miss or an error. */
static void
show_text(const struct reply *reply, const char *key, size_t len, bool several)
{
	FILE *file = reply->outcome == REPLY_FOUND ? stdout : stderr;

	if (file == stderr)
		output_flush();
	if (!several) {
		output_bytes(file, reply->data, reply->len);
		output_text(file, "\n");
		return;
	}
	/* The text about a miss names its key. */
	if (reply->outcome != REPLY_MISSED) {
		output_field(file, key, len);
		output_text(file,
		    reply->outcome == REPLY_FOUND ? "\t" : ": ");
	}
	output_field(file, reply->data, reply->len);
	output_text(file, "\n");
}

void
show_reply(struct call *call, const struct reply *reply, const char *key,
    size_t len, bool several)
{
	if (reply->outcome != REPLY_MISSED || !call->options->quiet)
		show_text(reply, key, len, several);
}
