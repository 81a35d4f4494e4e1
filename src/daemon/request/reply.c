/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The header with what was asked for, and the content behind it.
 */

#include "config.h"

#include "daemon/request/reply.h"

#include <stdio.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/base/iso_time.h"
#include "daemon/record/access.h"
#include "daemon/record/remotes.h"
#include "daemon/record/stats.h"
#include "daemon/request/lookup.h"
#include "daemon/request/matches.h"
#include "daemon/request/query.h"
#include "daemon/request/reply_texts.h"
#include "daemon/search/search.h"
#include "daemon/snapshot/explain.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/digest.h"
#include "daemon/table/table.h"
#include "lib/scan.h"

#define WHY_MAX		256	/* bytes of an error's text */
#define HEADER_ROOM	512	/* of all but id, type and what is extra */
#define EXPLAIN_ROOM	4096	/* with a long path, escaped */
#define EXTRA_KEEP	((size_t)64 << 10)
#define CONTENT_KEEP	((size_t)256 << 10)
#define STALE		", \"stale\": true"
#define FIRST_BYTES	10	/* of a binary request that come back */

static const struct appmsg_str type_json = APPMSG_STR("text/json");
static const struct appmsg_str encoding_utf8 = APPMSG_STR("utf-8");
static const struct appmsg_str encoding_binary = APPMSG_STR("binary");

/* What the content of most replies is. */
#define JSON	.type = &type_json, .encoding = &encoding_utf8

#define PIECE(literal)	{ (literal), sizeof(literal) - 1 }
#define PIECES		3	/* in the longest row */

struct reply {
	const struct appmsg_str *type, *encoding;
	enum request_status status;
	const char *code;		/* of an error */
	struct told_piece pieces[PIECES];
	const char *lasting;	/* the piece that lasts as the generation does,
				   and so may be lent; NULL: none */
	/* for "explain": */
	const struct table *table;	/* NULL: nothing was found */
	table_id id;
	enum table_way way;
	const struct lookup *lookup;	/* whose answer it is; NULL: none's */
	/* for "suggest": a JSON array, or NULL */
	const char *suggestions;
	size_t suggestions_len;
};

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

/* The members about where an entry stands, or of which load there is none. */
static int
explain_place(const struct explained *e, struct buf *extra)
{
	char text[EXPLAIN_ROOM], file[EXPLAIN_ROOM / 2];
	char loaded[ISO_TIME_SIZE], place[32] = "";
	size_t len;
	int n;

	iso_time_utc(e->loaded, loaded);
	if (e->table == NULL) {
		n = snprintf(text, sizeof(text), ", \"generation\": %llu, "
		    "\"loaded\": \"%s\"", (unsigned long long)e->generation,
		    loaded);
		return buf_add(extra, text, (size_t)n);
	}
	len = appmsg_escape(e->file, strlen(e->file), file, sizeof(file));
	if (len > sizeof(file))
		len = 0;
	if (e->line != 0)
		snprintf(place, sizeof(place), "\"line\": %u, ", e->line);
	n = snprintf(text, sizeof(text), ", \"table\": \"%s\", "
	    "\"generation\": %llu, \"loaded\": \"%s\", \"file\": \"%.*s\", "
	    "%s\"match\": \"%s\"", e->table,
	    (unsigned long long)e->generation, loaded, (int)len, file, place,
	    e->match);
	return buf_add(extra, text, (size_t)n);
}

/* Those about what is the same wherever the same serves. */
static int
explain_digests(const struct explained *e, struct buf *extra)
{
	char text[256], digest[DIGEST_TEXT_SIZE];
	int n = 0;

	if (e->table != NULL)
		n = snprintf(text, sizeof(text), ", \"digest\": \"%s\"",
		    digest_text(e->digest, digest));
	n += snprintf(text + n, sizeof(text) - (size_t)n,
	    ", \"generation-digest\": \"%s\", \"entries\": %zu",
	    digest_text(e->all, digest), e->entries);
	return buf_add(extra, text, (size_t)n);
}

/* The same of what a table said that is on other machines. */
static int
explain_later(const struct reply *r, const struct explained *e,
    struct buf *extra)
{
	const struct lookup_said *said = &r->lookup->said;
	const struct later *later = r->lookup->table;
	char text[EXPLAIN_ROOM], loaded[ISO_TIME_SIZE];
	const char *kind = later->what == NULL ? "unknown" :
	    remotes_kind(later->what);
	int n;

	iso_time_utc(e->loaded, loaded);
	n = snprintf(text, sizeof(text), ", \"table\": \"%s\", "
	    "\"generation\": %llu, \"loaded\": \"%s\", "
	    "\"source\": \"%s\"", later->name,
	    (unsigned long long)e->generation, loaded, kind);
	if (said->published != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ", \"published\": %llu",
		    (unsigned long long)said->published);
	/* An address, so that nothing in it need be escaped. */
	if (said->node[0] != '\0')
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ", \"node\": \"%s\"", said->node);
	if (r->status == REQUEST_FOUND)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ", \"cached\": %s, \"match\": \"exact\"",
		    said->cached ? "true" : "false");
	else
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ", \"cause\": \"%s\"",
		    remote_cause_words[said->cause]);
	return buf_add(extra, text, (size_t)n);
}

/* Add the members that "explain" asks for. */
static int
explain(const struct ask *ask, const struct reply *r, struct buf *extra)
{
	struct explained e;

	explain_entry(&e, ask->gen, r->table, r->id, r->way);
	if (r->lookup != NULL ? explain_later(r, &e, extra) != 0 :
	    explain_place(&e, extra) != 0)
		return -1;
	return explain_digests(&e, extra);
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
	if (ask->stale && buf_add(extra, STALE, sizeof(STALE) - 1) != 0)
		return -1;
	h->extra = extra->data;
	h->extra_len = extra->len;
	return 0;
}

/* Which piece is lent; PIECES: none. */
static size_t
lent_piece(const struct ask *ask, const struct reply *r)
{
	const struct request_env *env = ask->env;
	size_t i = 0;

	if (env == NULL || env->lend_min == 0 || r->lasting == NULL)
		return PIECES;
	while (r->pieces[i].p != r->lasting)
		i++;
	return r->pieces[i].len >= env->lend_min ? i : PIECES;
}

/* The content behind the header, but for a text that is lent. */
static void
put_pieces(const struct ask *ask, const struct reply *r, char *to,
    size_t lent)
{
	struct buf *out = ask->out;

	for (size_t i = 0; i < PIECES; i++) {
		size_t len = r->pieces[i].len;

		if (i == lent) {
			ask->env->lent = (struct request_lent){
			    .text = r->pieces[i].p, .len = len,
			    .at = (size_t)(to - out->data) };
			continue;
		}
		if (len > 0)
			memcpy(to, r->pieces[i].p, len);
		to += len;
	}
	out->len = (size_t)(to - out->data);
}

/* The name of the table that the answer is from, or NULL. */
static const char *
reply_table(const struct reply *r)
{
	if (r->table != NULL)
		return table_name(r->table);
	return r->lookup != NULL ? r->lookup->table->name : NULL;
}

/* Who asked whatever way gets the same numbers and lines. */
static inline void
reply_note(const struct ask *ask, const struct reply *r, size_t len)
{
	if (ask->env != NULL)
		stats_answered(ask->env->stats, ask->kind, r->status, 1);
	if (ask->access != NULL)
		access_reply(ask->access, r->status, r->code,
		    reply_table(r), len);
}

static int
reply_in_tongue(const struct ask *ask, const struct reply *r)
{
	size_t before = ask->out->len;
	struct appmsg_header h = { .extra_len = 0 };
	struct told told = { .status = r->status, .code = r->code,
	    .pieces = r->pieces, .n = PIECES };

	if ((ask->hdr->explain || ask->stale) && reply_extra(ask, r, &h) != 0)
		return -1;
	told.extra = h.extra;
	told.extra_len = h.extra_len;
	if (ask->tongue->write(ask, &told) != 0)
		return -1;
	reply_note(ask, r, ask->out->len - before);
	return 0;
}

static int
reply_write(const struct ask *ask, const struct reply *r)
{
	static const struct appmsg_str keep_alive = APPMSG_STR("keep-alive");
	static const struct appmsg_str close = APPMSG_STR("close");
	struct appmsg_header h = {
		.content_type = *r->type,
		.content_encoding = *r->encoding
	};
	size_t room, len, content_len = 0, lent = lent_piece(ask, r);
	char id[REPLY_ID_ROOM], *to;

	if (ask->tongue != NULL)
		return reply_in_tongue(ask, r);
	for (size_t i = 0; i < PIECES; i++)
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
	if (ask->env != NULL && (ask->hdr->explain || ask->stale ||
	    r->suggestions != NULL) && reply_extra(ask, r, &h) != 0)
		return -1;
	room = HEADER_ROOM + REPLY_ID_ROOM + r->type->len + h.extra_len;
	to = buf_reserve(ask->out, room + content_len -
	    (lent < PIECES ? r->pieces[lent].len : 0));
	if (to == NULL || appmsg_header_encode(&h, to, room, &len) != 0)
		return -1;
	put_pieces(ask, r, to + len, lent);
	len += content_len;
	reply_note(ask, r, len);
	return 0;
}

/* The best match's text alone. */
static int
reply_text(const struct ask *ask, const struct answer *a, enum table_way way)
{
	const struct reply r = { JSON, .status = REQUEST_FOUND,
	    .table = a->table, .id = a->id, .way = way, .lasting = a->text,
	    .lookup = a->lookup,
	    .pieces = { PIECE(REPLY_OPEN), { a->text, a->text_len },
	    PIECE(REPLY_CLOSE) } };

	return reply_write(ask, &r);
}

/* That there is none, perhaps with the keys that were meant. */
static int
reply_miss(const struct ask *ask, const struct query *q,
    const struct answer *a, const char *key, size_t len)
{
	struct reply r = { JSON, .status = REQUEST_NOT_FOUND, .pieces = {
	    PIECE(REPLY_OPEN REPLY_NO_MATCH(REPLY_QUOTE_JSON)), { key, len },
	    PIECE(REPLY_NO_MATCH_END(REPLY_QUOTE_JSON) REPLY_CLOSE) } };
	struct buf *b = &ask->env->content;

	if (q->suggest > 0) {
		buf_reset(b, CONTENT_KEEP);
		if (matches_add_keys(b, a->list, a->n) != 0)
			return -1;
		r.suggestions = b->data;
		r.suggestions_len = b->len;
	}
	return reply_write(ask, &r);
}

/* The one match that a table had which is not here. */
static int
add_match(struct buf *b, const struct answer *a, const char *key, size_t len)
{
	const struct told_piece pieces[] = { PIECE("[{\"key\": \""),
	    { key, len }, PIECE("\", \"result\": \""),
	    { a->text, a->text_len }, PIECE("\"}]") };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		if (pieces[i].len > 0 &&
		    buf_add(b, pieces[i].p, pieces[i].len) != 0)
			return -1;
	return 0;
}

/* All matches, and the best one's text for those who know of one only. */
static int
reply_list(const struct ask *ask, const struct query *q,
    const struct answer *a, const char *key, size_t len)
{
	static const struct told_piece open[] = {
	    PIECE(REPLY_OPEN REPLY_NO_MATCH(REPLY_QUOTE_JSON)),
	    PIECE(REPLY_OPEN) }, middle[] = {
	    PIECE(REPLY_NO_MATCH_END(REPLY_QUOTE_JSON) REPLY_MATCHES),
	    PIECE(REPLY_MATCHES) }, end[] = {
	    PIECE(REPLY_NO_MORE), PIECE(REPLY_MORE) };
	const struct search_match best = { .table = a->table, .id = a->id };
	const struct told_piece *p;
	bool found = a->status == REQUEST_FOUND;
	size_t before = open[found].len + a->text_len + middle[found].len;
	size_t told = a->n, most = ask->env->reply_max;
	struct buf *b = &ask->env->content;

	buf_reset(b, CONTENT_KEEP);
	p = &middle[found];
	if (buf_add(b, p->p, p->len) != 0)
		return -1;
	if (found && a->table == NULL) {
		if (add_match(b, a, key, len) != 0)
			return -1;
	} else if (matches_add(b, a->list != NULL ? a->list : &best, a->n,
	    most > before ? most - before : 0, &told) != 0)
		return -1;
	p = &end[a->more || told < a->n];
	if (buf_add(b, p->p, p->len) != 0)
		return -1;
	return reply_write(ask, &(struct reply){ JSON, .status = a->status,
	    .table = a->table, .id = a->id, .way = q->way,
	    .lookup = a->lookup, .pieces = {
	    open[found], { found ? a->text : key, found ? a->text_len : len },
	    { b->data, b->len } } });
}

/* a: why a query is not answered; NULL: it is not even that */
static int
refuse(const struct ask *ask, const struct refusal *r,
    const struct answer *a)
{
	char text[WHY_MAX], escaped[6 * WHY_MAX];
	size_t escaped_len;
	int len;

	len = snprintf(text, sizeof(text), REPLY_ERROR "%s.", r->why);
	if ((size_t)len >= sizeof(text))
		len = (int)scan_utf8(text, sizeof(text) - 1);
	escaped_len = appmsg_escape(text, (size_t)len, escaped,
	    sizeof(escaped));
	return reply_write(ask, &(struct reply){ JSON, .status = r->status,
	    .code = r->code, .lookup = a != NULL ? a->lookup : NULL,
	    .pieces = { PIECE(REPLY_OPEN),
	    { escaped, escaped_len }, PIECE(REPLY_CLOSE) } });
}

int
reply_answer(const struct ask *ask, const struct query *q,
    const struct answer *a, const char *key, size_t len)
{
	if (a->why != NULL)
		return refuse(ask, &(struct refusal){ a->status, a->code,
		    a->why }, a);
	if (q->list)
		return reply_list(ask, q, a, key, len);
	if (a->status == REQUEST_FOUND)
		return reply_text(ask, a, q->way);
	return reply_miss(ask, q, a, key, len);
}

int
reply_blob(const struct ask *ask, const struct snapshot_answer *blob)
{
	const struct appmsg_str type = { blob->type, blob->type_len, 0 };
	const struct reply r = { .type = &type, .encoding = &encoding_binary,
	    .status = REQUEST_FOUND, .table = blob->table, .id = blob->id,
	    .lasting = blob->text,
	    .pieces = { { blob->text, blob->text_len } } };

	return reply_write(ask, &r);
}

int
reply_first_bytes(const struct ask *ask, const char *content, size_t len)
{
	static const struct appmsg_str type =
	    APPMSG_STR("binary/custom-server-binary-type");
	const struct reply r = { .type = &type, .encoding = &encoding_binary,
	    .status = REQUEST_NOT_FOUND,
	    .pieces = { PIECE(REPLY_FIRST_BYTES), { content,
	    len < FIRST_BYTES ? len : FIRST_BYTES } } };

	return reply_write(ask, &r);
}

int
reply_tables(const struct ask *ask)
{
	static const struct told_piece none = PIECE(REPLY_NO_TABLES);
	const struct snapshot *snap = ask->gen->snap;
	struct buf *b = &ask->env->content;
	size_t n;

	buf_reset(b, CONTENT_KEEP);
	if (matches_add_name_lines(b, snap) != 0)
		return -1;
	if (b->len == 0 && buf_add(b, none.p, none.len) != 0)
		return -1;
	if (buf_add(b, REPLY_TABLES, sizeof(REPLY_TABLES) - 1) != 0 ||
	    matches_add_names(b, snap, &n) != 0)
		return -1;
	return reply_write(ask, &(struct reply){ JSON,
	    .status = n > 0 ? REQUEST_FOUND : REQUEST_NOT_FOUND,
	    .pieces = { PIECE(REPLY_OPEN), { b->data, b->len },
	    PIECE("}") } });
}

int
reply_invalid_action(const struct ask *ask, const char *action, size_t len)
{
	const struct reply r = { JSON, .status = REQUEST_ERROR,
	    .code = "bad-action", .pieces = {
	    PIECE(REPLY_OPEN REPLY_BAD_ACTION(REPLY_QUOTE_JSON)),
	    { action, len },
	    PIECE(REPLY_BAD_ACTION_END(REPLY_QUOTE_JSON) REPLY_CLOSE) } };

	return reply_write(ask, &r);
}

int
reply_refuse(const struct ask *ask, const struct refusal *r)
{
	return refuse(ask, r, NULL);
}

int
reply_error(const struct ask *ask, const char *code, const char *why)
{
	return reply_refuse(ask, &(struct refusal){ REQUEST_ERROR, code,
	    why });
}

enum request_result
request_done(int error)
{
	return error == 0 ? REQUEST_ANSWERED : REQUEST_FAILED;
}
