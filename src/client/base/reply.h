/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

/*
 * What a message of the server means: by its "status", or, from a server that
 * has none, by the words of its text.
 */

#include <stdbool.h>
#include <stddef.h>

#include <json.h>

struct appmsg_header;
struct appmsg_message;
struct query;

enum reply_outcome {
	REPLY_FOUND,
	REPLY_MISSED,
	REPLY_ERROR,
	REPLY_BUSY,
	REPLY_DENIED,
	REPLY_UNAVAILABLE
};

struct reply {
	enum reply_outcome outcome;
	bool is_text;		/* data is the text of a JSON "result" */
	bool keep_alive;	/* the server takes more on this connection */
	char *data;		/* text or bytes; owned, reused, no NUL */
	size_t len;
	size_t cap;
	char *code;		/* the word for an error, or NULL; owned */
	char *type;		/* content-type, NUL-terminated; owned */
	bool has_status;	/* the server gave one that is known */
	struct json_object *header;	/* owned; NULL: not looked at */
	struct json_object *content;	/* same */
	struct json_object *matches;	/* of content, or NULL */
	struct json_object *tables;	/* of content, or NULL: names */
};

/*
 * Read the reply to a search.
 *
 * reply     zeroed before its first use; filled when 0 is returned
 * key, len  what was asked for
 *
 * Returns 0; APPMSG_EPROTO when it is none; APPMSG_ENOMEM.
 */
int reply_read_search(struct reply *reply, const struct appmsg_message *msg,
    const char *key, size_t len);

/*
 * Read the reply to binary content, which is bytes, or the text of an error.
 * Else as reply_read_search().
 */
int reply_read_binary(struct reply *reply, const struct appmsg_message *msg);

/*
 * Read what the reply to a search has beside its text.
 *
 * reply  as reply_read_search() left it; the rest is filled when 0 is returned
 * query  what was asked for: nothing else is looked at
 *
 * Returns 0; APPMSG_EPROTO when there are matches that are none.
 */
int reply_read_more(struct reply *reply, const struct appmsg_message *msg,
    const struct query *query);

/*
 * Read the reply to the action "tables"; one that has no names, and is no
 * error, does not know it.  Else as reply_read_search().
 */
int reply_read_tables(struct reply *reply, const struct appmsg_message *msg);

/*
 * A member of the header, read by reply_read_more(), if it is there and of
 * this type, else NULL; borrowed until the next reply.  An array is one of
 * strings.
 */
struct json_object *reply_member(const struct reply *reply, const char *name,
    enum json_type type);

/*
 * What of the question the server knew nothing of: one that knows neither ways
 * to match nor tables looks for the key itself, in all that it has.
 *
 * Returns the option that says it, or NULL.
 */
const char *reply_unknown(const struct reply *reply,
    const struct query *query);

/*
 * Does the reply say that there are more matches than those?
 */
bool reply_has_more(const struct reply *reply);

/*
 * The protocol's word for an outcome: "found", "not-found", ...
 */
const char *reply_status(enum reply_outcome outcome);

/*
 * The outcome that a header's "status" says.
 *
 * Returns false, with outcome untouched, when it has none that is known.
 */
bool reply_outcome(const struct appmsg_header *hdr,
    enum reply_outcome *outcome);

/*
 * The outcome that a text says, where there is no status.
 *
 * text, len     of "result", unescaped
 * key, key_len  what was asked for
 */
enum reply_outcome reply_judge(const char *text, size_t len, const char *key,
    size_t key_len);

/*
 * Free what a reply owns; it may be used again.
 */
void reply_clear(struct reply *reply);

#endif
