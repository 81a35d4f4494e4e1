/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The header with what was asked for, and the content behind it.
 */

#include "config.h"

#include "daemon/request/reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/snapshot/generation.h"
#include "lib/scan.h"

#define WHY_MAX		256	/* bytes of an error's text */
#define HEADER_ROOM	512	/* of all but id, type and what is extra */
#define EXPLAIN_ROOM	4096	/* with a long path, escaped */
#define EXTRA_KEEP	((size_t)64 << 10)

static const struct appmsg_str type_json = APPMSG_STR("text/json");
static const struct appmsg_str encoding_utf8 = APPMSG_STR("utf-8");

struct appmsg_id
reply_id(const struct appmsg_id *id, char *buf)
{
	char text[APPMSG_ID_MAX];
	struct appmsg_id reply = *id;
	size_t len;

	if (id->kind != APPMSG_ID_STRING ||
	    !(id->str.flags & APPMSG_STR_ESCAPED))
		return reply;
	if (appmsg_str_decode(&id->str, text, sizeof(text), &len) != 0)
		len = 0;	/* it was decoded before, when it was read */
	reply.str.raw = buf;
	reply.str.len = appmsg_escape(text, len, buf, REPLY_ID_ROOM);
	reply.str.flags = 0;
	return reply;
}

/* Add the members that "explain" asks for. */
static int
explain(const struct ask *ask, const struct reply *r, struct buf *extra)
{
	char text[EXPLAIN_ROOM], file[EXPLAIN_ROOM / 2], loaded[32];
	char place[32] = "";
	const char *path;
	unsigned int line;
	struct tm tm;
	size_t len;
	int n;

	gmtime_r(&ask->gen->loaded_at, &tm);
	strftime(loaded, sizeof(loaded), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (r->table == NULL) {
		n = snprintf(text, sizeof(text), ", \"generation\": %llu, "
		    "\"loaded\": \"%s\"",
		    (unsigned long long)ask->gen->number, loaded);
		return buf_add(extra, text, (size_t)n);
	}
	table_locate(r->table, r->id, &path, &line);
	len = appmsg_escape(path, strlen(path), file, sizeof(file));
	if (len > sizeof(file))
		len = 0;
	if (line != 0)		/* not every format has lines */
		snprintf(place, sizeof(place), "\"line\": %u, ", line);
	n = snprintf(text, sizeof(text), ", \"table\": \"%s\", "
	    "\"generation\": %llu, \"loaded\": \"%s\", \"file\": \"%.*s\", "
	    "%s\"match\": \"%s\"", table_name(r->table),
	    (unsigned long long)ask->gen->number, loaded, (int)len, file,
	    place, table_way_names[r->way]);
	return buf_add(extra, text, (size_t)n);
}

/* The members behind all others. */
static int
reply_extra(const struct ask *ask, const struct reply *r,
    struct appmsg_header *h)
{
	struct buf *extra = &ask->env->extra;

	buf_reset(extra, EXTRA_KEEP);
	if (ask->hdr->explain && explain(ask, r, extra) != 0)
		return -1;
	if (r->suggestions != NULL &&
	    (buf_add(extra, ", \"suggestions\": ",
	    sizeof(", \"suggestions\": ") - 1) != 0 ||
	    buf_add(extra, r->suggestions, r->suggestions_len) != 0))
		return -1;
	h->extra = extra->data;
	h->extra_len = extra->len;
	return 0;
}

/* Which piece is lent; REPLY_PIECES: none. */
static size_t
lent_piece(const struct ask *ask, const struct reply *r)
{
	const struct request_env *env = ask->env;
	size_t i = 0;

	if (env == NULL || env->lend_min == 0 || r->lasting == NULL)
		return REPLY_PIECES;
	while (r->pieces[i].p != r->lasting)
		i++;
	return r->pieces[i].len >= env->lend_min ? i : REPLY_PIECES;
}

/* The content behind the header, but for a text that is lent. */
static void
put_pieces(const struct ask *ask, const struct reply *r, char *to,
    size_t lent)
{
	struct buf *out = ask->out;

	for (size_t i = 0; i < REPLY_PIECES; i++) {
		size_t len = r->pieces[i].len;

		if (i == lent) {
			ask->env->lent = (struct request_lent){
			    r->pieces[i].p, len, (size_t)(to - out->data) };
			continue;
		}
		if (len > 0)
			memcpy(to, r->pieces[i].p, len);
		to += len;
	}
	out->len = (size_t)(to - out->data);
}

int
reply_write(const struct ask *ask, const struct reply *r)
{
	static const struct appmsg_str keep_alive = APPMSG_STR("keep-alive");
	static const struct appmsg_str close = APPMSG_STR("close");
	struct appmsg_header h = {
		.content_type = r->type,
		.content_encoding = r->encoding
	};
	size_t room, len, content_len = 0, lent = lent_piece(ask, r);
	char id[REPLY_ID_ROOM], *to;

	for (size_t i = 0; i < REPLY_PIECES; i++)
		content_len += r->pieces[i].len;
	h.content_length = content_len;
	if (ask->hdr->has_connection || ask->tell)
		h.connection = ask->keep ? keep_alive : close;
	h.id = reply_id(&ask->hdr->id, id);
	if (ask->hdr->has_connection || ask->tell ||
	    ask->hdr->id.kind != APPMSG_ID_NONE ||
	    ask->hdr->flaw == APPMSG_FLAW_ID) {
		h.status = status_words[r->status];
		if (r->code != NULL)
			h.error = (struct appmsg_str){ r->code,
			    strlen(r->code), 0 };
	}
	if (ask->env != NULL && (ask->hdr->explain ||
	    r->suggestions != NULL) && reply_extra(ask, r, &h) != 0)
		return -1;
	room = HEADER_ROOM + REPLY_ID_ROOM + r->type.len + h.extra_len;
	to = buf_reserve(ask->out, room + content_len -
	    (lent < REPLY_PIECES ? r->pieces[lent].len : 0));
	if (to == NULL || appmsg_header_encode(&h, to, room, &len) != 0)
		return -1;
	put_pieces(ask, r, to + len, lent);
	len += content_len;
	if (ask->env != NULL)
		stats_answered(ask->env->stats, ask->env->kind, r->status, 1);
	if (ask->access != NULL)
		access_reply(ask->access, r->status, r->code, r->table, len);
	return 0;
}

/* BEFORE TEXT AFTER, all of it JSON already. */
static int
reply_json(const struct ask *ask, struct reply *r, const char *before,
    const char *text, size_t len, const char *after)
{
	r->type = type_json;
	r->encoding = encoding_utf8;
	r->pieces[0].p = before;
	r->pieces[0].len = strlen(before);
	r->pieces[1].p = text;
	r->pieces[1].len = len;
	r->pieces[2].p = after;
	r->pieces[2].len = strlen(after);
	return reply_write(ask, r);
}

int
reply_result(const struct ask *ask, struct reply *r, const char *text,
    size_t len)
{
	return reply_json(ask, r, "{\"result\": \"", text, len, "\"}");
}

int
reply_no_match(const struct ask *ask, struct reply *r, const char *key,
    size_t len)
{
	return reply_json(ask, r, "{\"result\": \"No match for \\\"", key,
	    len, "\\\".\"}");
}

int
reply_invalid_action(const struct ask *ask, const char *action, size_t len)
{
	struct reply r = { .status = REQUEST_ERROR, .code = "bad-action" };

	return reply_json(ask, &r, "{\"result\": \"Error: invalid action "
	    "\\\"", action, len, "\\\".\"}");
}

int
reply_refuse(const struct ask *ask, enum request_status status,
    const char *code, const char *why)
{
	struct reply r = { .status = status, .code = code };
	char text[WHY_MAX], escaped[6 * WHY_MAX];
	int len;

	len = snprintf(text, sizeof(text), "Error: %s.", why);
	if ((size_t)len >= sizeof(text))
		len = (int)scan_utf8(text, sizeof(text) - 1);
	return reply_result(ask, &r, escaped, appmsg_escape(text, (size_t)len,
	    escaped, sizeof(escaped)));
}

int
reply_error(const struct ask *ask, const char *code, const char *why)
{
	return reply_refuse(ask, REQUEST_ERROR, code, why);
}

enum request_result
request_done(int error)
{
	return error == 0 ? REQUEST_ANSWERED : REQUEST_FAILED;
}
