/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A session, and the side of it that asks.
 */

#include "config.h"

#include "lib/core/session.h"

#include <string.h>

#define SESSION_MAX_CONTENT	((size_t)1 << 30)

static int
options_take(struct appmsg_session_options *options,
    const struct appmsg_session_options *given)
{
	if (given == NULL)
		return 0;
	if (given->size < sizeof(given->size))
		return APPMSG_EINVAL;
	for (size_t i = sizeof(*given); i < given->size; i++)
		if (((const char *)given)[i] != 0)
			return APPMSG_EINVAL;
	memcpy(options, given, given->size < sizeof(*options) ? given->size :
	    sizeof(*options));
	return 0;
}

void
core_session_set_max(struct appmsg_session *s, size_t max_content)
{
	s->max_content = max_content != 0 ? max_content : SESSION_MAX_CONTENT;
}

int
appmsg_session_new(struct appmsg_session **session,
    const struct appmsg_session_options *given)
{
	struct appmsg_session_options options = { .size = sizeof(options) };
	const struct appmsg_alloc *alloc;
	struct appmsg_session *s;
	int error = options_take(&options, given);

	if (error != 0)
		return error;
	alloc = options.alloc != NULL ? options.alloc : &core_alloc_libc;
	if (alloc->malloc_cb == NULL || alloc->realloc_cb == NULL ||
	    alloc->free_cb == NULL)
		return APPMSG_EINVAL;
	if ((s = alloc->malloc_cb(alloc->arg, sizeof(*s))) == NULL)
		return APPMSG_ENOMEM;
	memset(s, 0, sizeof(*s));
	s->alloc = *alloc;
	core_session_set_max(s, options.max_content);
	s->at_once = s->kept = options.at_once;
	s->barrier_pos = CORE_NO_BARRIER;
	s->reply.session = s;
	*session = s;
	return 0;
}

void
appmsg_session_free(struct appmsg_session *session)
{
	struct appmsg_alloc alloc;

	if (session == NULL)
		return;
	alloc = session->alloc;
	core_buf_clear(&alloc, &session->out);
	core_buf_clear(&alloc, &session->in);
	core_buf_clear(&alloc, &session->text);
	core_queue_clear(&alloc, &session->asked);
	alloc.free_cb(alloc.arg, session);
}

void
core_session_set_slow(struct appmsg_session *s, bool slow)
{
	s->slow = slow;
}

static int
buf_give(struct core_buf *buf, void *memory, size_t size)
{
	if (buf->data != NULL)
		return APPMSG_EINVAL;
	buf->data = memory;
	buf->cap = size;
	buf->given = true;
	return 0;
}

int
appmsg_session_give(struct appmsg_session *session,
    enum appmsg_buffer buffer, void *memory, size_t size)
{
	switch (buffer) {
	case APPMSG_BUFFER_OUT:
		return buf_give(&session->out, memory, size);
	case APPMSG_BUFFER_IN:
		return buf_give(&session->in, memory, size);
	case APPMSG_BUFFER_TEXT:
		return buf_give(&session->text, memory, size);
	case APPMSG_BUFFER_ASKED:
		if (session->asked.all != NULL)
			return APPMSG_EINVAL;
		core_queue_give(&session->asked, memory, size);
		return 0;
	}
	return APPMSG_EINVAL;
}

/*
 * Have room for a message of len bytes, of which more are written.
 *
 * Returns where it goes, or NULL.
 */
static char *
request_room(struct appmsg_session *s, size_t len)
{
	if (core_queue_reserve(&s->alloc, &s->asked, 1) != 0 ||
	    core_buf_reserve(&s->alloc, &s->out, len) != 0)
		return NULL;
	return s->out.data + s->out.start + s->out.len;
}

/* A message of len bytes was written there. */
static struct core_request *
request_add(struct appmsg_session *s, size_t len, bool closes, void *tag)
{
	struct core_request *request = core_queue_add(&s->asked);

	request->tag = tag;
	request->pos = core_session_end(s);
	request->len = len;
	request->closes = closes;
	s->out.len += len;
	if (closes && s->barrier_pos == CORE_NO_BARRIER)
		s->barrier_pos = core_session_end(s);
	return request;
}

static int
session_ask(struct appmsg_session *s, const struct appmsg_query *query,
    void *tag, bool binary)
{
	struct core_request *request;
	struct core_ask ask;
	size_t len, id_at;
	char *to;
	int error = core_ask_measure(&ask, binary ? &s->binary_head :
	    &s->search_head, query, binary);

	if (error != 0)
		return error;
	len = ask.header_len + ask.content_len;
	if ((to = request_room(s, len + CORE_ASK_SLACK)) == NULL)
		return APPMSG_ENOMEM;
	core_ask_write(&ask, to, core_queue_id(&s->asked, s->asked.n), &id_at);
	request = request_add(s, len, ask.query->close, tag);
	request->json = !binary;
	if (id_at > 0) {
		request->id = CORE_ID_MADE;
		request->id_at = id_at;
	}
	return 0;
}

int
appmsg_session_search(struct appmsg_session *session,
    const struct appmsg_query *query, void *tag)
{
	return session_ask(session, query, tag, false);
}

int
appmsg_session_binary(struct appmsg_session *session,
    const struct appmsg_query *query, void *tag)
{
	return session_ask(session, query, tag, true);
}

/* Note the caller's id, which must be one for its reply to be known. */
static int
note_id(struct core_request *noted, const struct appmsg_id *id,
    const char *message, size_t header_len)
{
	struct appmsg_header hdr;
	size_t used;

	noted->id = CORE_ID_NONE;
	switch (id->kind) {
	case APPMSG_ID_NONE:
		return 0;
	case APPMSG_ID_INT:
		noted->id = CORE_ID_INT;
		noted->num = id->num;
		return 0;
	case APPMSG_ID_STRING:
		break;
	}
	if (appmsg_header_decode(message, header_len, &hdr, &used) != 0 ||
	    hdr.id.kind != APPMSG_ID_STRING)
		return APPMSG_EINVAL;
	noted->id = CORE_ID_STRING;
	noted->id_at = (size_t)(hdr.id.str.raw - message);
	/* Six bytes of text for one at most, of 256. */
	noted->id_len = (unsigned short)hdr.id.str.len;
	noted->id_flags = hdr.id.str.flags;
	return 0;
}

int
appmsg_session_raw(struct appmsg_session *session,
    const struct appmsg_header *hdr, const void *content, size_t len,
    void *tag)
{
	struct appmsg_header h = *hdr;
	struct core_request noted = { 0 }, *request;
	size_t header_len;
	char *to;
	int error;

	h.content_length = len;
	appmsg_header_encode(&h, NULL, 0, &header_len);
	if (header_len > APPMSG_LENGTH_SIZE + APPMSG_HEADER_MAX)
		return APPMSG_E2BIG;
	if (len > SIZE_MAX / 4 ||
	    (to = request_room(session, header_len + len)) == NULL)
		return APPMSG_ENOMEM;
	if ((error = appmsg_header_encode(&h, to, header_len,
	    &header_len)) != 0 ||
	    (error = note_id(&noted, &h.id, to, header_len)) != 0)
		return error;
	if (len > 0)
		memcpy(to + header_len, content, len);
	request = request_add(session, header_len + len,
	    h.connection.raw != NULL && !core_head_keeps(&h), tag);
	request->json = core_head_is_json(&h);
	request->id = noted.id;
	request->num = noted.num;
	request->id_at = noted.id_at;
	request->id_len = noted.id_len;
	request->id_flags = noted.id_flags;
	return 0;
}

/* Until where may be sent. */
static uint64_t
limit_pos(const struct appmsg_session *s)
{
	const struct core_request *first;
	uint64_t end = core_session_end(s);

	if (s->error != 0 || s->eof)
		return s->sent_pos;
	if (!s->kept && s->asked.n > 0) {
		first = core_queue_get(&s->asked, 0);
		return first->pos + first->len;
	}
	return s->barrier_pos < end ? s->barrier_pos : end;
}

size_t
appmsg_session_out(const struct appmsg_session *session, const char **data)
{
	uint64_t limit = limit_pos(session);

	if (limit <= session->sent_pos) {
		*data = NULL;
		return 0;
	}
	*data = session->out.data + session->out.start +
	    (session->sent_pos - session->out_pos);
	return (size_t)(limit - session->sent_pos);
}

void
appmsg_session_sent(struct appmsg_session *session, size_t len)
{
	uint64_t left = limit_pos(session) - session->sent_pos;

	/* More cannot have been sent. */
	session->sent_pos += len < left ? len : left;
}
