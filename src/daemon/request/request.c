/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What the protocol says about contents.  Plain requests get, byte for byte,
 * what the tutorial's server answers; what it cannot answer gets an error of
 * the same shape.  appmsg-protocol(7) is the text that this file follows.
 */

#include "config.h"

#include "daemon/request/request.h"

#include <string.h>

#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "lib/scan.h"
#include "lib/text.h"

/* Content of the largest request that leaves its memory in place. */
#define KEEP_SIZE	((size_t)256 << 10)

#define FIRST_BYTES	10	/* of a binary request that come back */

static enum request_result
refuse(const struct ask *ask, const char *code, const char *why)
{
	return request_done(reply_error(ask, code, why));
}

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

static enum request_result
answer_action(const struct ask *ask, const struct content *content,
    struct request_job **job)
{
	const struct scan_value *action = &content->members[CONTENT_ACTION];
	const struct scan_value *value = &content->members[CONTENT_VALUE];
	struct word word;

	if (action->raw == NULL)
		return refuse(ask, "bad-request",
		    "no \"action\" in the content");
	if (!is_text(action))
		return refuse(ask, "bad-request",
		    "\"action\" is not a string of Unicode text");
	if (!appmsg_str_eq(&action->str, "search", 6)) {
		if (word_get(ask->env, &action->str, &word) != 0)
			return REQUEST_FAILED;
		return request_done(reply_invalid_action(ask, word.escaped,
		    word.escaped_len));
	}
	ask->env->kind = STATS_SEARCH;
	if (value->raw == NULL)
		return refuse(ask, "bad-request",
		    "no \"value\" in the content");
	if (!is_text(value))
		return refuse(ask, "bad-request",
		    "\"value\" is not a string of Unicode text");
	if (word_get(ask->env, &value->str, &word) != 0)
		return REQUEST_FAILED;
	if (ask->access != NULL) {
		access_note_ask(ask->access, "search");
		access_note_key(ask->access, word.text, word.text_len);
	}
	return request_search(ask, content, &word, job);
}

/* A content that is no JSON object: which of the three ways is it wrong? */
static enum request_result
answer_malformed(const struct ask *ask, const char *text, size_t len,
    const char *why)
{
	struct scan_value v;
	struct scan scan;

	if (scan_utf8(text, len) != len)
		return refuse(ask, "bad-encoding", "the content is not UTF-8");
	scan_init(&scan, text, len);
	scan_value(&scan, &v);
	if (scan_end(&scan) == SCAN_OK && v.type != SCAN_OBJECT)
		return refuse(ask, "bad-request",
		    "the content is not an object");
	return refuse(ask, "bad-json", why);
}

/* Which member a name is; CONTENT_MEMBERS: none. */
static enum content_member
find_member(const struct appmsg_str *name)
{
	static const struct {
		const char *name;
		size_t len;
	} known[CONTENT_MEMBERS] = {
		[CONTENT_ACTION] = { "action", 6 },
		[CONTENT_VALUE] = { "value", 5 },
		[CONTENT_TABLE] = { "table", 5 },
		[CONTENT_MATCH] = { "match", 5 },
		[CONTENT_DISTANCE] = { "distance", 8 },
		[CONTENT_LIMIT] = { "limit", 5 },
	};
	bool escaped = name->flags & APPMSG_STR_ESCAPED;
	enum content_member m;

	for (m = 0; m < CONTENT_MEMBERS; m++)
		if ((escaped || name->len == known[m].len) &&
		    appmsg_str_eq(name, known[m].name, known[m].len))
			break;
	return m;
}

static enum request_result
answer_object(const struct ask *ask, const char *text, size_t len,
    struct request_job **job)
{
	struct content content;
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	for (enum content_member m = 0; m < CONTENT_MEMBERS; m++)
		content.members[m].raw = NULL;
	scan_init(&scan, text, len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK) {
			enum content_member m = find_member(&name);

			/* The last of duplicates wins, as in Python. */
			if (m != CONTENT_MEMBERS)
				content.members[m] = v;
		}
	}
	if (scan_end(&scan) != SCAN_OK)
		return answer_malformed(ask, text, len, scan.why);
	return answer_action(ask, &content, job);
}

static enum request_result
answer_json(const struct ask *ask, const char *content, size_t len,
    struct request_job **job)
{
	enum text_encoding encoding =
	    text_encoding_find(&ask->hdr->content_encoding);
	struct buf *text = &ask->env->text;
	char *to;

	if (encoding == TEXT_UNKNOWN)
		return refuse(ask, "bad-encoding",
		    "unknown \"content-encoding\"");
	if (encoding == TEXT_UTF8)
		return answer_object(ask, content, len, job);
	buf_reset(text, KEEP_SIZE);
	to = buf_reserve(text, text_utf8_max(encoding, len));
	if (to == NULL)
		return REQUEST_FAILED;
	if (text_to_utf8(encoding, content, len, to, &len) != 0)
		return refuse(ask, "bad-encoding",
		    "the content is not in its \"content-encoding\"");
	return answer_object(ask, to, len, job);
}

static enum request_result
answer_binary(const struct ask *ask, const char *content, size_t len)
{
	static const struct appmsg_str type =
	    APPMSG_STR("binary/custom-server-binary-type");
	static const char first[] = "First 10 bytes of request: ";
	struct reply r = { .encoding = APPMSG_STR("binary") };
	struct snapshot_answer blob;

	ask->env->kind = STATS_BINARY;
	if (ask->access != NULL) {
		access_note_ask(ask->access, "binary");
		access_note_key(ask->access, content, len);
	}
	/* The tutorial's server never answers it. */
	if (len == 0)
		return refuse(ask, "bad-request", "an empty request");
	if (snapshot_find_blob(ask->gen->snap, content, len, &blob)) {
		r.status = REQUEST_FOUND;
		r.table = blob.table;
		r.id = blob.id;
		r.type = (struct appmsg_str){ blob.type, blob.type_len, 0 };
		r.lasting = r.pieces[0].p = blob.text;
		r.pieces[0].len = blob.text_len;
		return request_done(reply_write(ask, &r));
	}
	r.status = REQUEST_NOT_FOUND;
	r.type = type;
	r.pieces[0].p = first;
	r.pieces[0].len = sizeof(first) - 1;
	r.pieces[1].p = content;
	r.pieces[1].len = len < FIRST_BYTES ? len : FIRST_BYTES;
	return request_done(reply_write(ask, &r));
}

enum request_result
request_answer(struct request_env *env, const struct appmsg_header *hdr,
    const char *content, size_t len, bool keep, struct buf *out,
    struct request_job **job)
{
	const struct ask ask = { .env = env, .gen = env->gen, .hdr = hdr,
	    .keep = keep, .out = out, .access = env->access };

	env->kind = STATS_OTHER;
	if (hdr->flaw != APPMSG_FLAW_NONE)
		return refuse(&ask, hdr->code, hdr->why);
	if (appmsg_str_eq(&hdr->content_type, "text/json", 9))
		return answer_json(&ask, content, len, job);
	return answer_binary(&ask, content, len);
}

int
request_refuse(struct access *access, const struct appmsg_header *hdr,
    enum request_status status, const char *code, const char *why, bool tell,
    struct buf *out)
{
	static const struct appmsg_header nothing = { .flaw =
	    APPMSG_FLAW_NONE };
	const struct ask ask = { .hdr = hdr != NULL ? hdr : &nothing,
	    .tell = tell, .out = out, .access = access };

	return reply_refuse(&ask, status, code, why);
}
