/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The side of a session that reads: bytes become messages, and those the
 * replies to requests.
 */

#include "config.h"

#include "lib/core/session.h"

#include <string.h>

#include "lib/length.h"
#include "lib/str.h"

void
core_session_settle(struct appmsg_session *s)
{
	uint64_t pos = s->asked.n > 0 ? core_queue_get(&s->asked, 0)->pos :
	    core_session_end(s);

	core_buf_drop(&s->in, s->taken);
	s->taken = 0;
	core_buf_drop(&s->out, (size_t)(pos - s->out_pos));
	s->out_pos = pos;
	/* Such as was answered before it was sent. */
	if (s->sent_pos < pos)
		s->sent_pos = pos;
}

char *
appmsg_session_room(struct appmsg_session *session, size_t least,
    size_t *size)
{
	struct core_buf *in = &session->in;

	core_session_settle(session);
	if (core_buf_reserve(&session->alloc, in, least) != 0)
		return NULL;
	*size = in->cap - in->start - in->len;
	return in->data + in->start + in->len;
}

void
appmsg_session_came(struct appmsg_session *session, size_t len)
{
	struct core_buf *in = &session->in;
	size_t room = in->cap - in->start - in->len;

	/* More cannot have been put there. */
	in->len += len < room ? len : room;
}

int
appmsg_session_feed(struct appmsg_session *session, const void *data,
    size_t len)
{
	size_t size;
	char *to;

	if (len == 0)
		return 0;
	if ((to = appmsg_session_room(session, len, &size)) == NULL)
		return APPMSG_ENOMEM;
	memcpy(to, data, len);
	session->in.len += len;
	return 0;
}

void
appmsg_session_eof(struct appmsg_session *session)
{
	session->eof = true;
}

bool
appmsg_session_is_over(const struct appmsg_session *session)
{
	return session->error != 0;
}

size_t
appmsg_session_unread(const struct appmsg_session *session)
{
	return session->in.len - session->taken;
}

/* The index of the request whose id this is, as far as there is one. */
static size_t
find_by_id(const struct appmsg_session *s, const struct appmsg_id *id)
{
	const struct core_queue *asked = &s->asked;
	uint64_t made;

	/* One that was made up says where it is. */
	if (id->kind == APPMSG_ID_INT && id->num >= (int64_t)CORE_ID_FIRST &&
	    id->num < (int64_t)(CORE_ID_FIRST + CORE_ID_COUNT)) {
		made = (uint64_t)id->num - CORE_ID_FIRST + CORE_ID_COUNT -
		    asked->number % CORE_ID_COUNT;
		made %= CORE_ID_COUNT;
		if (made < asked->n &&
		    core_queue_get(asked, made)->id == CORE_ID_MADE &&
		    !core_queue_get(asked, made)->answered)
			return (size_t)made;
	}
	for (size_t i = 0; i < asked->n; i++) {
		const struct core_request *one = core_queue_get(asked, i);
		const struct appmsg_str str = {
			one->id == CORE_ID_STRING ?
			    core_session_message(s, one) + one->id_at : NULL,
			one->id_len, one->id_flags
		};

		if (one->answered)
			continue;
		if (id->kind == APPMSG_ID_INT ? one->id == CORE_ID_INT &&
		    one->num == id->num : str.raw != NULL &&
		    str_same(&str, &id->str))
			return i;
	}
	return asked->n;
}

/* Whose reply it is. */
static int
session_match(struct appmsg_session *s, struct appmsg_reply *reply)
{
	struct core_request *request;
	size_t index = 0;

	reply->asked = false;
	/* Before a word of ours, a server can only turn us away. */
	if (s->asked.n == 0)
		return reply->keeps ? APPMSG_EPROTO : 0;
	if (reply->id.kind != APPMSG_ID_NONE &&
	    (index = find_by_id(s, &reply->id)) == s->asked.n) {
		/* One that did not ask for an id does not look at any. */
		index = 0;
		if (core_queue_get(&s->asked, 0)->id != CORE_ID_NONE)
			return APPMSG_EPROTO;
	}
	request = core_queue_get(&s->asked, index);
	/* No more can one stay who has not been told all. */
	if (reply->keeps && s->sent_pos < request->pos + request->len)
		return APPMSG_EPROTO;
	reply->asked = true;
	reply->request = *request;
	core_queue_answer(&s->asked, index);
	return 0;
}

/*
 * A header is an object, so what cannot begin one is told at once.  Else the
 * text of some other service would be awaited as the header whose length its
 * first two letters seem to name.
 */
static bool
is_foreign(char first)
{
	return first != '{' && first != ' ' && first != '\t' &&
	    first != '\n' && first != '\r';
}

/* A header that is remembered. */
static void
take_fit(struct appmsg_reply *reply, const struct core_fit *fit)
{
	const struct core_head *head = fit->head;

	reply->hdr = &head->hdr;
	reply->content_len = (size_t)fit->content_len;
	reply->id = head->hdr.id;
	if (head->id_start > 0)
		reply->id.num = (int64_t)fit->id;
	reply->status = head->status;
	reply->keeps = head->keeps;
	reply->json = head->json;
}

/* One that is not. */
static int
take_slow(struct appmsg_session *s, struct appmsg_reply *reply,
    const char *data, size_t len)
{
	struct appmsg_header *hdr = &reply->own;
	size_t used;

	if (appmsg_header_decode(data, len, hdr, &used) != 0 ||
	    hdr->flaw != APPMSG_FLAW_NONE)
		return APPMSG_EPROTO;
	if (hdr->content_length > SIZE_MAX / 2)
		return APPMSG_E2BIG;
	reply->hdr = hdr;
	reply->content_len = (size_t)hdr->content_length;
	reply->id = hdr->id;
	reply->status = core_head_status(hdr);
	reply->keeps = core_head_keeps(hdr);
	reply->json = core_head_is_json(hdr);
	if (!s->slow)
		core_heads_remember(&s->heads, data, len, hdr);
	return 0;
}

/* Look for a whole reply among the bytes that came. */
static int
session_parse(struct appmsg_session *s, struct appmsg_reply *reply)
{
	size_t len = s->in.len, header;
	const char *data;
	struct core_fit fit;
	int error;

	if (len < APPMSG_LENGTH_SIZE)
		return APPMSG_EAGAIN;
	data = s->in.data + s->in.start;
	if (len > APPMSG_LENGTH_SIZE && is_foreign(data[APPMSG_LENGTH_SIZE]))
		return APPMSG_EPROTO;
	if (len < s->need)
		return APPMSG_EAGAIN;
	header = APPMSG_LENGTH_SIZE + length_get(data);
	if (len < header) {
		s->need = header;
		return APPMSG_EAGAIN;
	}
	if (!s->slow && core_heads_find(&s->heads, data, header, &fit))
		take_fit(reply, &fit);
	else if ((error = take_slow(s, reply, data, header)) != 0)
		return error;
	if (reply->content_len > s->max_content)
		return APPMSG_E2BIG;
	s->need = header + reply->content_len;
	if (len < s->need)
		return APPMSG_EAGAIN;
	s->taken = s->need;
	s->need = 0;
	reply->header_text = data + APPMSG_LENGTH_SIZE;
	reply->header_len = header - APPMSG_LENGTH_SIZE;
	reply->content = data + header;
	reply->is_read = reply->is_told = false;
	return 0;
}

/* What the reply says of the connection. */
static void
session_note(struct appmsg_session *s, const struct appmsg_reply *reply)
{
	s->kept = true;
	if (!reply->keeps)
		s->error = APPMSG_EOF;
	else if (reply->request.closes)
		core_session_find_barrier(s);
}

int
appmsg_session_reply(struct appmsg_session *session,
    const struct appmsg_reply **reply)
{
	struct appmsg_session *s = session;
	int error;

	core_session_settle(s);
	if (s->error != 0)
		return s->error;
	error = session_parse(s, &s->reply);
	if (error == APPMSG_EAGAIN && s->eof)
		error = APPMSG_EOF;
	if (error == 0)
		error = session_match(s, &s->reply);
	if (error != 0) {
		if (error != APPMSG_EAGAIN)
			s->error = error;
		return error;
	}
	session_note(s, &s->reply);
	*reply = &s->reply;
	return 0;
}
