/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the protocol says about contents.  Plain requests get, byte for byte,
 * what the tutorial's server answers; what it cannot answer gets an error of
 * the same shape.  appmsg-protocol(7) is the text that this file follows.
 */

#include "config.h"

#include "daemon/request.h"

#include <stdio.h>
#include <string.h>

#include "daemon/table/snapshot.h"
#include "lib/scan.h"
#include "lib/text.h"

/* Content of the largest request and reply that leave memory in place. */
#define KEEP_SIZE	((size_t)256 << 10)

#define FIRST_BYTES	10	/* of a binary request that come back */
#define WHY_MAX		256	/* bytes of an error's text */

/* All but the id, type and extra members of a reply's header. */
#define HEADER_ROOM	512
#define ID_ROOM		(6 * APPMSG_ID_MAX)
#define EXTRA_ROOM	4096	/* "explain" with a long path, escaped */

static const struct appmsg_str type_json = APPMSG_STR("text/json");
static const struct appmsg_str type_binary =
    APPMSG_STR("binary/custom-server-binary-type");
static const struct appmsg_str encoding_utf8 = APPMSG_STR("utf-8");
static const struct appmsg_str encoding_binary = APPMSG_STR("binary");

static const struct appmsg_str statuses[] = {
	[REQUEST_FOUND] = APPMSG_STR("found"),
	[REQUEST_NOT_FOUND] = APPMSG_STR("not-found"),
	[REQUEST_ERROR] = APPMSG_STR("error"),
	[REQUEST_BUSY] = APPMSG_STR("busy"),
	[REQUEST_DENIED] = APPMSG_STR("denied"),
};

/* A reply to be written: its content is up to three pieces in a row. */
struct reply {
	struct appmsg_str type;
	struct appmsg_str encoding;
	enum request_status status;
	const char *code;		/* of an error */
	struct {
		const char *p;
		size_t len;
	} pieces[3];
	const struct snapshot_answer *source;	/* for "explain", or NULL */
};

/* The request that a reply is for. */
struct ask {
	struct request_env *env;	/* NULL: no tables are known */
	const struct appmsg_header *hdr;
	bool keep;
	bool tell;
	struct buf *out;
};

void
request_env_clear(struct request_env *env)
{
	buf_clear(&env->text);
	buf_clear(&env->scratch);
}

/*
 * The id as the reply says it: its text, in our own spelling.
 *
 * id   of the request
 * buf  of ID_ROOM bytes
 */
static struct appmsg_id
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
	reply.str.len = appmsg_escape(text, len, buf, ID_ROOM);
	reply.str.flags = 0;
	return reply;
}

/*
 * The members that "explain" asks for.
 *
 * Returns the bytes put into buf, of EXTRA_ROOM bytes.
 */
static size_t
reply_explain(const struct ask *ask, const struct reply *r, char *buf)
{
	char file[EXTRA_ROOM / 2];
	size_t len;

	if (r->source == NULL)
		return (size_t)snprintf(buf, EXTRA_ROOM,
		    ", \"generation\": %llu",
		    (unsigned long long)ask->env->generation);
	len = appmsg_escape(r->source->file, strlen(r->source->file), file,
	    sizeof(file));
	if (len > sizeof(file))
		len = 0;
	return (size_t)snprintf(buf, EXTRA_ROOM, ", \"table\": \"%s\", "
	    "\"generation\": %llu, \"file\": \"%.*s\", \"line\": %u",
	    r->source->table, (unsigned long long)ask->env->generation,
	    (int)len, file, r->source->line);
}

static int
reply_write(const struct ask *ask, const struct reply *r)
{
	static const struct appmsg_str keep_alive = APPMSG_STR("keep-alive");
	static const struct appmsg_str close = APPMSG_STR("close");
	char id[ID_ROOM], extra[EXTRA_ROOM], *to;
	struct appmsg_header h = {
		.content_type = r->type,
		.content_encoding = r->encoding
	};
	size_t room, len;

	for (size_t i = 0; i < 3; i++)
		h.content_length += r->pieces[i].len;
	if (ask->hdr->has_connection || ask->tell)
		h.connection = ask->keep ? keep_alive : close;
	h.id = reply_id(&ask->hdr->id, id);
	if (ask->hdr->has_connection || ask->tell ||
	    ask->hdr->id.kind != APPMSG_ID_NONE ||
	    ask->hdr->flaw == APPMSG_FLAW_ID) {
		h.status = statuses[r->status];
		if (r->code != NULL)
			h.error = (struct appmsg_str){ r->code,
			    strlen(r->code), 0 };
	}
	if (ask->hdr->explain && ask->env != NULL) {
		h.extra = extra;
		h.extra_len = reply_explain(ask, r, extra);
	}
	room = HEADER_ROOM + ID_ROOM + r->type.len + h.extra_len;
	to = buf_reserve(ask->out, room + (size_t)h.content_length);
	if (to == NULL || appmsg_header_encode(&h, to, room, &len) != 0)
		return -1;
	to += len;
	for (size_t i = 0; i < 3; i++) {
		if (r->pieces[i].len > 0)
			memcpy(to, r->pieces[i].p, r->pieces[i].len);
		to += r->pieces[i].len;
	}
	ask->out->len += len + (size_t)h.content_length;
	return 0;
}

/* {"result": "..."} with a text that is escaped already, in one piece. */
static int
reply_result(const struct ask *ask, struct reply *r, const char *text,
    size_t len)
{
	static const char open[] = "{\"result\": \"", close[] = "\"}";

	r->type = type_json;
	r->encoding = encoding_utf8;
	r->pieces[0].p = open;
	r->pieces[0].len = sizeof(open) - 1;
	r->pieces[1].p = text;
	r->pieces[1].len = len;
	r->pieces[2].p = close;
	r->pieces[2].len = sizeof(close) - 1;
	return reply_write(ask, r);
}

/* A result that quotes a word of the request: BEFORE "word"AFTER */
static int
reply_quoting(const struct ask *ask, struct reply *r, const char *before,
    const char *word, size_t word_len, const char *after)
{
	char open[64], close[16];

	r->type = type_json;
	r->encoding = encoding_utf8;
	r->pieces[0].p = open;
	r->pieces[0].len = (size_t)snprintf(open, sizeof(open),
	    "{\"result\": \"%s \\\"", before);
	r->pieces[1].p = word;
	r->pieces[1].len = word_len;
	r->pieces[2].p = close;
	r->pieces[2].len = (size_t)snprintf(close, sizeof(close),
	    "\\\"%s\"}", after);
	return reply_write(ask, r);
}

static int
reply_refuse(const struct ask *ask, enum request_status status,
    const char *code, const char *why)
{
	struct reply r = { .status = status, .code = code };
	char text[WHY_MAX], escaped[6 * WHY_MAX];
	int len;

	len = snprintf(text, sizeof(text), "Error: %s.", why);
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	return reply_result(ask, &r, escaped, appmsg_escape(text, (size_t)len,
	    escaped, sizeof(escaped)));
}

static int
reply_error(const struct ask *ask, const char *code, const char *why)
{
	return reply_refuse(ask, REQUEST_ERROR, code, why);
}

/* A word of a request: its text, and as a reply spells it. */
struct word {
	const char *text;
	size_t text_len;
	const char *escaped;
	size_t escaped_len;
};

/*
 * Unescape a word.  Without backslashes it is both already: what may stand
 * between quotes unescaped is just what we would not escape.
 */
static int
word_get(struct request_env *env, const struct appmsg_str *str,
    struct word *word)
{
	char *text;

	word->text = word->escaped = str->raw;
	word->text_len = word->escaped_len = str->len;
	if (!(str->flags & APPMSG_STR_ESCAPED))
		return 0;
	/* Our spelling is the shortest, so it needs no more room. */
	buf_reset(&env->scratch, KEEP_SIZE);
	if ((text = buf_reserve(&env->scratch, 2 * str->len)) == NULL)
		return -1;
	word->text = text;
	if (appmsg_str_decode(str, text, str->len, &word->text_len) != 0)
		return -1;
	word->escaped = text + str->len;
	word->escaped_len = appmsg_escape(text, word->text_len,
	    text + str->len, str->len);
	return 0;
}

static bool
is_text(const struct scan_value *v)
{
	return v->raw != NULL && v->type == SCAN_STRING &&
	    !(v->str.flags & APPMSG_STR_LONE);
}

static int
answer_search(const struct ask *ask, const struct scan_value *value)
{
	struct reply r = { .status = REQUEST_NOT_FOUND };
	struct snapshot_answer answer;
	struct word key;

	if (value->raw == NULL)
		return reply_error(ask, "bad-request",
		    "no \"value\" in the content");
	if (!is_text(value))
		return reply_error(ask, "bad-request",
		    "\"value\" is not a string of Unicode text");
	if (word_get(ask->env, &value->str, &key) != 0)
		return -1;
	if (!snapshot_find(ask->env->snap, key.text, key.text_len, &answer))
		return reply_quoting(ask, &r, "No match for", key.escaped,
		    key.escaped_len, ".");
	r.status = REQUEST_FOUND;
	r.source = &answer;
	return reply_result(ask, &r, answer.text, answer.text_len);
}

static int
answer_action(const struct ask *ask, const struct scan_value *action,
    const struct scan_value *value)
{
	struct reply r = { .status = REQUEST_ERROR, .code = "bad-action" };
	struct word word;

	if (action->raw == NULL)
		return reply_error(ask, "bad-request",
		    "no \"action\" in the content");
	if (!is_text(action))
		return reply_error(ask, "bad-request",
		    "\"action\" is not a string of Unicode text");
	if (appmsg_str_eq(&action->str, "search", 6))
		return answer_search(ask, value);
	if (word_get(ask->env, &action->str, &word) != 0)
		return -1;
	return reply_quoting(ask, &r, "Error: invalid action", word.escaped,
	    word.escaped_len, ".");
}

/* A content that is no JSON object: which of the three ways is it wrong? */
static int
answer_malformed(const struct ask *ask, const char *text, size_t len,
    const char *why)
{
	struct scan_value v;
	struct scan scan;

	if (scan_utf8(text, len) != len)
		return reply_error(ask, "bad-encoding",
		    "the content is not UTF-8");
	scan_init(&scan, text, len);
	scan_value(&scan, &v);
	if (scan_end(&scan) == SCAN_OK && v.type != SCAN_OBJECT)
		return reply_error(ask, "bad-request",
		    "the content is not an object");
	return reply_error(ask, "bad-json", why);
}

static int
answer_object(const struct ask *ask, const char *text, size_t len)
{
	struct scan_value v, action = { 0 }, value = { 0 };
	struct appmsg_str name;
	struct scan scan;

	scan_init(&scan, text, len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK) {
			/* The last of duplicates wins, as in Python. */
			if (appmsg_str_eq(&name, "action", 6))
				action = v;
			else if (appmsg_str_eq(&name, "value", 5))
				value = v;
		}
	}
	if (scan_end(&scan) != SCAN_OK)
		return answer_malformed(ask, text, len, scan.why);
	return answer_action(ask, &action, &value);
}

static int
answer_json(const struct ask *ask, const char *content, size_t len)
{
	enum text_encoding encoding =
	    text_encoding_find(&ask->hdr->content_encoding);
	struct buf *text = &ask->env->text;
	char *to;

	if (encoding == TEXT_UNKNOWN)
		return reply_error(ask, "bad-encoding",
		    "unknown \"content-encoding\"");
	if (encoding == TEXT_UTF8)
		return answer_object(ask, content, len);
	buf_reset(text, KEEP_SIZE);
	to = buf_reserve(text, text_utf8_max(encoding, len));
	if (to == NULL)
		return -1;
	if (text_to_utf8(encoding, content, len, to, &len) != 0)
		return reply_error(ask, "bad-encoding",
		    "the content is not in its \"content-encoding\"");
	return answer_object(ask, to, len);
}

static int
answer_binary(const struct ask *ask, const char *content, size_t len)
{
	static const char first[] = "First 10 bytes of request: ";
	struct reply r = { .encoding = encoding_binary };
	struct snapshot_answer blob;

	/* The tutorial's server never answers it. */
	if (len == 0)
		return reply_error(ask, "bad-request", "an empty request");
	if (snapshot_find_blob(ask->env->snap, content, len, &blob)) {
		r.status = REQUEST_FOUND;
		r.source = &blob;
		r.type = (struct appmsg_str){ blob.type, blob.type_len, 0 };
		r.pieces[0].p = blob.text;
		r.pieces[0].len = blob.text_len;
		return reply_write(ask, &r);
	}
	r.status = REQUEST_NOT_FOUND;
	r.type = type_binary;
	r.pieces[0].p = first;
	r.pieces[0].len = sizeof(first) - 1;
	r.pieces[1].p = content;
	r.pieces[1].len = len < FIRST_BYTES ? len : FIRST_BYTES;
	return reply_write(ask, &r);
}

int
request_answer(struct request_env *env, const struct appmsg_header *hdr,
    const char *content, size_t len, bool keep, struct buf *out)
{
	const struct ask ask = { .env = env, .hdr = hdr, .keep = keep,
	    .out = out };

	if (hdr->flaw != APPMSG_FLAW_NONE)
		return reply_error(&ask, hdr->code, hdr->why);
	if (appmsg_str_eq(&hdr->content_type, "text/json", 9))
		return answer_json(&ask, content, len);
	return answer_binary(&ask, content, len);
}

int
request_refuse(const struct appmsg_header *hdr, enum request_status status,
    const char *code, const char *why, bool tell, struct buf *out)
{
	static const struct appmsg_header nothing = { .flaw =
	    APPMSG_FLAW_NONE };
	const struct ask ask = { .hdr = hdr != NULL ? hdr : &nothing,
	    .tell = tell, .out = out };

	return reply_refuse(&ask, status, code, why);
}
