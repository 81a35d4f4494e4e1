/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The services that workers have.
 */

#include "config.h"

#include "daemon/session/session_service.h"

#include "daemon/record/stats.h"

static enum stream_verdict
messages_feed(const struct session_talk *t, const char *buf, size_t len,
    size_t *used)
{
	t->env->limits = t->limits;
	return stream_feed(t->stream, t->env, buf, len, used, t->out);
}

static enum stream_verdict
messages_refuse(const struct session_talk *t, const struct refusal *r,
    const char *buf, size_t len)
{
	return stream_refuse(t->stream, t->env, r, buf, len, t->out);
}

const struct session_service session_messages = {
	.feed = messages_feed,
	.refuse = messages_refuse
};

static enum stream_verdict
echo_feed(const struct session_talk *t, const char *buf, size_t len,
    size_t *used)
{
	*used = len;
	stats_answered(t->env->stats, STATS_ECHO, STATS_DONE, len > 0);
	return len == 0 || buf_add(t->out, buf, len) == 0 ? STREAM_MORE :
	    STREAM_FAILED;
}

/* It has no word for that. */
static enum stream_verdict
echo_refuse(const struct session_talk *t, const struct refusal *r,
    const char *buf, size_t len)
{
	(void)t;
	(void)r;
	(void)buf;
	(void)len;
	return STREAM_CLOSE;
}

const struct session_service session_echo = {
	.feed = echo_feed,
	.refuse = echo_refuse
};
