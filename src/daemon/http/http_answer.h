/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

/*
 * Replies of the core (reply.h) as those of HTTP: its statuses as numbers, its
 * content with "status" and what else a message has in its header behind all
 * members; or what "result" says, alone, as text.
 *
 * An answer has a tag, by which who has it asks whether it is still the same:
 * the hash of its bytes, so that a reload that leaves it as it is leaves the
 * tag, and so does another server that answers the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/http_head.h"
#include "daemon/request/reply.h"

/* Tags that are looked at of those that a request names; more are not ours. */
#define HTTP_TAGS_MAX	4

/* What is kept of a request until its reply. */
struct http_note {
	uint64_t tags[HTTP_TAGS_MAX];	/* of answers that the client has */
	const char *origin;	/* borrowed from the listener: whose pages may
				   read it; NULL: nobody else's */
	unsigned int origin_len;
	unsigned char n;	/* tags */
	bool any;		/* whatever is there is one that it has */
	bool varies;		/* the listener lets others' pages read */
	bool text;		/* the result alone */
	bool bare, old;		/* as in a reply */
};

/* For struct ask, whose note is made by http_note_pack(). */
extern const struct tongue http_tongue;

void http_note_pack(const struct http_note *, uint64_t packed[TONGUE_NOTE]);

/*
 * Note the tags that If-None-Match: has; data NULL: none.
 */
void http_note_tags(struct http_note *, struct http_text);

#endif
