/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What comes back for one plain search.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

static const struct request_parts plain = { .header = NULL };

/* What is looked at in a reply: what is wrong with it, or NULL. */
struct look {
	const char *(*wrong)(const struct dialogue *);
};

static void
judge_reply(struct checked *c, const struct point *point)
{
	const struct look *look = point->arg;
	struct dialogue d;
	const char *wrong;

	if (dialogue_ask(&d, c, &plain) && look != NULL &&
	    (wrong = look->wrong(&d)) != NULL)
		point_seen(c, "%s", wrong);
	dialogue_close(&d);
}

static const char *
wrong_members(const struct dialogue *d)
{
	return d->hdr.flaw != APPMSG_FLAW_NONE ? d->hdr.why : NULL;
}

static const char *
wrong_type(const struct dialogue *d)
{
	return appmsg_str_eq(&d->hdr.content_type, "text/json", 9) ? NULL :
	    "it is something else";
}

static const char *
wrong_encoding(const struct dialogue *d)
{
	return appmsg_str_eq(&d->hdr.content_encoding, "utf-8", 5) ? NULL :
	    "it is something else";
}

static const char *
wrong_order(const struct dialogue *d)
{
	struct appmsg_str order;

	return appmsg_content_find(d->head, d->head_len, "byteorder",
	    &order) == 0 && (appmsg_str_eq(&order, "little", 6) ||
	    appmsg_str_eq(&order, "big", 3)) ? NULL :
	    "it is something else, or missing";
}

static void
judge_result(struct checked *c, const struct point *point)
{
	struct dialogue d;

	(void)point;
	if (dialogue_ask(&d, c, &plain)) {
		free(c->ring);
		c->ring = dialogue_result(&d);
	}
	dialogue_close(&d);
}

/* One reply to one request, of as many bytes as it says. */
static void
judge_length(struct checked *c, const struct point *point)
{
	struct dialogue d;

	if (dialogue_ask(&d, c, point->arg)) {
		switch (dialogue_hear(&d)) {
		case DIALOGUE_END:
		case DIALOGUE_NOTHING:
		case DIALOGUE_BROKEN:
			break;
		default:
			point_seen(c, "%zu bytes more came behind the content",
			    d.len);
		}
	}
	dialogue_close(&d);
}

/* The connection ends, or it is good for something. */
static void
judge_end(struct checked *c, const struct point *point)
{
	struct dialogue d;
	struct request r;

	(void)point;
	if (dialogue_ask(&d, c, &plain) && dialogue_hear(&d) ==
	    DIALOGUE_NOTHING && request_make(&r, &plain) == 0) {
		dialogue_send(&d, r.data, r.len);
		request_clear(&r);
		if (dialogue_hear(&d) == DIALOGUE_REPLY)
			c->silent = false;
		else
			point_seen(c, "it stays open, and a second request "
			    "over it has no reply");
	}
	dialogue_close(&d);
}

static const struct point all[] = {
	{ "a search is answered",
	    "A reply is two bytes with the length of a header, the header, and "
	    "the content. A server sends it once the whole request is there, "
	    "without waiting for the end of the connection.",
	    judge_reply,
	    NULL },
	{ "the reply's header has its members",
	    "These are byteorder, content-type, content-encoding and "
	    "content-length; the first three are texts, the last one is a "
	    "number.", judge_reply,
	    &(const struct look){ wrong_members } },
	{ "the reply's byteorder is little or big",
	    "It is the order of bytes of the server's machine, sys.byteorder "
	    "in Python.", judge_reply,
	    &(const struct look){ wrong_order } },
	{ "the reply to a search is text/json",
	    "Whoever reads it decides by content-type what to do with the "
	    "content.", judge_reply,
	    &(const struct look){ wrong_type } },
	{ "the reply's content-encoding is utf-8",
	    "It says in which encoding the JSON is; clients know utf-8.",
	    judge_reply,
	    &(const struct look){ wrong_encoding } },
	{ "the reply has as many bytes as it says",
	    "content-length counts the bytes of the content, and nothing comes "
	    "behind them.", judge_length, &plain },
	{ "the length counts bytes, not characters",
	    "Encode the content first, then take the length of those bytes: "
	    "a character beyond ASCII has several.", judge_length,
	    &(const struct request_parts){ .content =
	    "{\"action\": \"search\", \"value\": \"ring \xf0\x9f\x92\x8d\"}" } },
	{ "the reply's content has a result",
	    "The content is one JSON object, {\"result\": \"...\"}, and the "
	    "result is a text.", judge_result, NULL },
	{ "after the reply the connection ends, or takes another request",
	    "A client that asks once reads until the end of the connection, "
	    "or asks again; one that does neither is waited for in vain.",
	    judge_end, NULL }
};

const struct points points_reply = {
	"A reply", all, sizeof(all) / sizeof(all[0]), true
};
