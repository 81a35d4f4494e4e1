/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What has no reply yet, to be asked again.
 */

#include "config.h"

#include "lib/core/session.h"

#include <string.h>

void
core_session_find_barrier(struct appmsg_session *s)
{
	const struct core_request *one;

	s->barrier_pos = CORE_NO_BARRIER;
	for (size_t i = 0; i < s->asked.n; i++) {
		one = core_queue_get(&s->asked, i);
		if (one->closes && !one->answered) {
			s->barrier_pos = one->pos + one->len;
			return;
		}
	}
}

size_t
appmsg_session_unanswered(const struct appmsg_session *session)
{
	return session->asked.n - session->asked.n_answered;
}

int
appmsg_session_unanswered_get(const struct appmsg_session *session,
    size_t index, struct appmsg_request *request)
{
	const struct core_queue *asked = &session->asked;
	const struct core_request *one;
	size_t i = index;

	if (index >= asked->n - asked->n_answered)
		return APPMSG_ENOENT;
	if (asked->n_answered > 0) {
		i = 0;
		for (size_t left = index + 1; ; i++)
			if (!core_queue_get(asked, i)->answered &&
			    --left == 0)
				break;
	}
	one = core_queue_get(asked, i);
	request->tag = one->tag;
	request->message = core_session_message(session, one);
	request->len = one->len;
	request->sent = session->sent_pos >= one->pos + one->len;
	return 0;
}

void
appmsg_session_restart(struct appmsg_session *session)
{
	struct appmsg_session *s = session;
	struct core_request *one;
	bool moves = s->asked.n_answered > 0;
	char *to;

	core_session_settle(s);
	core_buf_drop(&s->in, s->in.len);
	s->need = 0;
	s->eof = false;
	s->error = 0;
	s->kept = s->at_once;
	core_queue_compact(&s->asked);
	s->sent_pos = s->out_pos;
	for (size_t i = 0; moves && i < s->asked.n; i++) {
		one = core_queue_get(&s->asked, i);
		to = s->out.data + s->out.start + (s->sent_pos - s->out_pos);
		memmove(to, core_session_message(s, one), one->len);
		one->pos = s->sent_pos;
		s->sent_pos += one->len;
		if (one->id == CORE_ID_MADE)
			core_ask_put_id(to + one->id_at,
			    core_queue_id(&s->asked, i));
	}
	if (moves)
		s->out.len = (size_t)(s->sent_pos - s->out_pos);
	s->sent_pos = s->out_pos;
	core_session_find_barrier(s);
}

void
appmsg_session_forget(struct appmsg_session *session)
{
	struct appmsg_session *s = session;

	/* What is behind would be taken for replies to what is asked next. */
	if (s->error == 0 && core_session_in_flight(s))
		s->error = APPMSG_EOF;
	core_queue_forget(&s->asked);
	s->barrier_pos = CORE_NO_BARRIER;
	s->sent_pos = core_session_end(s);
}

/* Behind what was asked there; there is room for it. */
static void
append(struct appmsg_session *to, const struct appmsg_session *from,
    const struct core_request *one)
{
	char *at = to->out.data + to->out.start + to->out.len;
	struct core_request *copy;

	memcpy(at, core_session_message(from, one), one->len);
	if (one->id == CORE_ID_MADE)
		core_ask_put_id(at + one->id_at,
		    core_queue_id(&to->asked, to->asked.n));
	copy = core_queue_add(&to->asked);
	*copy = *one;
	copy->pos = core_session_end(to);
	to->out.len += one->len;
	if (one->closes && to->barrier_pos == CORE_NO_BARRIER)
		to->barrier_pos = core_session_end(to);
}

/* All that has no reply, behind one that has one, unless that is NULL. */
static int
append_all(struct appmsg_session *to, const struct appmsg_session *from,
    const struct core_request *first)
{
	const struct core_queue *asked = &from->asked;
	size_t len = first != NULL ? first->len : 0;

	for (size_t i = 0; i < asked->n; i++)
		len += core_queue_get(asked, i)->len;
	if (core_queue_reserve(&to->alloc, &to->asked, asked->n + 1) != 0 ||
	    core_buf_reserve(&to->alloc, &to->out, len) != 0)
		return APPMSG_ENOMEM;
	if (first != NULL)
		append(to, from, first);
	for (size_t i = 0; i < asked->n; i++)
		if (!core_queue_get(asked, i)->answered)
			append(to, from, core_queue_get(asked, i));
	return 0;
}

int
appmsg_session_move(struct appmsg_session *to, struct appmsg_session *from)
{
	int error;

	if (to == from)
		return APPMSG_EINVAL;
	if ((error = append_all(to, from, NULL)) == 0)
		appmsg_session_forget(from);
	return error;
}

int
core_session_copy(struct appmsg_session *to, const struct appmsg_session *from)
{
	const struct appmsg_reply *reply = &from->reply;

	return append_all(to, from, reply->asked ? &reply->request : NULL);
}

bool
core_session_in_flight(const struct appmsg_session *s)
{
	return s->asked.n > 0 && s->sent_pos > core_queue_get(&s->asked, 0)->pos;
}
