/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replies into a link, as far as memory allows where the peer does not take
 * them.
 */

#include "config.h"

#include "daemon/session/session_private.h"

#include "daemon/record/stats.h"

/* Of a turn, around a text that was not copied. */
#define PIECES_MAX	3

void
session_count_sent(struct session *s)
{
	size_t sent = link_sent(&s->link);

	stats_add(s->host->env.stats, STATS_BYTES_OUT, sent - s->sent_counted);
	s->sent_counted = sent;
}

void
session_expect(struct session *s)
{
	s->link.all_read = false;
	s->sent_mark = link_sent(&s->link);
	s->looks = 0;
	deadline_start(&s->host->deadlines, &s->out, DEADLINE_WRITE);
}

/* Leave to the link what was not taken of some pieces. */
static int
queue(struct session *s, const struct link_piece *pieces, size_t n,
    size_t taken)
{
	for (size_t i = 0; i < n; i++) {
		struct link_piece rest = pieces[i];
		size_t done = taken < rest.len ? taken : rest.len;

		taken -= done;
		rest.p += done;
		rest.len -= done;
		if (rest.len == 0)
			continue;
		if (rest.gen == NULL &&
		    session_memory_is_short(s, rest.len)) {
			session_memory_warn(s);
			return -1;
		}
		if (link_queue(&s->link, &rest) != 0)
			return -1;
	}
	return 0;
}

static int
send_pieces(struct session *s, const struct link_piece *pieces, size_t n,
    bool last)
{
	bool waits = link_unsent(&s->link) > 0;
	size_t len = 0;
	ssize_t taken;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].len;
	if (len == 0)
		return 0;
	if ((taken = link_write(&s->link, pieces, n, last)) == -1)
		return -1;
	if (!waits) {
		session_count_sent(s);
		if ((size_t)taken == len && link_unsent(&s->link) == 0)
			return 0;
		session_expect(s);
	}
	return queue(s, pieces, n, (size_t)taken);
}

int
session_send(struct session *s, const struct buf *replies)
{
	const struct link_piece piece = { .p = replies->data,
	    .len = replies->len };

	return send_pieces(s, &piece, 1, false);
}

int
session_send_replies(struct session *s, bool last)
{
	struct buf *out = &s->host->out;
	struct request_lent *lent = &s->host->env.lent;
	struct link_piece pieces[PIECES_MAX] = {
		{ .p = out->data, .len = out->len }
	};
	size_t n = 1;
	int error;

	if (lent->text != NULL) {
		pieces[0].len = lent->at;
		pieces[n++] = (struct link_piece){ .p = lent->text,
		    .len = lent->len, .gen = lent->gen != NULL ?
		    lent->gen : s->host->env.gen };
		if (out->len > lent->at)
			pieces[n++] = (struct link_piece){
			    .p = out->data + lent->at,
			    .len = out->len - lent->at };
	}
	error = send_pieces(s, pieces, n, last);
	request_lent_clear(lent);
	buf_reset(out, SESSION_OUT_KEEP);
	return error;
}

int
session_give_back(struct session *s, uint64_t oldest)
{
	size_t len = link_borrowed_before(&s->link, oldest);

	if (len == 0)
		return 0;
	if (session_memory_is_short(s, len)) {
		session_memory_warn(s);
		return -1;
	}
	if (link_give_back(&s->link) != 0)
		return -1;
	session_account(s);
	return 0;
}
