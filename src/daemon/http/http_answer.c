/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A body is put where it may stand behind the longest head, since the head
 * tells its length and hash, and then moved to where it does.
 */

#include "config.h"

#include "daemon/http/http_answer.h"

#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "daemon/base/buf.h"
#include "daemon/http/http_reply.h"
#include "daemon/request/reply_texts.h"

#define STATUS_ROOM	128	/* of "status" and "error" */

_Static_assert(sizeof(struct http_note) <= TONGUE_NOTE * sizeof(uint64_t),
    "a note fits");

void
http_note_pack(const struct http_note *note, uint64_t packed[TONGUE_NOTE])
{
	memcpy(packed, note, sizeof(*note));
}

/* Cut what stands before a comma, or all, without blanks. */
static struct http_text
cut(struct http_text *rest)
{
	struct http_text one = *rest;
	const char *end = memchr(rest->data, ',', rest->len);

	if (end != NULL)
		one.len = (size_t)(end - rest->data);
	rest->data += one.len + (end != NULL);
	rest->len -= one.len + (end != NULL);
	while (one.len > 0 && (*one.data == ' ' || *one.data == '\t')) {
		one.data++;
		one.len--;
	}
	while (one.len > 0 && (one.data[one.len - 1] == ' ' ||
	    one.data[one.len - 1] == '\t'))
		one.len--;
	return one;
}

void
http_note_tags(struct http_note *note, struct http_text list)
{
	while (list.len > 0) {
		struct http_text one = cut(&list);

		if (one.len == 1 && *one.data == '*')
			note->any = true;
		/* What passes it on may have made it a weak one. */
		if (one.len > 2 && memcmp(one.data, "W/", 2) == 0) {
			one.data += 2;
			one.len -= 2;
		}
		if (note->n < HTTP_TAGS_MAX && one.len > 2 &&
		    one.data[0] == '"' && one.data[one.len - 1] == '"' &&
		    http_tag_read(one.data + 1, one.len - 2,
		    &note->tags[note->n]))
			note->n++;
	}
}

static bool
has_tag(const struct http_note *note, uint64_t tag)
{
	for (unsigned int i = 0; i < note->n; i++)
		if (note->tags[i] == tag)
			return true;
	return note->any;
}

static int
status_of(enum request_status status)
{
	switch (status) {
	case REQUEST_FOUND:
		return 200;
	case REQUEST_NOT_FOUND:
		return 404;
	case REQUEST_BUSY:
		return 429;
	case REQUEST_DENIED:
		return 403;
	case REQUEST_UNAVAILABLE:
		return 503;
	case REQUEST_ERROR:
	case REQUEST_STATUSES:
		break;
	}
	return 400;
}

/* Put text between what stands before and behind it. */
static char *
put(char *to, const char *text, size_t len)
{
	if (len > 0)
		memcpy(to, text, len);
	return to + len;
}

#define put_literal(to, literal)	put(to, literal, sizeof(literal) - 1)

static size_t
content_len(const struct told *told)
{
	size_t len = 0;

	for (size_t i = 0; i < told->n; i++)
		len += told->pieces[i].len;
	return len;
}

static char *
put_content(char *to, const struct told *told)
{
	for (size_t i = 0; i < told->n; i++)
		to = put(to, told->pieces[i].p, told->pieces[i].len);
	return to;
}

/*
 * The content with further members before its brace, and the end of a line for
 * terminals.  Returns its length.
 */
static size_t
put_json(char *body, const struct told *told)
{
	const struct appmsg_str *status = &status_words[told->status];
	char *to = put_content(body, told) - 1;

	to = put_literal(to, ", \"status\": \"");
	to = put_literal(put(to, status->raw, status->len), "\"");
	if (told->code != NULL) {
		to = put_literal(to, ", \"error\": \"");
		to = put(to, told->code, strlen(told->code));
		to = put_literal(to, "\"");
	}
	to = put(to, told->extra, told->extra_len);
	return (size_t)(put_literal(to, "}\n") - body);
}

/*
 * The text of "result", unescaped; who asks for that asks for no matches,
 * which would come behind it.
 *
 * body  of twice the content's length
 */
static size_t
put_text(char *body, const struct told *told)
{
	char *end = put_content(body, told), *from;
	struct appmsg_str s = { body + sizeof(REPLY_OPEN) - 1,
	    (size_t)(end - body) - (sizeof(REPLY_OPEN) - 1) -
	    (sizeof(REPLY_CLOSE) - 1), 0 };
	size_t len = s.len;

	if (memchr(s.raw, '\\', s.len) == NULL) {
		memmove(body, s.raw, s.len);
	} else {
		/* It is of ours, and so it is well escaped. */
		from = memmove(end, s.raw, s.len);
		s.raw = from;
		s.flags = APPMSG_STR_ESCAPED;
		if (appmsg_str_decode(&s, body, s.len, &len) != 0)
			len = 0;
	}
	/* An answer is its bytes; what we say ends its line. */
	if (told->status != REQUEST_FOUND)
		body[len++] = '\n';
	return len;
}

static int
write_answer(const struct ask *ask, const struct told *told)
{
	struct http_note note;
	struct http_reply reply = { .status = status_of(told->status),
	    .keep = ask->keep, .plain = true };
	size_t n, most = 2 * content_len(told) + told->extra_len +
	    STATUS_ROOM;
	char *p = buf_reserve(ask->out, HTTP_REPLY_HEAD_MAX + most), *body;

	if (p == NULL)
		return -1;
	memcpy(&note, ask->note, sizeof(note));
	body = p + HTTP_REPLY_HEAD_MAX;
	reply.type = note.text ? "text/plain; charset=utf-8" :
	    "application/json";
	reply.len = note.text ? put_text(body, told) : put_json(body, told);
	reply.old = note.old;
	reply.origin = note.origin;
	reply.origin_len = note.origin_len;
	reply.varies = note.varies;
	if (told->status == REQUEST_FOUND) {
		reply.tagged = true;
		reply.tag = XXH3_64bits(body, reply.len);
		if (has_tag(&note, reply.tag))
			reply.status = 304;
	}
	n = http_reply_head(&reply, time(NULL), p);
	if (!note.bare && reply.status != 304) {
		memmove(p + n, body, reply.len);
		n += reply.len;
	}
	ask->out->len += n;
	return 0;
}

const struct tongue http_tongue = { write_answer };
