/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests as TCP may deliver them, as other clients may write them, and as
 * none should.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

#define PARTS(...)	&(const struct request_parts){ __VA_ARGS__ }
#define BYTES(literal)	.content = (literal), .content_len = sizeof(literal) - 1

/* The answer is that of the first search, spelled otherwise. */
static void
must_be_ring(const struct dialogue *d)
{
	char *text = dialogue_result(d);

	if (text != NULL && d->checked->ring != NULL &&
	    strcmp(text, d->checked->ring) != 0)
		point_seen(d->checked, "the answer is another one than to the "
		    "same search before");
	free(text);
}

/* Where a request is cut, as its length and that of its head say. */
enum cut { CUT_EACH, CUT_LENGTH, CUT_HEADER, CUT_IN_HEADER, CUT_CONTENT,
    CUT_IN_CONTENT, CUT_LAST, CUT_END };

static const enum cut cuts[] = { CUT_EACH, CUT_LENGTH, CUT_HEADER,
    CUT_IN_HEADER, CUT_CONTENT, CUT_IN_CONTENT, CUT_LAST, CUT_END };

static size_t
cut_at(const struct request *r, enum cut cut)
{
	switch (cut) {
	case CUT_LENGTH:
		return 1;
	case CUT_HEADER:
		return 2;
	case CUT_IN_HEADER:
		return r->head / 2;
	case CUT_CONTENT:
		return r->head;
	case CUT_IN_CONTENT:
		return (r->head + r->len) / 2;
	case CUT_LAST:
		return r->len - 1;
	default:
		return r->len;
	}
}

static void
send_cut(struct dialogue *d, const struct request *r, enum cut cut)
{
	size_t at = cut_at(r, cut);

	if (cut == CUT_EACH) {
		for (size_t i = 0; i < r->len; i++) {
			dialogue_send(d, r->data + i, 1);
			if (i < 8 || i % 16 == 0)
				dialogue_pause();
		}
		return;
	}
	dialogue_send(d, r->data, at);
	if (cut == CUT_END) {
		if (!dialogue_finish(d))
			d->checked->skip = "over TLS there is no such end";
		return;
	}
	dialogue_pause();
	dialogue_send(d, r->data + at, r->len - at);
}

static void
judge_cut(struct checked *c, const struct point *point)
{
	const struct request_parts plain = { .header = NULL };
	const enum cut *cut = point->arg;
	struct dialogue d;
	struct request r = { .data = NULL };

	if (dialogue_open(&d, c) && request_make(&r, &plain) == 0) {
		send_cut(&d, &r, *cut);
		if (c->skip == NULL && dialogue_expect(&d))
			must_be_ring(&d);
	}
	request_clear(&r);
	dialogue_close(&d);
}

static void
judge_same(struct checked *c, const struct point *point)
{
	struct dialogue d;

	if (dialogue_ask(&d, c, point->arg))
		must_be_ring(&d);
	dialogue_close(&d);
}

/* Say how something was answered: the beginning, in whole characters. */
static void
tell_text(struct checked *c, const char *text)
{
	size_t len = strnlen(text, 100);

	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	point_seen(c, "it is answered \"%.*s\"", (int)len, text);
}

static void
judge_any(struct checked *c, const struct point *point)
{
	struct dialogue d;
	char *text;

	if (dialogue_ask(&d, c, point->arg)) {
		text = dialogue_result(&d);
		if (text != NULL && strncmp(text, "Error: ", 7) == 0)
			tell_text(c, text);
		free(text);
	}
	dialogue_close(&d);
}

/* What is not JSON comes back as bytes. */
static void
judge_binary(struct checked *c, const struct point *point)
{
	struct dialogue d;

	if (dialogue_ask(&d, c, point->arg) && appmsg_str_eq(
	    &d.hdr.content_type, "text/json", strlen("text/json")))
		point_seen(c, "the reply is text/json");
	dialogue_close(&d);
}

static void
judge_error(struct checked *c, const struct point *point)
{
	struct dialogue d;
	char *text;

	if (dialogue_ask(&d, c, point->arg)) {
		text = dialogue_result(&d);
		if (text != NULL && strncmp(text, "Error", 5) != 0)
			tell_text(c, text);
		free(text);
	}
	dialogue_close(&d);
}

/* Whatever is said, nobody waits. */
static void
judge_told(struct checked *c, const struct point *point)
{
	const struct request_parts *parts = point->arg;
	struct dialogue d;

	if (dialogue_open(&d, c)) {
		dialogue_send(&d, parts->content, strlen(parts->content));
		if (dialogue_hear(&d) == DIALOGUE_NOTHING)
			dialogue_tell(&d, DIALOGUE_NOTHING);
	}
	dialogue_close(&d);
}

#define WHY_PIECES \
	"TCP is a stream of bytes: recv() returns what has come so far, which " \
	"may be any part of a message. Keep it, and read on until the two " \
	"bytes, the header and the content are whole."

static const struct point pieces[] = {
	{ "a request may come a byte at a time", WHY_PIECES, judge_cut,
	    &cuts[CUT_EACH] },
	{ "a request may be cut within its first two bytes", WHY_PIECES,
	    judge_cut, &cuts[CUT_LENGTH] },
	{ "a request may be cut before its header", WHY_PIECES, judge_cut,
	    &cuts[CUT_HEADER] },
	{ "a request may be cut within its header", WHY_PIECES, judge_cut,
	    &cuts[CUT_IN_HEADER] },
	{ "a request may be cut before its content", WHY_PIECES, judge_cut,
	    &cuts[CUT_CONTENT] },
	{ "a request may be cut within its content", WHY_PIECES, judge_cut,
	    &cuts[CUT_IN_CONTENT] },
	{ "the last byte of a request may come later", WHY_PIECES, judge_cut,
	    &cuts[CUT_LAST] },
	{ "a client may end its side behind its request",
	    "That recv() returns nothing says that no more comes, not that "
	    "nobody listens: answer what is whole, then close.", judge_cut,
	    &cuts[CUT_END] }
};

const struct points points_pieces = {
	"Pieces", pieces, sizeof(pieces) / sizeof(pieces[0]), false
};

#define WHY_JSON \
	"Headers and contents are JSON as any client may spell it: read them " \
	"with a parser, and look only for the members that you know."

static const struct point right[] = {
	{ "the header's members may be in any order", WHY_JSON, judge_same,
	    PARTS(.header = "{\"content-length\": @, \"content-encoding\": "
	    "\"utf-8\", \"content-type\": \"text/json\", \"byteorder\": "
	    "\"little\"}") },
	{ "the header may have blanks and newlines", WHY_JSON, judge_same,
	    PARTS(.header = " {\r\n\t\"byteorder\" : \"little\" ,\n"
	    "\"content-type\":\"text/json\",\"content-encoding\":\"utf-8\","
	    "\n\"content-length\"  :  @ }\n ") },
	{ "the header may have escapes", WHY_JSON, judge_same,
	    PARTS(.header = "{\"byteorder\": \"littl\\u0065\", "
	    "\"content\\u002dtype\": \"text\\/json\", \"content-encoding\": "
	    "\"\\u0075tf-8\", \"content-length\": @}") },
	{ "the header may have members that nobody knows", WHY_JSON,
	    judge_same, PARTS(.header = REQUEST_WITH("\"x-later\": {\"a\": "
	    "[1, null, true, {}]}, \"\": \"\"")) },
	{ "a header's text may have braces, quotes and other characters",
	    WHY_JSON, judge_same, PARTS(.header = REQUEST_WITH("\"x\": "
	    "\"}{\\\"content-length\\\": 1, \xc3\xa9\xf0\x9f\x92\x8d\"")) },
	{ "a header may have 16,000 bytes",
	    "Its length has two bytes; read as many as it says, in as many "
	    "pieces as they come.", judge_same,
	    PARTS(.header = REQUEST_WITH("\"x\": \"~\""), .n_long = 15870) },
	{ "a client's byteorder may be big",
	    "It says how the client's machine keeps numbers; the length "
	    "before the header has its high byte first in any case.",
	    judge_same, PARTS(.header = "{\"byteorder\": \"big\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"utf-8\", \"content-length\": @}") },
	{ "the content's members may be in any order, with others", WHY_JSON,
	    judge_same, PARTS(.content = "{\"x\": [], \"value\": \"ring\", "
	    "\"action\": \"search\"}") },
	{ "the content may have blanks and escapes", WHY_JSON, judge_same,
	    PARTS(.content = "\n{\"acti\\u006fn\" : \"search\",\t\"value\":"
	    "\"\\u0072ing\"}\n") },
	{ "the name of an encoding may be in capitals",
	    "Python takes it so, and the tutorial's clients may send it so.",
	    judge_same, PARTS(.header = "{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"UTF-8\", \"content-length\": @}") },
	{ "the content may be in UTF-16",
	    "content-encoding says in which encoding the content is; decode "
	    "it by that.", judge_same, PARTS(.header = "{\"byteorder\": "
	    "\"little\", \"content-type\": \"text/json\", "
	    "\"content-encoding\": \"utf-16\", \"content-length\": @}",
	    BYTES("\xff\xfe{\0\"\0a\0c\0t\0i\0o\0n\0\"\0:\0\"\0s\0e\0a\0r\0c\0"
	    "h\0\"\0,\0\"\0v\0a\0l\0u\0e\0\"\0:\0\"\0r\0i\0n\0g\0\"\0}\0")) },
	{ "the content may be in ISO 8859-1",
	    "content-encoding says in which encoding the content is; decode "
	    "it by that.", judge_same, PARTS(.header = "{\"byteorder\": "
	    "\"little\", \"content-type\": \"text/json\", "
	    "\"content-encoding\": \"iso-8859-1\", \"content-length\": @}") },
	{ "a key may have characters beyond ASCII",
	    "Decode the content, look for the text, and encode the reply.",
	    judge_any, PARTS(.content = "{\"action\": \"search\", \"value\": "
	    "\"Z\xc3\xbcrich \xf0\x9f\x92\x8d \\ud83d\\udc8d\"}") },
	{ "a key may have any character",
	    "Quotes, control characters and U+0000 are text in JSON, and the "
	    "reply has to escape them.", judge_any, PARTS(.content =
	    "{\"action\": \"search\", \"value\": \"\\\"\\\\\\n\\u0000\\u0007"
	    "\"}") },
	{ "a key may be empty",
	    "It is a key like any other, which is there or not.", judge_any,
	    PARTS(.content = "{\"action\": \"search\", \"value\": \"\"}") },
	{ "a key may have 60,000 bytes",
	    "content-length says how long a content is; it comes in many "
	    "pieces.", judge_any, PARTS(.content = "{\"action\": \"search\", "
	    "\"value\": \"~\"}", .n_long = 60000) },
	{ "what is not text/json is answered as bytes",
	    "Any other content-type means a binary request, whose reply is "
	    "binary, too.", judge_binary, PARTS(.header = "{\"byteorder\": "
	    "\"little\", \"content-type\": \"binary/x\", "
	    "\"content-encoding\": \"binary\", \"content-length\": @}",
	    .content = "0123456789 and more") },
	{ "a binary request may have any bytes",
	    "Bytes are not text: do not decode them, nor look for an end "
	    "within.", judge_binary, PARTS(.header = "{\"byteorder\": "
	    "\"little\", \"content-type\": \"binary/x\", "
	    "\"content-encoding\": \"binary\", \"content-length\": @}",
	    BYTES("\0\xff\xfe{\"\r\n\0\x80\xc3")) }
};

const struct points points_request = {
	"Requests", right, sizeof(right) / sizeof(right[0]), false
};

#define WHY_ERROR \
	"Who has written such a client learns what is wrong from a reply with " \
	"the result \"Error: ...\", and from nothing else. Others must not " \
	"notice."
#define WITH_LENGTH(length) \
	PARTS(.header = "{\"byteorder\": \"little\", \"content-type\": " \
	"\"text/json\", \"content-encoding\": \"utf-8\", " \
	"\"content-length\": " length "}")

static const struct point wrong[] = {
	{ "an unknown action is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "{\"action\": \"dance\", \"value\": \"x\"}") },
	{ "an unknown encoding is an error", WHY_ERROR, judge_error,
	    PARTS(.header = "{\"byteorder\": \"little\", \"content-type\": "
	    "\"text/json\", \"content-encoding\": \"x-none\", "
	    "\"content-length\": @}") },
	{ "a content that is no JSON is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "{\"action\": \"search\", ") },
	{ "a content that is empty is an error", WHY_ERROR, judge_error,
	    WITH_LENGTH("0") },
	{ "a content that is no object is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "[\"search\", \"ring\"]") },
	{ "a search without a value is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "{\"action\": \"search\"}") },
	{ "a value that is no text is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "{\"action\": \"search\", \"value\": 5}") },
	{ "a content that is no UTF-8 is an error", WHY_ERROR, judge_error,
	    PARTS(.content = "{\"action\": \"search\", \"value\": \"\xff\"}") },
	{ "a content of very many brackets is an error", WHY_ERROR,
	    judge_error, PARTS(BYTES("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")) },
	{ "a header that is no JSON is an error", WHY_ERROR, judge_error,
	    PARTS(.header = "{byteorder: little}") },
	{ "a header that is empty is an error", WHY_ERROR, judge_error,
	    PARTS(.header = "") },
	{ "a header that is no object is an error", WHY_ERROR, judge_error,
	    PARTS(.header = "[\"content-length\", @]") },
	{ "a header without content-type is an error", WHY_ERROR, judge_error,
	    PARTS(.header = "{\"byteorder\": \"little\", "
	    "\"content-encoding\": \"utf-8\", \"content-length\": @}") },
	{ "a header without content-length is an error", WHY_ERROR,
	    judge_error, PARTS(.header = "{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", \"content-encoding\": "
	    "\"utf-8\"}") },
	{ "a content-length that is a text is an error", WHY_ERROR,
	    judge_error, WITH_LENGTH("\"@\"") },
	{ "a content-length below 0 is an error", WHY_ERROR, judge_error,
	    WITH_LENGTH("-1") },
	{ "a content-length with a fraction is an error", WHY_ERROR,
	    judge_error, WITH_LENGTH("36.5") },
	{ "a content-length beyond all memory is an error",
	    "Say so at once: who waits for so much holds what it has for "
	    "ever, and who makes room for it has none.", judge_error,
	    WITH_LENGTH("1000000000000000000") },
	{ "a content-length that is there twice is an error",
	    "One reads the first, another the last, and they do not agree "
	    "where the next message begins.", judge_error,
	    WITH_LENGTH("@, \"content-length\": @") },
	{ "a client with another protocol is not kept waiting",
	    "A first byte that no header has is enough to know it; close at "
	    "least.", judge_told, PARTS(.content = "GET / HTTP/1.1\r\nHost: "
	    "localhost\r\n\r\n") }
};

const struct points points_wrong = {
	"Mistakes", wrong, sizeof(wrong) / sizeof(wrong[0]), false
};
