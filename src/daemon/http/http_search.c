/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests to queries.  What is not even a query is answered here.
 */

#include "config.h"

#include "daemon/http/http_search.h"

#include <string.h>
#include <time.h>

#include "daemon/conf/conf.h"
#include "daemon/http/http_answer.h"
#include "daemon/http/http_head.h"
#include "daemon/http/http_host.h"
#include "daemon/http/http_query.h"
#include "daemon/http/http_reply.h"
#include "daemon/http/page.h"
#include "daemon/record/access.h"
#include "daemon/record/stats.h"
#include "daemon/request/query.h"
#include "daemon/request/reply.h"
#include "daemon/session/session_service.h"
#include "lib/appmsg.h"

#define KEY_PATH	"/v1/key/"
#define ROOM_KEEP	((size_t)64 << 10)	/* of what is unescaped */
#define ESCAPED_MAX	6	/* bytes that one becomes */

/* A request in hand. */
struct taken {
	const struct session_talk *talk;
	struct stream *stream;
	struct request_env *env;
	struct http_head head;
	bool keep;
	struct buf *out;
};

/* A query that was asked in some way. */
struct asked {
	struct ask ask;
	struct appmsg_header hdr;	/* of a message that would ask so */
	uint64_t note[TONGUE_NOTE];
	struct http_params params;
	struct http_text key;
	char *escaped;			/* room for it */
};

/* Append what is no answer.  Its status is that of the protocol. */
static enum stream_verdict
say(const struct taken *x, struct http_reply reply,
    enum request_status status)
{
	size_t before = x->out->len;

	reply.bare = x->head.method == HTTP_METHOD_HEAD;
	reply.old = x->head.old;
	reply.keep = x->keep;
	if (http_reply_add(&reply, time(NULL), x->out) != 0)
		return STREAM_FAILED;
	if (status == REQUEST_ERROR)
		stats_answered(x->env->stats, STATS_OTHER, status, 1);
	if (x->env->access != NULL)
		access_reply(x->env->access, status, status == REQUEST_ERROR ?
		    "bad-request" : NULL, NULL, x->out->len - before);
	return x->keep ? STREAM_AGAIN : STREAM_CLOSE;
}

static enum stream_verdict
say_error(const struct taken *x, int status)
{
	return say(x, http_reply_text(status), REQUEST_ERROR);
}

/* A text that is not what the status says elsewhere. */
static enum stream_verdict
say_nothing_there(const struct taken *x)
{
	static const char text[] = "There are /search, /v1/search?q=KEY, "
	    "/v1/key/KEY, /v1/tables and /healthz here.\n";
	struct http_reply reply = http_reply_text(404);

	reply.body = text;
	reply.len = sizeof(text) - 1;
	return say(x, reply, REQUEST_ERROR);
}

static enum stream_verdict
page(struct taken *x)
{
	const struct http_reply reply = { .status = 200,
	    .type = "text/html; charset=utf-8", .body = http_page_search,
	    .len = http_page_search_len };

	if (x->env->access != NULL)
		access_note_ask(x->env->access, "page");
	return say(x, reply, REQUEST_FOUND);
}

static enum stream_verdict
health(struct taken *x)
{
	bool serving = !x->stream->draining;

	if (x->env->access != NULL)
		access_note_ask(x->env->access, "health");
	return say(x, http_reply_text(serving ? 200 : 503), serving ?
	    REQUEST_FOUND : REQUEST_UNAVAILABLE);
}

/* Which of the listener's origins asks, if one does. */
static void
note_origin(struct http_note *note, const struct conf_listen *l,
    struct http_text origin)
{
	const char *one = l->origins;
	size_t n;

	note->varies = one != NULL;
	while (one != NULL) {
		n = strcspn(one, ",");
		if (n == origin.len && memcmp(one, origin.data, n) == 0) {
			note->origin = one;
			note->origin_len = (unsigned int)n;
		}
		one = one[n] == ',' ? one + n + 1 : NULL;
	}
}

/*
 * Begin an answer.
 *
 * text  the result alone
 */
static void
asked_init(struct asked *a, struct taken *x, bool text)
{
	struct http_note note = { .text = text, .old = x->head.old,
	    .bare = x->head.method == HTTP_METHOD_HEAD };

	note_origin(&note, x->talk->listen, x->head.origin);
	http_note_tags(&note, x->head.none_match);
	http_note_pack(&note, a->note);
	a->hdr = (struct appmsg_header){ .flaw = APPMSG_FLAW_NONE };
	a->ask = (struct ask){ .env = x->env, .gen = x->env->gen,
	    .hdr = &a->hdr, .keep = x->keep, .kind = STATS_OTHER,
	    .out = x->out, .access = x->env->access,
	    .tongue = &http_tongue, .note = a->note };
	a->key = (struct http_text){ NULL, 0 };
}

static enum stream_verdict
asked_refuse(const struct asked *a, const struct taken *x, const char *code,
    const char *why)
{
	return stream_answered(x->stream, x->env,
	    request_done(reply_error(&a->ask, code, why)), NULL, x->keep);
}

/*
 * Read the parameters, and the key where the path has it.
 *
 * known  as http_params_read() has it
 * path   behind what says that it is a key; data NULL: it is q
 * code   set when something is wrong
 *
 * Returns what is wrong, or NULL.
 */
static const char *
asked_read(struct asked *a, const struct taken *x, unsigned int known,
    struct http_text path, const char **code)
{
	struct http_text query = x->head.query;
	struct buf *scratch = &x->env->scratch;
	char *room;
	const char *why;

	*code = NULL;
	buf_reset(scratch, ROOM_KEEP);
	room = buf_reserve(scratch, (1 + ESCAPED_MAX) *
	    (query.len + path.len) + 1);
	if (room == NULL)
		return "there is no memory for that";
	why = http_params_read(query, known, room, &a->params, code);
	if (why != NULL)
		return why;
	*code = "bad-request";
	room += query.len;
	if (path.data == NULL)
		a->key = a->params.text[HTTP_PARAM_Q];
	else if ((why = http_decode(path, false, room, &a->key)) != NULL)
		return why;
	a->escaped = room + path.len;
	if (a->key.data == NULL)
		return "there is no q in the target";
	return path.data != NULL && path.len == 0 ?
	    "there is no key in the target" : NULL;
}

/* Ask the tables what was read. */
static enum stream_verdict
asked_search(struct asked *a, const struct taken *x, bool list)
{
	const struct http_params *p = &a->params;
	const struct http_text *name = &p->text[HTTP_PARAM_TABLE];
	const struct appmsg_str table = { name->data, name->len, 0 };
	struct query q = { .key = a->key.data, .key_len = a->key.len,
	    .way = p->way, .distance = p->distance, .limit = p->limit,
	    .after = p->text[HTTP_PARAM_AFTER].data,
	    .after_len = p->text[HTTP_PARAM_AFTER].len,
	    .by_weight = p->by_weight, .list = list };
	struct request_job *job;
	enum request_result result;
	size_t len;

	a->hdr.explain = p->explain;
	len = appmsg_escape(a->key.data, a->key.len, a->escaped,
	    ESCAPED_MAX * a->key.len);
	result = request_search(&a->ask, &q, name->data == NULL ? NULL :
	    &table, a->escaped, len, &job);
	return stream_answered(x->stream, x->env, result, job, x->keep);
}

static enum stream_verdict
search(struct taken *x)
{
	struct asked a;
	const char *why, *code;

	asked_init(&a, x, false);
	why = asked_read(&a, x, HTTP_PARAM(HTTP_PARAMS) - 1,
	    (struct http_text){ NULL, 0 }, &code);
	if (why == NULL)
		return asked_search(&a, x, true);
	return code == NULL ? STREAM_FAILED : asked_refuse(&a, x, code, why);
}

static enum stream_verdict
key(struct taken *x, struct http_text path)
{
	struct asked a;
	const char *why, *code;

	asked_init(&a, x, true);
	why = asked_read(&a, x, HTTP_PARAM(HTTP_PARAM_TABLE), path, &code);
	if (why != NULL)
		return code == NULL ? STREAM_FAILED : asked_refuse(&a, x,
		    code, why);
	if (a.key.len > TABLE_KEY_MAX)
		return say_error(x, 414);
	return asked_search(&a, x, false);
}

static enum stream_verdict
tables(struct taken *x)
{
	struct asked a;

	asked_init(&a, x, false);
	if (x->head.query.len > 0)
		return asked_refuse(&a, x, "bad-request",
		    "the target has a parameter, and there are none here");
	a.ask.kind = STATS_TABLES;
	if (x->env->access != NULL)
		access_note_ask(x->env->access, "tables");
	return stream_answered(x->stream, x->env,
	    request_done(reply_tables(&a.ask)), NULL, x->keep);
}

static enum stream_verdict
find_path(struct taken *x)
{
	static const struct {
		const char *path;
		enum stream_verdict (*answer)(struct taken *);
	} paths[] = {
		{ "/v1/search", search },
		{ "/v1/tables", tables },
		{ "/search", page },
		{ "/", page },
		{ "/healthz", health }
	};
	static const size_t before = sizeof(KEY_PATH) - 1;
	struct http_text path = x->head.path;

	if (path.len >= before && memcmp(path.data, KEY_PATH, before) == 0)
		return key(x, (struct http_text){ path.data + before,
		    path.len - before });
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (path.len == strlen(paths[i].path) &&
		    memcmp(path.data, paths[i].path, path.len) == 0)
			return paths[i].answer(x);
	return say_nothing_there(x);
}

/* Whether the target names us, as the pages of numbers ask it. */
static bool
is_ours(const struct taken *x)
{
	const struct conf_listen *l = x->talk->listen;
	const struct http_hosts hosts = { conf_listen_is_local(l), l->names };
	struct http_text host = x->head.host;

	if (x->head.foreign && !(l->tls && x->head.enciphered))
		return false;
	return l->ss.ss_family == AF_UNIX ||
	    http_host_is_ours(&hosts, host.data != NULL ? host.data : "",
	    host.len);
}

static enum stream_verdict
answer(struct taken *x)
{
	switch (x->head.method) {
	case HTTP_METHOD_GET:
	case HTTP_METHOD_HEAD:
		break;
	case HTTP_METHOD_REFUSED:
		return say_error(x, 405);
	case HTTP_METHOD_UNKNOWN:
		return say_error(x, 501);
	}
	if (x->head.body)
		return say_error(x, 413);
	if (!is_ours(x))
		return say_error(x, 421);
	return find_path(x);
}

static enum stream_verdict
take(struct stream *s, struct request_env *env, struct stream_bytes *bytes,
    struct buf *out, void *arg)
{
	struct taken x = { .talk = arg, .stream = s, .env = env, .out = out };
	int status = http_head_read(bytes->buf, bytes->len, &x.head,
	    &bytes->used);

	if (status < 0) {
		if (http_head_has_begun(bytes->buf, bytes->len))
			s->state = STREAM_HEADER;
		s->need = bytes->len + 1;
		return STREAM_MORE;
	}
	if (status > 0)
		return say_error(&x, status);
	/* What belongs to it is not read, and so hides what comes then. */
	x.keep = x.head.keep && !x.head.body &&
	    !(s->draining && bytes->used == bytes->len);
	return answer(&x);
}

static enum stream_verdict
feed(const struct session_talk *t, const char *buf, size_t len, size_t *used)
{
	struct session_talk talk = *t;
	const struct stream_tongue tongue = { take, &talk };
	enum stream_verdict verdict;

	t->env->limits = t->limits;
	t->env->tongue = &tongue;
	verdict = stream_feed(t->stream, t->env, buf, len, used, t->out);
	t->env->tongue = NULL;
	return verdict;
}

static int
refusal_status(const struct refusal *r)
{
	if (r->status == REQUEST_DENIED)
		return 403;
	if (r->status == REQUEST_BUSY)
		return 429;
	return r->code != NULL && strcmp(r->code, "timeout") == 0 ? 408 : 400;
}

static enum stream_verdict
refuse(const struct session_talk *t, const struct refusal *r,
    const char *buf, size_t len)
{
	struct http_reply reply = http_reply_text(refusal_status(r));
	struct buf *out = stream_last(t->stream, t->out);
	struct http_head head;
	size_t used, before;

	if (out == NULL)
		return STREAM_FAILED;
	before = out->len;
	http_head_read(buf, len, &head, &used);
	reply.bare = head.method == HTTP_METHOD_HEAD;
	if (http_reply_add(&reply, time(NULL), out) != 0)
		return STREAM_FAILED;
	if (t->env->access != NULL)
		access_reply(t->env->access, r->status, r->code, NULL,
		    out->len - before);
	return stream_close(t->stream);
}

const struct session_service http_search = {
	.feed = feed,
	.refuse = refuse
};
