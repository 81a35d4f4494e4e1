/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Messages out of a stream of bytes.  An unfinished message leaves nothing
 * behind but how many bytes it needs: once they are there its header is read
 * again, which is cheaper than to remember what points into moving bytes.
 *
 * Replies go to what its caller sends, or behind the last that is owed: which
 * of them is chosen where a message may have come to be owed, so that who owes
 * nothing is asked once a turn.
 */

#include "config.h"

#include "daemon/request/stream.h"

#include <stdint.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/request/job.h"
#include "daemon/request/slot.h"
#include "lib/length.h"

/* What one call of stream_feed() has in hand. */
struct turn {
	struct stream *s;
	struct request_env *env;
	const struct conf_limits *limits;
	const char *buf;
	size_t len;
	size_t used;
	struct buf *out;
	struct fast_turn fast;	/* with the messages that may still be taken */
	const struct stream_tongue *tongue;	/* NULL: messages */
	int64_t until;		/* 0: no message took long yet */
	bool late;
	bool failed;		/* memory was out */
};

void
stream_init(struct stream *s, bool keep_alive)
{
	*s = (struct stream){ .state = STREAM_IDLE,
	    .need = APPMSG_LENGTH_SIZE, .keep_alive = keep_alive };
}

void
stream_clear(struct stream *s)
{
	slots_free(s->slots);
	s->slots = NULL;
}

size_t
stream_held(const struct stream *s)
{
	return s->slots == NULL ? 0 : slots_held(s->slots);
}

size_t
stream_bytes(const struct stream *s)
{
	return s->slots == NULL ? 0 : slots_bytes(s->slots);
}

bool
stream_runs(const struct stream *s)
{
	return s->slots != NULL && slots_run(s->slots);
}

bool
stream_is_woken(const struct stream *s)
{
	return s->slots != NULL && slots_are_woken(s->slots);
}

static enum stream_verdict
stream_wait(struct stream *s, enum stream_state state, size_t need)
{
	s->state = state;
	s->need = need;
	return STREAM_MORE;
}

/*
 * A closing reply to a message that cannot be answered.  What could not be
 * read may have asked for a status, if an earlier request did; and being
 * busy is nothing that the tutorial's server says.
 */
static enum stream_verdict
stream_refuse_last(const struct stream *s, const struct request_env *env,
    const struct appmsg_header *hdr, const struct refusal *refusal,
    struct buf *out)
{
	bool tell = refusal->status != REQUEST_ERROR ||
	    (hdr == NULL && s->told);

	return request_refuse(env->access, hdr, refusal, tell, out) == 0 ?
	    STREAM_CLOSE : STREAM_FAILED;
}

/*
 * Whether the connection stays after the reply to a request.
 *
 * last  no byte of a next request is there
 */
static bool
stream_keeps(const struct stream *s, const struct appmsg_header *hdr,
    bool last)
{
	if (s->draining && last)
		return false;
	if (hdr->has_connection)
		return appmsg_str_eq(&hdr->connection, "keep-alive", 10);
	return s->keep_alive;
}

static void
stream_note(struct stream *s, const struct appmsg_header *hdr)
{
	if (hdr->has_connection || hdr->id.kind != APPMSG_ID_NONE)
		s->told = true;
}

/* The length that a message declares for its header, if it is there yet. */
static size_t
declared_header(const char *buf, size_t len)
{
	return len < APPMSG_LENGTH_SIZE ? 0 : length_get(buf);
}

/* The length and one byte more tell that it is no message. */
#define FRONT_SIZE	(APPMSG_LENGTH_SIZE + 1)

/*
 * What else comes to a port that takes messages, by its first bytes: each
 * would be the length of a header that nobody ever sends.
 *
 * n  how many of them are there and looked at
 *
 * Returns why it is none, or NULL.
 */
static const char *
foreign(const char *buf, size_t n)
{
	static const char http[] = "this port speaks appmsg-protocol, not HTTP";
	static const char tls[] = "this port speaks appmsg-protocol, not TLS";
	static const struct {
		char front[FRONT_SIZE + 1];
		const char *why;
	} rows[] = {
		{ "GET", http }, { "HEA", http }, { "POS", http },
		{ "PUT", http }, { "DEL", http }, { "CON", http },
		{ "OPT", http }, { "TRA", http }, { "PAT", http },
		{ "PRI", http },	/* the preface of HTTP/2 */
		{ "\x16\x03\0", tls }, { "\x16\x03\x01", tls },
		{ "\x16\x03\x02", tls }, { "\x16\x03\x03", tls }
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (memcmp(buf, rows[i].front, n) == 0)
			return rows[i].why;
	return NULL;
}

/* Whether somebody typed what should be a length. */
static bool
is_text(const char *buf)
{
	for (size_t i = 0; i < APPMSG_LENGTH_SIZE; i++)
		if (buf[i] < ' ' || buf[i] > '~')
			return false;
	return true;
}

/*
 * What is wrong with the first bytes of a message, whose rest is not waited
 * for then.  However they are cut, it is the same: where the length alone
 * would do, but may be of something else, one byte more decides.
 *
 * code  set when there is something
 */
static const char *
stream_front(const char *buf, size_t len, size_t most, const char **code)
{
	size_t header = declared_header(buf, len);
	bool begins = len >= FRONT_SIZE &&
	    memchr("{ \t\r\n", buf[APPMSG_LENGTH_SIZE], 5) != NULL;
	const char *why;

	if (header == 0 || (begins && header <= most))
		return NULL;
	*code = "bad-header";
	if (len >= FRONT_SIZE && (why = foreign(buf, FRONT_SIZE)) != NULL)
		return why;
	if (header > most && (len >= FRONT_SIZE ||
	    foreign(buf, APPMSG_LENGTH_SIZE) == NULL)) {
		*code = "too-large";
		return is_text(buf) ? "the header is too large: the first two "
		    "bytes are its length, and here they are text" :
		    "the header is too large";
	}
	/* As it is told of a header that is there whole. */
	return len >= FRONT_SIZE ? "not an object" : NULL;
}

/* Owe the reply to a request, for which the job works. */
static enum stream_verdict
stream_owe(struct stream *s, struct request_env *env,
    struct request_job *job, bool keep)
{
	if (s->slots == NULL && (s->slots = slots_new(env, s)) ==
	    NULL) {
		request_job_free(job);
		return STREAM_FAILED;
	}
	if (slots_add(s->slots, job, env->since) != 0) {
		/* Whoever has a queue has something in it. */
		if (slots_n(s->slots) == 0)
			stream_clear(s);
		return STREAM_FAILED;
	}
	s->closing = !keep;
	return keep ? STREAM_AGAIN : STREAM_WAIT;
}

/* A message was taken; its reply is behind those that are owed. */
static enum stream_verdict
stream_behind(struct stream *s, enum stream_verdict verdict)
{
	if (verdict != STREAM_CLOSE)
		return verdict;
	s->closing = true;
	return STREAM_WAIT;
}

/* Inline for messages, which are in a hurry. */
static inline enum stream_verdict
answered(struct stream *s, struct request_env *env,
    enum request_result result, struct request_job *job, bool keep)
{
	switch (result) {
	case REQUEST_ANSWERED:
		return keep ? STREAM_AGAIN : STREAM_CLOSE;
	case REQUEST_LATER:
		return stream_owe(s, env, job, keep);
	case REQUEST_FAILED:
		break;
	}
	return STREAM_FAILED;
}

/* Close after a message that cannot be read or is too large. */
static enum stream_verdict
stream_reject(const struct stream *s, struct request_env *env,
    const struct appmsg_header *hdr, const char *code, const char *why,
    struct buf *out)
{
	const struct refusal refusal = { REQUEST_ERROR, code, why };

	stats_answered(env->stats, STATS_OTHER, REQUEST_ERROR, 1);
	return stream_refuse_last(s, env, hdr, &refusal, out);
}

/*
 * Read the header at the front, as appmsg_header_decode() does, if it is none
 * that is known already.
 */
static int
stream_header(struct request_env *env, const struct shape_fit *known,
    const char *buf, size_t len, struct appmsg_header *hdr, size_t *used)
{
	int error;

	if (known->shape != NULL) {
		shape_header(known, hdr);
		*used = known->len;
		return 0;
	}
	error = appmsg_header_decode(buf, len, hdr, used);
	if (error == 0 && env->fast != NULL)
		shapes_remember(&env->shapes, buf, *used, hdr);
	return error;
}

/* Take the message at the front, or wait for more of it. */
static enum stream_verdict
stream_message(struct stream *s, struct turn *t, struct buf *out)
{
	const char *buf = t->buf + t->used;
	size_t len = t->len - t->used, start, content;
	struct request_job *job = NULL;
	enum request_result result;
	struct appmsg_header hdr;
	const char *code, *why;
	bool keep;
	int error;

	why = stream_front(buf, len, (size_t)t->limits->header, &code);
	if (why != NULL)
		return stream_reject(s, t->env, NULL, code, why, out);
	error = stream_header(t->env, &t->fast.next, buf, len, &hdr, &start);
	if (error == APPMSG_EAGAIN)
		return stream_wait(s, len == 0 ? STREAM_IDLE : STREAM_HEADER,
		    len == APPMSG_LENGTH_SIZE ? FRONT_SIZE : start);
	if (error != 0)
		return stream_reject(s, t->env, hdr.has_connection ||
		    hdr.id.kind != APPMSG_ID_NONE ? &hdr : NULL, hdr.code,
		    hdr.why, out);
	stream_note(s, &hdr);
	/* Before the wait for it: nobody is made to hold what is refused. */
	if (hdr.content_length > (uint64_t)t->limits->content)
		return stream_reject(s, t->env, &hdr, "too-large",
		    "the content is too large", out);
	content = (size_t)hdr.content_length;
	if (len - start < content)
		return stream_wait(s, STREAM_CONTENT, start + content);
	keep = stream_keeps(s, &hdr, len - start == content);
	t->used += start + content;
	stream_wait(s, STREAM_IDLE, APPMSG_LENGTH_SIZE);
	result = request_answer(t->env, &(struct request){ &hdr, buf + start,
	    content, keep }, out, &job);
	return answered(s, t->env, result, job, keep);
}

/* The same of what is no message. */
static enum stream_verdict
stream_other(struct stream *s, struct turn *t, struct buf *out)
{
	struct stream_bytes bytes = { t->buf + t->used, t->len - t->used, 0 };
	enum stream_verdict verdict;

	stream_wait(s, STREAM_IDLE, 1);
	verdict = t->tongue->take(s, t->env, &bytes, out, t->tongue->arg);
	t->used += bytes.used;
	return verdict;
}

/*
 * Whether a turn takes too long.  Messages that the fast path knows do not
 * count: that many are bounded by their number.
 */
static bool
turn_is_late(struct turn *t)
{
	int64_t now;

	if (t->env->turn_ns == 0)
		return false;
	now = clock_ns();
	if (t->until == 0)
		t->until = now + t->env->turn_ns;
	return now >= t->until;
}

/*
 * Aim at where the reply to the next message goes.  Where replies are owed that
 * is behind all of them.
 *
 * Returns STREAM_AGAIN; STREAM_WAIT where they are too much; STREAM_FAILED.
 */
static enum stream_verdict
stream_aim(const struct stream *s, struct turn *t)
{
	size_t most = (size_t)t->limits->output, owed, n;
	size_t pipeline = (size_t)t->limits->pipeline;
	struct fast_turn *fast = &t->fast;

	fast->out = t->out;
	fast->output = most;
	fast->may_owe = pipeline;
	if (!stream_owes(s))
		return STREAM_AGAIN;
	owed = slots_bytes(s->slots);
	n = slots_n(s->slots);
	if (owed >= most || n >= pipeline)
		return STREAM_WAIT;
	if (owed + t->out->len >= most) {
		fast->budget = 0;
		return STREAM_AGAIN;
	}
	if ((fast->out = slots_out(s->slots)) == NULL)
		return STREAM_FAILED;
	fast->output = most - owed - t->out->len + fast->out->len;
	fast->may_owe = pipeline - n;
	return STREAM_AGAIN;
}

/* One of the plain lookups is answered later. */
static void
stream_owe_cb(void *arg, struct request_job *job, bool keep)
{
	struct turn *t = arg;
	enum stream_verdict verdict = job == NULL ? STREAM_FAILED :
	    stream_owe(t->s, t->env, job, keep);

	if (verdict == STREAM_AGAIN)
		verdict = stream_aim(t->s, t);
	t->failed = verdict == STREAM_FAILED;
	if (verdict != STREAM_AGAIN || t->fast.budget <= 0)
		t->fast.out = NULL;
}

/* Take the plain lookups at the front, and one message behind them. */
static enum stream_verdict
stream_take(struct stream *s, struct turn *t)
{
	struct fast_turn *fast = &t->fast;
	enum stream_verdict verdict;

	if (t->env->fast != NULL && !s->draining && t->tongue == NULL) {
		fast_feed(t->env, fast, t->buf + t->used, t->len - t->used);
		if (fast->used > 0)
			stream_wait(s, STREAM_IDLE, APPMSG_LENGTH_SIZE);
		t->used += fast->used;
		s->told |= fast->told;
		if (t->failed)
			return STREAM_FAILED;
		if (s->closing)
			return STREAM_WAIT;
		if (fast->last)
			return STREAM_CLOSE;
		if (fast->budget <= 0 || fast->out == NULL ||
		    fast->out->len >= fast->output)
			return STREAM_AGAIN;
	}
	fast->budget--;
	verdict = t->tongue == NULL ? stream_message(s, t, fast->out) :
	    stream_other(s, t, fast->out);
	t->late = turn_is_late(t);
	return verdict;
}

/* The same, wherever the replies go. */
static enum stream_verdict
stream_take_next(struct stream *s, struct turn *t)
{
	enum stream_verdict verdict = stream_aim(s, t);

	if (verdict != STREAM_AGAIN || t->fast.budget <= 0)
		return verdict;
	verdict = stream_take(s, t);
	if (!stream_owes(s) || verdict == STREAM_FAILED)
		return verdict;
	/* What was lent before something was owed is not behind it. */
	if (t->env->lent.text != NULL && t->fast.out != t->out)
		slots_lend(s->slots, t->env);
	slots_count(s->slots);
	return stream_behind(s, verdict);
}

enum stream_verdict
stream_feed(struct stream *s, struct request_env *env, const char *buf,
    size_t len, size_t *used, struct buf *out)
{
	const struct conf_limits *limits = env->limits;
	struct turn t = { .s = s, .env = env, .limits = limits, .buf = buf,
	    .len = len, .out = out, .fast = { .keep_alive = s->keep_alive,
	    .budget = limits->pipeline, .limits = limits,
	    .owe_cb = stream_owe_cb }, .tongue = env->tongue };
	enum stream_verdict verdict = STREAM_AGAIN;

	t.fast.arg = &t;
	if (stream_owes(s))
		verdict = stream_collect(s, env, out);
	while (verdict == STREAM_AGAIN && t.fast.budget > 0 && !t.late &&
	    out->len < (size_t)limits->output && env->lent.text == NULL) {
		if (t.len - t.used < s->need && s->state != STREAM_IDLE)
			verdict = STREAM_MORE;
		else
			verdict = stream_take_next(s, &t);
	}
	*used = t.used;
	return verdict;
}

enum stream_verdict
stream_answered(struct stream *s, struct request_env *env,
    enum request_result result, struct request_job *job, bool keep)
{
	return answered(s, env, result, job, keep);
}

struct buf *
stream_last(struct stream *s, struct buf *out)
{
	return stream_owes(s) ? slots_out(s->slots) : out;
}

enum stream_verdict
stream_close(struct stream *s)
{
	return stream_owes(s) ? stream_behind(s, STREAM_CLOSE) :
	    STREAM_CLOSE;
}

enum stream_verdict
stream_work(struct stream *s, struct request_env *env, int64_t slice_us,
    struct buf *out)
{
	if (stream_owes(s))
		slots_work(s->slots, env, slice_us, out);
	return stream_collect(s, env, out);
}

void
stream_give_up(struct stream *s)
{
	if (stream_owes(s))
		slots_give_up(s->slots);
}

enum stream_verdict
stream_collect(struct stream *s, struct request_env *env, struct buf *out)
{
	if (stream_owes(s)) {
		if (slots_take(s->slots, env, out) != 0)
			return STREAM_FAILED;
		/* With a text that is lent there may be more to give. */
		if (slots_n(s->slots) > 0)
			return s->closing && env->lent.text == NULL ?
			    STREAM_WAIT : STREAM_AGAIN;
		stream_clear(s);
	}
	return s->closing ? STREAM_CLOSE : STREAM_AGAIN;
}

enum stream_verdict
stream_refuse(struct stream *s, struct request_env *env,
    const struct refusal *refusal, const char *buf, size_t len,
    struct buf *out)
{
	enum stream_verdict verdict;
	struct appmsg_header hdr;
	size_t start;
	bool known = appmsg_header_decode(buf, len, &hdr, &start) == 0;

	if ((out = stream_last(s, out)) == NULL)
		return STREAM_FAILED;
	verdict = stream_refuse_last(s, env, known ? &hdr : NULL, refusal,
	    out);
	return verdict == STREAM_CLOSE ? stream_close(s) : verdict;
}
