/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A reply is copied out of the connection's buffer, unescaped, since it is
 * printed when the connection may be gone already.
 */

#include "config.h"

#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "appmsg.h"

static const char reply_error_prefix[] = "Error: ";
static const char reply_miss_before[] = "No match for ";

/* In the order of enum reply_outcome. */
static const char *const reply_words[] = {
	"found", "not-found", "error", "busy", "denied", "unavailable"
};

const char *
reply_status(enum reply_outcome outcome)
{
	return reply_words[outcome];
}

void
reply_clear(struct reply *reply)
{
	free(reply->data);
	free(reply->code);
	free(reply->type);
	memset(reply, 0, sizeof(*reply));
}

static int
reply_reserve(struct reply *reply, size_t len)
{
	char *data;

	/* Also for no bytes, so that data is never NULL. */
	if (reply->data != NULL && len <= reply->cap)
		return 0;
	if ((data = realloc(reply->data, len + 1)) == NULL)
		return APPMSG_ENOMEM;
	reply->data = data;
	reply->cap = len;
	return 0;
}

/* Replace *copy by a string of the header, or by NULL where it has none. */
static int
reply_copy(char **copy, const struct appmsg_str *str)
{
	size_t len;

	free(*copy);
	*copy = NULL;
	if (str->raw == NULL)
		return 0;
	if ((*copy = malloc(str->len + 1)) == NULL)
		return APPMSG_ENOMEM;
	if (appmsg_str_decode(str, *copy, str->len, &len) != 0)
		return APPMSG_EPROTO;
	(*copy)[len] = '\0';
	return 0;
}

/* Take the outcome from "status"; false when there is none that we know. */
static bool
reply_read_status(struct reply *reply, const struct appmsg_header *hdr)
{
	for (size_t i = 0; i < sizeof(reply_words) / sizeof(*reply_words); i++)
		if (appmsg_str_eq(&hdr->status, reply_words[i],
		    strlen(reply_words[i]))) {
			reply->outcome = (enum reply_outcome)i;
			return true;
		}
	return false;
}

static int
reply_read_header(struct reply *reply, const struct appmsg_header *hdr)
{
	static const char keep_alive[] = "keep-alive";
	int error;

	reply->outcome = REPLY_FOUND;
	reply->is_text = false;
	reply->len = 0;
	reply->keep_alive = appmsg_str_eq(&hdr->connection, keep_alive,
	    sizeof(keep_alive) - 1);
	if ((error = reply_copy(&reply->code, &hdr->error)) != 0)
		return error;
	return reply_copy(&reply->type, &hdr->content_type);
}

static bool
reply_is_json(const struct appmsg_header *hdr)
{
	static const char json[] = "text/json";

	return appmsg_str_eq(&hdr->content_type, json, sizeof(json) - 1);
}

/* Take the text of "result"; APPMSG_EPROTO when there is none. */
static int
reply_read_text(struct reply *reply, const struct appmsg_message *msg)
{
	struct appmsg_str str;
	int error;

	if (appmsg_content_find(msg->content, msg->content_len, "result",
	    &str) != 0)
		return APPMSG_EPROTO;
	if ((error = reply_reserve(reply, str.len)) != 0)
		return error;
	if (appmsg_str_decode(&str, reply->data, reply->cap, &reply->len) != 0)
		return APPMSG_EPROTO;
	reply->is_text = true;
	return 0;
}

static bool
reply_is_error(const struct reply *reply)
{
	size_t len = sizeof(reply_error_prefix) - 1;

	return reply->len >= len &&
	    memcmp(reply->data, reply_error_prefix, len) == 0;
}

/*
 * Is it, to the byte, the text that says that there is no such key?  It has
 * the key in double quotes, or in single ones as the tutorial's server has it
 * since 2022.
 */
static bool
reply_is_miss(const struct reply *reply, const char *key, size_t len)
{
	size_t before = sizeof(reply_miss_before) - 1;
	const char *quote = reply->data + before;

	return reply->len == before + len + 3 &&
	    memcmp(reply->data, reply_miss_before, before) == 0 &&
	    (*quote == '"' || *quote == '\'') &&
	    memcmp(quote + 1, key, len) == 0 &&
	    quote[len + 1] == *quote && quote[len + 2] == '.';
}

int
reply_read_search(struct reply *reply, const struct appmsg_message *msg,
    const char *key, size_t len)
{
	int error;

	if (!reply_is_json(&msg->header))
		return APPMSG_EPROTO;
	if ((error = reply_read_header(reply, &msg->header)) != 0 ||
	    (error = reply_read_text(reply, msg)) != 0)
		return error;
	if (reply_read_status(reply, &msg->header))
		return 0;
	if (reply_is_miss(reply, key, len))
		reply->outcome = REPLY_MISSED;
	else if (reply_is_error(reply))
		reply->outcome = REPLY_ERROR;
	return 0;
}

int
reply_read_binary(struct reply *reply, const struct appmsg_message *msg)
{
	bool has_status;
	int error;

	if ((error = reply_read_header(reply, &msg->header)) != 0)
		return error;
	has_status = reply_read_status(reply, &msg->header);
	if (reply_is_json(&msg->header) &&
	    (!has_status || reply->outcome > REPLY_MISSED)) {
		error = reply_read_text(reply, msg);
		if (error == 0 && (has_status || reply_is_error(reply))) {
			if (!has_status)
				reply->outcome = REPLY_ERROR;
			return 0;
		}
		if (error == APPMSG_ENOMEM)
			return error;
		/* JSON of some other kind: bytes like any others. */
		reply->is_text = false;
	}
	if ((error = reply_reserve(reply, msg->content_len)) != 0)
		return error;
	memcpy(reply->data, msg->content, msg->content_len);
	reply->len = msg->content_len;
	return 0;
}
