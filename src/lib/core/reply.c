/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a reply means: by its status, or, from a server that gives none, by the
 * words of its text.
 */

#include "config.h"

#include "lib/core/session.h"

#include "lib/length.h"
#include "lib/str.h"

static const char reply_error[] = "Error: ";

/* In double quotes, or in single ones as the tutorial's server has it since
 * 2022. */
static const struct appmsg_str reply_miss[] = {
	APPMSG_STR("No match for \""), APPMSG_STR("No match for '")
};
static const struct appmsg_str reply_miss_end[] = {
	APPMSG_STR("\"."), APPMSG_STR("'.")
};

void *
appmsg_reply_tag(const struct appmsg_reply *reply)
{
	return reply->asked ? reply->request.tag : NULL;
}

bool
appmsg_reply_is_asked(const struct appmsg_reply *reply)
{
	return reply->asked;
}

bool
appmsg_reply_is_kept(const struct appmsg_reply *reply)
{
	return reply->keeps;
}

bool
appmsg_reply_has_status(const struct appmsg_reply *reply)
{
	return reply->status != APPMSG_STATUS_NONE;
}

/* The value of the search that was asked, as it stands in the message. */
static bool
find_key(const struct appmsg_reply *reply, struct appmsg_str *key)
{
	const struct core_request *request = &reply->request;
	const char *message;
	size_t header;

	if (!reply->asked)
		return false;
	message = core_session_message(reply->session, request);
	header = APPMSG_LENGTH_SIZE + length_get(message);
	return appmsg_content_find(message + header, request->len - header,
	    "value", key) == 0;
}

/*
 * Is it, to the byte, the text that says that there is no such key?
 */
static bool
is_miss(const struct appmsg_reply *reply)
{
	struct appmsg_str parts[3];

	if (!find_key(reply, &parts[1]))
		return false;
	for (size_t i = 0; i < sizeof(reply_miss) / sizeof(*reply_miss); i++) {
		parts[0] = reply_miss[i];
		parts[2] = reply_miss_end[i];
		if (str_is_joined(&reply->result, parts, 3))
			return true;
	}
	return false;
}

/*
 * What the text says.  Bytes that were sent are answered by bytes, of whatever
 * kind; a search is answered by a text, or not at all.
 */
static enum appmsg_status
status_by_text(struct appmsg_reply *reply)
{
	bool search = reply->asked && reply->request.json;

	core_reply_read(reply);
	if (reply->error != 0 || reply->result.raw == NULL ||
	    (reply->result.flags & APPMSG_STR_LONE))
		return search || !reply->asked ? APPMSG_STATUS_NONE :
		    APPMSG_STATUS_FOUND;
	if (search && is_miss(reply))
		return APPMSG_STATUS_NOT_FOUND;
	if (str_begins(&reply->result, reply_error, sizeof(reply_error) - 1))
		return APPMSG_STATUS_ERROR;
	/* What nobody asked for is no answer. */
	return reply->asked ? APPMSG_STATUS_FOUND : APPMSG_STATUS_NONE;
}

enum appmsg_status
appmsg_reply_status(const struct appmsg_reply *reply)
{
	struct appmsg_reply *r = &reply->session->reply;

	if (r->status != APPMSG_STATUS_NONE)
		return r->status;
	if (!r->is_told) {
		r->told = status_by_text(r);
		r->is_told = true;
	}
	return r->told;
}

struct appmsg_str
appmsg_reply_error(const struct appmsg_reply *reply)
{
	return reply->hdr->error;
}

int
appmsg_reply_result(const struct appmsg_reply *reply,
    struct appmsg_str *result)
{
	core_reply_read(&reply->session->reply);
	if (reply->error != 0)
		return reply->error;
	if (reply->result.raw == NULL)
		return APPMSG_ENOENT;
	*result = reply->result;
	return 0;
}

int
appmsg_reply_text(const struct appmsg_reply *reply, const char **text,
    size_t *len)
{
	struct appmsg_session *s = reply->session;
	struct appmsg_str result;
	int error = appmsg_reply_result(reply, &result);

	if (error != 0)
		return error;
	if (result.flags & APPMSG_STR_LONE)
		return APPMSG_EILSEQ;
	if (!(result.flags & APPMSG_STR_ESCAPED)) {
		*text = result.raw;
		*len = result.len;
		return 0;
	}
	if (core_buf_reserve(&s->alloc, &s->text, result.len) != 0)
		return APPMSG_ENOMEM;
	*text = s->text.data;
	return appmsg_str_decode(&result, s->text.data, s->text.cap, len);
}

struct appmsg_id
appmsg_reply_id(const struct appmsg_reply *reply)
{
	return reply->id;
}

const char *
appmsg_reply_content(const struct appmsg_reply *reply, size_t *len)
{
	*len = reply->content_len;
	return reply->content;
}

struct appmsg_str
appmsg_reply_type(const struct appmsg_reply *reply)
{
	return reply->hdr->content_type;
}

void
appmsg_reply_message(const struct appmsg_reply *reply,
    struct appmsg_message *message)
{
	message->header = *reply->hdr;
	message->header.content_length = reply->content_len;
	message->header.id = reply->id;
	message->header_text = reply->header_text;
	message->header_text_len = reply->header_len;
	message->content = reply->content;
	message->content_len = reply->content_len;
}
