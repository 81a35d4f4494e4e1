/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What stands in the content of a reply.  It is checked whole before anything
 * of it is told, but for the matches, each of which is looked at when it is
 * asked for.
 */

#include "config.h"

#include "lib/core/session.h"

#include <string.h>

#include "lib/core/plain.h"
#include "lib/scan.h"

static const char content_open[] = "{\"result\": \"";
static const char content_close[] = "\"}";

#define OPEN_LEN	(sizeof(content_open) - 1)
#define CLOSE_LEN	(sizeof(content_close) - 1)

/*
 * A content that has nothing but a result, spelled as usual: most of them are
 * looked at once, 16 bytes at a time.
 */
static bool
read_usual(struct appmsg_reply *reply)
{
	const char *content = reply->content, *text = content + OPEN_LEN;
	size_t len = reply->content_len;
	struct scan scan;

	if (len < OPEN_LEN + CLOSE_LEN ||
	    memcmp(content, content_open, OPEN_LEN) != 0 ||
	    memcmp(content + len - CLOSE_LEN, content_close, CLOSE_LEN) != 0)
		return false;
	len -= OPEN_LEN + CLOSE_LEN;
	if (plain_is(text, len)) {
		reply->result.raw = text;
		reply->result.len = len;
		reply->result.flags = 0;
		return true;
	}
	/* From its quote to that before the brace. */
	scan_init(&scan, text - 1, len + 2);
	return scan_string(&scan, &reply->result) == SCAN_OK &&
	    scan.p == scan.end;
}

static void
read_member(struct appmsg_reply *reply, const struct appmsg_str *name,
    const struct scan_value *v)
{
	if (appmsg_str_eq(name, "result", 6)) {
		reply->result.raw = NULL;
		if (v->type == SCAN_STRING)
			reply->result = v->str;
	} else if (appmsg_str_eq(name, "matches", 7)) {
		reply->matches = v->raw;
		reply->matches_len = v->len;
	} else if (appmsg_str_eq(name, "more", 4)) {
		reply->more = v->type == SCAN_TRUE;
	}
}

/* Of several members with one name, the last one counts. */
static int
read_object(struct appmsg_reply *reply)
{
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	scan_init(&scan, reply->content, reply->content_len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK)
			read_member(reply, &name, &v);
	}
	return scan_end(&scan) == SCAN_OK ? 0 : APPMSG_EPROTO;
}

void
core_reply_read(struct appmsg_reply *reply)
{
	if (reply->is_read)
		return;
	reply->is_read = true;
	reply->error = 0;
	reply->result.raw = reply->matches = NULL;
	reply->more = false;
	if (!reply->json)
		return;
	if (!reply->session->slow && read_usual(reply))
		return;
	reply->result.raw = NULL;
	reply->error = read_object(reply);
	if (reply->error != 0) {
		reply->result.raw = reply->matches = NULL;
		reply->more = false;
	}
}

/*
 * The next element of an array that is known to be well-formed.
 *
 * cursor  at the array's bracket, 0, or behind an element
 *
 * Returns 0 or APPMSG_ENOENT.
 */
static int
next_element(const char *array, size_t len, struct appmsg_cursor *cursor,
    struct scan_value *v)
{
	struct scan scan;
	size_t at = cursor->at == 0 ? 1 : cursor->at;
	const char *p = array + at;

	if (at >= len)
		return APPMSG_ENOENT;
	while (strchr(" \t\n\r,", *p) != NULL)
		p++;
	if (*p == ']') {
		cursor->at = len;
		return APPMSG_ENOENT;
	}
	scan_init(&scan, p, (size_t)(array + len - p));
	if (scan_value(&scan, v) != SCAN_OK) {
		cursor->at = len;
		return APPMSG_ENOENT;
	}
	cursor->at = (size_t)((const char *)scan.p - array);
	return 0;
}

int
core_next_string(const char *array, size_t len, struct appmsg_cursor *cursor,
    struct appmsg_str *str)
{
	struct scan_value v;
	int error = next_element(array, len, cursor, &v);

	if (error != 0)
		return error;
	if (v.type != SCAN_STRING)
		return APPMSG_EPROTO;
	*str = v.str;
	return 0;
}

/* A match is an object with two strings at least. */
static int
read_match(const struct scan_value *v, struct appmsg_match *match)
{
	struct appmsg_str name, *str;
	struct scan_value member;
	struct scan scan;

	memset(match, 0, sizeof(*match));
	if (v->type != SCAN_OBJECT)
		return APPMSG_EPROTO;
	scan_init(&scan, v->raw, v->len);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &member) == SCAN_OK) {
		if (appmsg_str_eq(&name, "key", 3))
			str = &match->key;
		else if (appmsg_str_eq(&name, "result", 6))
			str = &match->result;
		else
			continue;
		str->raw = NULL;
		if (member.type == SCAN_STRING)
			*str = member.str;
	}
	return match->key.raw != NULL && match->result.raw != NULL ? 0 :
	    APPMSG_EPROTO;
}

int
appmsg_reply_match(const struct appmsg_reply *reply,
    struct appmsg_cursor *cursor, struct appmsg_match *match)
{
	struct scan_value v;
	int error;

	core_reply_read(&reply->session->reply);
	if (reply->error != 0)
		return reply->error;
	if (reply->matches == NULL)
		return APPMSG_ENOENT;
	if (*reply->matches != '[')
		return APPMSG_EPROTO;
	error = next_element(reply->matches, reply->matches_len, cursor, &v);
	return error == 0 ? read_match(&v, match) : error;
}

int
appmsg_reply_count_matches(const struct appmsg_reply *reply, size_t *count)
{
	struct appmsg_cursor cursor = { 0 };
	struct appmsg_match match;
	size_t n = 0;
	int error;

	core_reply_read(&reply->session->reply);
	if (reply->error == 0 && reply->matches == NULL)
		return APPMSG_ENOENT;
	while ((error = appmsg_reply_match(reply, &cursor, &match)) == 0)
		n++;
	if (error != APPMSG_ENOENT)
		return error;
	*count = n;
	return 0;
}

bool
appmsg_reply_has_more(const struct appmsg_reply *reply)
{
	core_reply_read(&reply->session->reply);
	return reply->more;
}
