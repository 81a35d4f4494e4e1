/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "dialogue.h"

#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/call.h"

#define PAUSE_MS	30
#define FIRST_SIZE	4096
#define REPLY_MAX	((size_t)16 * 1024 * 1024)

static int64_t
until(const struct dialogue *d)
{
	int64_t deadline = appmsg_deadline(d->checked->patience_ms);

	return deadline < d->checked->until_ms ? deadline :
	    d->checked->until_ms;
}

bool
dialogue_open(struct dialogue *d, struct checked *checked)
{
	int error;

	*d = (struct dialogue){ .checked = checked,
	    .client = checked->first };
	checked->first = NULL;
	if (d->client != NULL)
		return true;
	error = appmsg_servers_open(checked->call->servers, 0, &d->client,
	    until(d));
	if (error == 0)
		return true;
	d->client = NULL;
	checked->silent |= error == APPMSG_ETIMEDOUT;
	point_seen(checked, "it cannot be connected to: %s",
	    error == APPMSG_ECONN ? strerror(errno) :
	    call_why(checked->call, error));
	return false;
}

void
dialogue_send(struct dialogue *d, const char *data, size_t len)
{
	int64_t deadline = until(d);
	size_t n;

	while (len > 0 && appmsg_client_write(d->client, data, len, &n) == 0) {
		data += n;
		len -= n;
		/* A server that takes no more has its say by then. */
		if (len > 0 && (n == 0 && appmsg_deadline(0) >= deadline))
			return;
		if (len > 0 && n == 0)
			poll(NULL, 0, 1);
	}
}

void
dialogue_pause(void)
{
	poll(NULL, 0, PAUSE_MS);
}

bool
dialogue_finish(struct dialogue *d)
{
	const struct appmsg_server *server = appmsg_servers_get(
	    d->checked->call->servers, 0);

	return !server->tls &&
	    shutdown(appmsg_client_fd(d->client), SHUT_WR) == 0;
}

/* Room for more bytes; false when there is no memory. */
static bool
grow(struct dialogue *d)
{
	size_t size = d->size == 0 ? FIRST_SIZE : 2 * d->size;
	char *data;

	if (d->len < d->size)
		return true;
	if (size > REPLY_MAX || (data = realloc(d->data, size)) == NULL)
		return false;
	d->data = data;
	d->size = size;
	return true;
}

/* Whether a whole message is there; *heard tells of one that will not be. */
static bool
take(struct dialogue *d, enum dialogue_heard *heard)
{
	size_t used;
	int error;

	if (d->len == 0)
		return false;
	error = appmsg_header_decode(d->data, d->len, &d->hdr, &used);
	if (error == APPMSG_EAGAIN)
		return false;
	if (error != 0) {
		*heard = DIALOGUE_STRANGE;
		return true;
	}
	if (d->hdr.content_length > d->len - used)
		return false;
	d->head = d->data + APPMSG_LENGTH_SIZE;
	d->head_len = used - APPMSG_LENGTH_SIZE;
	d->content = d->data + used;
	d->content_len = (size_t)d->hdr.content_length;
	d->used = used + d->content_len;
	*heard = DIALOGUE_REPLY;
	return true;
}

/* Read once.  Returns 0, or the library's error. */
static int
read_more(struct dialogue *d, int64_t deadline)
{
	size_t n;

	if (!grow(d))
		return APPMSG_ENOMEM;
	d->error = appmsg_client_read(d->client, d->data + d->len,
	    d->size - d->len, &n, deadline);
	if (d->error == 0)
		d->len += n;
	return d->error;
}

enum dialogue_heard
dialogue_hear(struct dialogue *d)
{
	int64_t deadline = until(d);
	enum dialogue_heard heard;

	/* What was heard before is over. */
	if (d->used > 0)
		memmove(d->data, d->data + d->used, d->len - d->used);
	d->len -= d->used;
	d->used = 0;
	while (!take(d, &heard)) {
		switch (read_more(d, deadline)) {
		case 0:
			break;
		case APPMSG_EOF:
			return d->len == 0 ? DIALOGUE_END : DIALOGUE_CUT;
		case APPMSG_ETIMEDOUT:
			d->checked->silent = true;
			return d->len == 0 ? DIALOGUE_NOTHING :
			    DIALOGUE_STOPPED;
		default:
			return DIALOGUE_BROKEN;
		}
	}
	return heard;
}

bool
dialogue_ends(struct dialogue *d)
{
	return dialogue_hear(d) == DIALOGUE_END;
}

/* What is to be seen in bytes that are no message, or not a whole one. */
static const char *
guess(const struct dialogue *d)
{
	const unsigned char *p = (const unsigned char *)d->data;
	size_t length, turned;

	if (p[0] == '{')
		return "; the two bytes with the header's length are missing";
	if (d->len < 3)
		return "";
	length = (size_t)p[0] << 8 | p[1];
	turned = (size_t)p[1] << 8 | p[0];
	if (p[2] == '{' && length > d->len && turned < d->len)
		return "; the two bytes of the header's length are the wrong "
		    "way around: the high one comes first";
	if (d->len > 4 && p[4] == '{' && (length == 0 ||
	    (p[2] == 0 && p[3] == 0)))
		return "; the header's length has four bytes, not two";
	return "";
}

/* What is missing of a message. */
static void
tell_part(const struct dialogue *d, const char *how)
{
	struct appmsg_header hdr;
	size_t used;

	if (appmsg_header_decode(d->data, d->len, &hdr, &used) == 0)
		point_seen(d->checked, "%s: content-length is %llu, and %zu "
		    "bytes came", how, (unsigned long long)hdr.content_length,
		    d->len - used);
	else
		point_seen(d->checked, "%s: %zu bytes came, and no whole "
		    "header%s", how, d->len, guess(d));
}

void
dialogue_tell(const struct dialogue *d, enum dialogue_heard heard)
{
	char start[3 * 8 + 1];

	switch (heard) {
	case DIALOGUE_REPLY:
		point_seen(d->checked, "a reply came");
		break;
	case DIALOGUE_NOTHING:
		point_seen(d->checked, "nothing came for %" PRId64 " ms",
		    d->checked->patience_ms);
		break;
	case DIALOGUE_STOPPED:
		tell_part(d, "the reply stops");
		break;
	case DIALOGUE_END:
		point_seen(d->checked, "the connection was closed without a "
		    "reply");
		break;
	case DIALOGUE_CUT:
		tell_part(d, "the connection was closed within the reply");
		break;
	case DIALOGUE_STRANGE:
		for (size_t i = 0; i < 8 && i < d->len; i++)
			snprintf(start + 3 * i, sizeof(start) - 3 * i,
			    " %02x", (unsigned char)d->data[i]);
		point_seen(d->checked, "the reply is no message, %s; it "
		    "begins with the bytes%s%s", d->hdr.why, start, guess(d));
		break;
	case DIALOGUE_BROKEN:
		point_seen(d->checked, "the connection broke: %s",
		    d->error == APPMSG_EIO ? strerror(errno) :
		    call_why(d->checked->call, d->error));
		break;
	}
}

bool
dialogue_expect(struct dialogue *d)
{
	static const char *const away[] = { "busy", "unavailable" };
	enum dialogue_heard heard = dialogue_hear(d);

	if (heard != DIALOGUE_REPLY) {
		dialogue_tell(d, heard);
		return false;
	}
	for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
		if (appmsg_str_eq(&d->hdr.status, away[i], strlen(away[i])))
			d->checked->skip = "it says that it is busy, or that "
			    "it cannot know";
	return true;
}

bool
dialogue_ask(struct dialogue *d, struct checked *checked,
    const struct request_parts *parts)
{
	struct request r;

	if (!dialogue_open(d, checked))
		return false;
	if (request_make(&r, parts) != 0) {
		point_seen(checked, "%s", appmsg_strerror(APPMSG_ENOMEM));
		return false;
	}
	dialogue_send(d, r.data, r.len);
	request_clear(&r);
	return dialogue_expect(d);
}

char *
dialogue_result(const struct dialogue *d)
{
	struct appmsg_str str;
	char *text = NULL;
	size_t len;

	if (appmsg_content_find(d->content, d->content_len, "result", &str) !=
	    0) {
		point_seen(d->checked, "the reply's content is no JSON object "
		    "with a text \"result\"");
	} else if ((text = malloc(str.len + 1)) != NULL) {
		if (appmsg_str_decode(&str, text, str.len, &len) == 0) {
			text[len] = '\0';
			return text;
		}
		point_seen(d->checked, "the reply's result is no text");
	}
	free(text);
	return NULL;
}

void
dialogue_close(struct dialogue *d)
{
	if (d->client != NULL)
		appmsg_client_free(d->client);
	free(d->data);
	*d = (struct dialogue){ .checked = d->checked };
}

void
dialogue_reset(struct dialogue *d)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(appmsg_client_fd(d->client), SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger));
	dialogue_close(d);
}
