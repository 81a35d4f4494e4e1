/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Messages out of a stream of bytes.  An unfinished message leaves nothing
 * behind but how many bytes it needs: once they are there its header is read
 * again, which is cheaper than to remember what points into moving bytes.
 */

#include "config.h"

#include "daemon/request/stream.h"

#include <stdint.h>

#include "common/clock.h"
#include "daemon/conf/conf.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/request/job.h"
#include "lib/length.h"

void
stream_init(struct stream *s, bool keep_alive)
{
	*s = (struct stream){ .state = STREAM_IDLE,
	    .need = APPMSG_LENGTH_SIZE, .keep_alive = keep_alive };
}

void
stream_clear(struct stream *s)
{
	request_job_free(s->job);
	s->job = NULL;
}

size_t
stream_held(const struct stream *s)
{
	return request_job_held(s->job);
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
stream_close(const struct stream *s, const struct request_env *env,
    const struct appmsg_header *hdr, enum request_status status,
    const char *code, const char *why, struct buf *out)
{
	bool tell = status != REQUEST_ERROR || (hdr == NULL && s->told);

	return request_refuse(env->access, hdr, status, code, why, tell,
	    out) == 0 ? STREAM_CLOSE : STREAM_FAILED;
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

static enum stream_verdict
stream_answered(enum request_result result, bool keep)
{
	switch (result) {
	case REQUEST_ANSWERED:
		return keep ? STREAM_AGAIN : STREAM_CLOSE;
	case REQUEST_LATER:
		return STREAM_WORK;
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
	stats_answered(env->stats, STATS_OTHER, REQUEST_ERROR, 1);
	return stream_close(s, env, hdr, REQUEST_ERROR, code, why, out);
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

/* Take the message at the front; *used stays 0 unless it was answered. */
static enum stream_verdict
stream_message(struct stream *s, struct request_env *env,
    const struct fast_turn *turn, const char *buf, size_t len, size_t *used,
    struct buf *out)
{
	const struct conf_limits *limits = turn->limits;
	struct appmsg_header hdr;
	size_t start, content;
	enum request_result result;
	bool keep;
	int error;

	if (declared_header(buf, len) > (size_t)limits->header)
		return stream_reject(s, env, NULL, "too-large",
		    "the header is too large", out);
	error = stream_header(env, &turn->next, buf, len, &hdr, &start);
	if (error == APPMSG_EAGAIN)
		return stream_wait(s, len == 0 ? STREAM_IDLE : STREAM_HEADER,
		    start);
	if (error != 0)
		return stream_reject(s, env, hdr.has_connection ||
		    hdr.id.kind != APPMSG_ID_NONE ? &hdr : NULL, hdr.code,
		    hdr.why, out);
	stream_note(s, &hdr);
	/* Before the wait for it: nobody is made to hold what is refused. */
	if (hdr.content_length > (uint64_t)limits->content)
		return stream_reject(s, env, &hdr, "too-large",
		    "the content is too large", out);
	content = (size_t)hdr.content_length;
	if (len - start < content)
		return stream_wait(s, STREAM_CONTENT, start + content);
	keep = stream_keeps(s, &hdr, len - start == content);
	result = request_answer(env, &hdr, buf + start, content, keep, out,
	    &s->job);
	*used = start + content;
	stream_wait(s, STREAM_IDLE, APPMSG_LENGTH_SIZE);
	s->job_keep = keep;
	return stream_answered(result, keep);
}

/*
 * Whether a turn takes too long; *until is 0 at its first message.  Those that
 * the fast path knows do not count: that many are bounded by their number.
 */
static bool
stream_is_late(const struct request_env *env, int64_t *until)
{
	int64_t now;

	if (env->turn_ns == 0)
		return false;
	now = clock_ns();
	if (*until == 0)
		*until = now + env->turn_ns;
	return now >= *until;
}

enum stream_verdict
stream_feed(struct stream *s, struct request_env *env,
    const struct conf_limits *limits, const char *buf, size_t len,
    size_t *used, struct buf *out)
{
	struct fast_turn turn = { .limits = limits,
	    .keep_alive = s->keep_alive, .budget = limits->pipeline };
	enum stream_verdict verdict = STREAM_AGAIN;
	int64_t until = 0;
	size_t taken;

	*used = 0;
	while (verdict == STREAM_AGAIN && turn.budget > 0 &&
	    out->len < (size_t)limits->output && env->lent.text == NULL) {
		if (len - *used < s->need && s->state != STREAM_IDLE)
			return STREAM_MORE;
		if (env->fast != NULL && !s->draining) {
			fast_feed(env, &turn, buf + *used, len - *used, out);
			if (turn.used > 0)
				stream_wait(s, STREAM_IDLE,
				    APPMSG_LENGTH_SIZE);
			*used += turn.used;
			s->told |= turn.told;
			if (turn.last)
				return STREAM_CLOSE;
			if (turn.budget <= 0 ||
			    out->len >= (size_t)limits->output)
				break;
		}
		turn.budget--;
		taken = 0;
		verdict = stream_message(s, env, &turn, buf + *used,
		    len - *used, &taken, out);
		*used += taken;
		if (stream_is_late(env, &until))
			break;
	}
	return verdict;
}

enum stream_verdict
stream_work(struct stream *s, struct request_env *env, int64_t slice_us,
    struct buf *out)
{
	enum request_result result = request_job_work(s->job, env, slice_us,
	    out);

	if (result != REQUEST_LATER)
		stream_clear(s);
	return stream_answered(result, s->job_keep);
}

enum stream_verdict
stream_refuse(struct stream *s, const struct request_env *env,
    enum request_status status, const char *code, const char *why,
    const char *buf, size_t len, struct buf *out)
{
	struct appmsg_header hdr;
	size_t start;
	bool known = appmsg_header_decode(buf, len, &hdr, &start) == 0;

	return stream_close(s, env, known ? &hdr : NULL, status, code, why,
	    out);
}
