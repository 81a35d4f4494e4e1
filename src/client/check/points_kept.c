/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Connections that stay, for servers that keep those that ask for it.
 */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

#define MANY	50
#define KEEP	"\"connection\": \"keep-alive\""

static bool
is(const struct appmsg_str *s, const char *text)
{
	return appmsg_str_eq(s, text, strlen(text));
}

/* Send a request with more members in its header, and this content. */
static void
send_with(struct dialogue *d, const char *members, const char *content)
{
	char header[256];
	const struct request_parts parts = { .header = header,
	    .content = content };
	struct request r;

	snprintf(header, sizeof(header), "{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"utf-8\", \"content-length\": @, %s}", members);
	if (request_make(&r, &parts) == 0)
		dialogue_send(d, r.data, r.len);
	request_clear(&r);
}

/* Whether the points can be judged: the first of them finds it out. */
static bool
is_kept(struct checked *c)
{
	if (!c->kept)
		c->skip = "it does not keep connections";
	return c->kept;
}

static void
judge_offer(struct checked *c, const struct point *point)
{
	struct dialogue d;

	(void)point;
	if (dialogue_open(&d, c)) {
		send_with(&d, KEEP, REQUEST_RING);
		if (dialogue_expect(&d)) {
			c->kept = is(&d.hdr.connection, "keep-alive");
			if (!c->kept && !d.hdr.has_connection)
				c->skip = "it does not know the member";
			else if (!c->kept && !is(&d.hdr.connection, "close"))
				point_seen(c, "connection is neither "
				    "keep-alive nor close");
		}
	}
	dialogue_close(&d);
}

static void
judge_status(struct checked *c, const struct point *point)
{
	struct dialogue d;

	(void)point;
	if (is_kept(c) && dialogue_open(&d, c)) {
		send_with(&d, KEEP, REQUEST_RING);
		if (dialogue_expect(&d) && !is(&d.hdr.status, "found") &&
		    !is(&d.hdr.status, "not-found"))
			point_seen(c, "there is no such status");
		dialogue_close(&d);
	}
}

static void
judge_id_text(struct checked *c, const struct point *point)
{
	struct dialogue d;

	(void)point;
	if (is_kept(c) && dialogue_open(&d, c)) {
		send_with(&d, KEEP ", \"id\": \"a \\\"b\\\" \xc3\xa9\"",
		    REQUEST_RING);
		if (dialogue_expect(&d) && (d.hdr.id.kind !=
		    APPMSG_ID_STRING || !is(&d.hdr.id.str,
		    "a \"b\" \xc3\xa9")))
			point_seen(c, "the reply has another id, or none");
		dialogue_close(&d);
	}
}

static bool
has_id(const struct dialogue *d, int64_t id)
{
	return d->hdr.id.kind == APPMSG_ID_INT && d->hdr.id.num == id;
}

static void
judge_id_number(struct checked *c, const struct point *point)
{
	static const int64_t ids[] = { 0, -7, INT64_C(9007199254740992) };
	struct dialogue d;
	char members[80];

	(void)point;
	if (!is_kept(c) || !dialogue_open(&d, c))
		return;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(members, sizeof(members), KEEP ", \"id\": %" PRId64,
		    ids[i]);
		send_with(&d, members, REQUEST_RING);
		if (!dialogue_expect(&d))
			break;
		if (!has_id(&d, ids[i]))
			point_seen(c, "the reply to %" PRId64 " has another "
			    "id, or none", ids[i]);
	}
	dialogue_close(&d);
}

/* Ask many times, and then hear all; the content of one may be another. */
static void
ask_many(struct dialogue *d, size_t odd, const char *content)
{
	char members[80];
	char *text;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(members, sizeof(members), KEEP ", \"id\": %zu", i);
		send_with(d, members, i == odd ? content : REQUEST_RING);
	}
	for (size_t i = 0; i < MANY; i++) {
		if (!dialogue_expect(d))
			return;
		if (!has_id(d, (int64_t)i)) {
			point_seen(d->checked, "the reply that is due to "
			    "request %zu has another id", i);
			return;
		}
		text = dialogue_result(d);
		if (text != NULL && i != odd && d->checked->ring != NULL &&
		    strcmp(text, d->checked->ring) != 0)
			point_seen(d->checked, "request %zu has the answer to "
			    "another one", i);
		free(text);
	}
}

static void
judge_many(struct checked *c, const struct point *point)
{
	struct dialogue d;

	if (is_kept(c) && dialogue_open(&d, c)) {
		send_with(&d, KEEP, REQUEST_RING);
		if (dialogue_expect(&d))
			ask_many(&d, MANY / 2, point->arg);
		dialogue_close(&d);
	}
}

/* A second request comes with the first one's last piece. */
static void
judge_overlap(struct checked *c, const struct point *point)
{
	const struct request_parts parts = { .header = REQUEST_WITH(KEEP) };
	struct dialogue d;
	struct request r;
	size_t half;
	char *both;

	(void)point;
	if (!is_kept(c) || request_make(&r, &parts) != 0)
		return;
	half = r.len / 2;
	if (dialogue_open(&d, c) && (both = malloc(2 * r.len)) != NULL) {
		memcpy(both, r.data, r.len);
		memcpy(both + r.len, r.data, r.len);
		dialogue_send(&d, both, half);
		dialogue_pause();
		dialogue_send(&d, both + half, r.len);
		dialogue_pause();
		dialogue_send(&d, both + half + r.len, r.len - half);
		free(both);
		if (dialogue_expect(&d))
			dialogue_expect(&d);
	}
	dialogue_close(&d);
	request_clear(&r);
}

static void
judge_close(struct checked *c, const struct point *point)
{
	struct dialogue d;

	(void)point;
	if (is_kept(c) && dialogue_open(&d, c)) {
		send_with(&d, KEEP, REQUEST_RING);
		if (dialogue_expect(&d)) {
			send_with(&d, "\"connection\": \"close\"",
			    REQUEST_RING);
			if (dialogue_expect(&d) && !dialogue_ends(&d))
				point_seen(c, "it stays open");
		}
		dialogue_close(&d);
	}
}

static const struct point all[] = {
	{ "a request may ask to keep the connection",
	    "The reply says what the server does: \"connection\": "
	    "\"keep-alive\" or \"close\". A server that does not know the "
	    "member ignores it.", judge_offer, NULL },
	{ "a reply then has a status",
	    "It says found or not-found, so that no client has to look for "
	    "that in texts.", judge_status, NULL },
	{ "an id that is a number comes back",
	    "The same integer, up to 2 to the power of 53 and below 0.",
	    judge_id_number, NULL },
	{ "an id that is a text comes back",
	    "The same text, whatever characters it has.", judge_id_text,
	    NULL },
	{ "fifty requests at once are answered in their order",
	    "recv() may return several messages and a part of one: answer "
	    "each that is whole, and keep the rest for the next one.",
	    judge_many, REQUEST_RING },
	{ "a second request may begin in the first one's last piece",
	    "What is left behind a message is the beginning of the next one: "
	    "do not drop it, and look at it before you wait for more.",
	    judge_overlap, NULL },
	{ "an error in between shifts nothing",
	    "A request in error has one reply, too, and the connection goes "
	    "on behind its content.", judge_many,
	    "{\"action\": \"dance\", \"value\": \"ring\"}" },
	{ "a request may ask to close the connection again",
	    "Each request decides anew; behind the reply to this one the "
	    "server closes.", judge_close, NULL }
};

const struct points points_kept = {
	"Kept connections", all, sizeof(all) / sizeof(all[0]), false
};
