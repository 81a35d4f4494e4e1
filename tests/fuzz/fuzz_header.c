/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The decoder of headers.  An input is a header, without the length before it.
 *
 * It must be read as the plain reader of fuzz_json.h and the few rules here
 * say, which are those of appmsg-protocol(7) once more; and whatever json-c
 * decodes in it must be the same text.  What was read is encoded as one can
 * see it here, and read again for the same.
 */

#include "config.h"

#include "fuzz.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "daemon/base/buf.h"
#include "fuzz_json.h"
#include "fuzz_jsonc.h"
#include "lib/scan.h"

#define TAIL		"tail"	/* of what follows the header */

const unsigned int fuzz_runs = 20000;

/* What must come out of it. */
struct expected {
	const char *code;	/* NULL: it is a good one */
	bool read;		/* the stream can go on */
	uint64_t length;
	const struct json *id;	/* NULL: none, or none of ours */
	bool twice;
};

static void
flaw(struct expected *e, const char *code)
{
	if (e->code == NULL)
		e->code = code;
}

static bool
is_string(const struct json *v)
{
	return v != NULL && v->kind == JSON_STRING;
}

static bool
is_id(const struct json *v)
{
	int64_t n;

	return json_integer(v, INT64_C(1) << 53, &n) || (is_string(v) &&
	    !v->lone && v->len <= APPMSG_ID_MAX);
}

static bool
has_twice(const struct json *object)
{
	for (const struct json *a = object->first; a != NULL; a = a->next)
		for (const struct json *b = a->next; b != NULL; b = b->next)
			if (a->name_len == b->name_len &&
			    memcmp(a->name, b->name, a->name_len) == 0)
				return true;
	return false;
}

static bool
is_named(const struct json *v, const char *name)
{
	return v->name_len == strlen(name) &&
	    memcmp(v->name, name, v->name_len) == 0;
}

/* What is wrong with a member, in the order that they stand in. */
static void
expect_member(struct expected *e, const struct json *v)
{
	int64_t n;

	if ((is_named(v, "content-type") ||
	    is_named(v, "content-encoding")) && !is_string(v))
		flaw(e, "bad-header");
	if (is_named(v, "suggest") && (!json_integer(v, 5, &n) || n < 0))
		flaw(e, "bad-header");
	if (!is_named(v, "id"))
		return;
	if (is_id(v))
		e->id = v;
	else
		flaw(e, "bad-id");
}

static struct expected
expect(const struct json *header)
{
	static const char *const needed[] = { "byteorder", "content-type",
	    "content-encoding" };
	struct expected e = { .code = NULL };
	const struct json *length = json_member(header, "content-length");

	if (header == NULL || header->kind != JSON_OBJECT) {
		e.code = "bad-header";
		return e;
	}
	for (const struct json *v = header->first; v != NULL; v = v->next)
		expect_member(&e, v);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (json_member(header, needed[i]) == NULL)
			flaw(&e, "bad-header");
	e.twice = has_twice(header);
	if (e.twice) {
		e.code = "bad-header";
	} else if (length == NULL || length->kind != JSON_NUMBER ||
	    strspn(length->text, "0123456789") != length->len) {
		e.code = "bad-length";
	} else {
		e.read = true;
		/* Saturates at just the same. */
		e.length = strtoull(length->text, NULL, 10);
	}
	return e;
}

/* A string that was found against the member that it must be. */
static void
check_string(const struct appmsg_str *s, const struct json *v)
{
	size_t len, room;
	char *text;

	FUZZ_CHECK((s->raw != NULL) == is_string(v));
	if (s->raw == NULL)
		return;
	FUZZ_CHECK(((s->flags & APPMSG_STR_LONE) != 0) == v->lone);
	FUZZ_CHECK(appmsg_str_eq(s, v->text, v->len));
	/* With any room less than it takes. */
	room = v->len > 0 ? v->len - 1 : 0;
	FUZZ_CHECK((text = malloc(v->len + 1)) != NULL);
	if (v->lone)
		FUZZ_CHECK(appmsg_str_decode(s, text, v->len, &len) ==
		    APPMSG_EILSEQ);
	else
		FUZZ_CHECK(appmsg_str_decode(s, text, v->len, &len) == 0 &&
		    len == v->len && memcmp(text, v->text, len) == 0);
	free(text);
	if (v->lone || v->len == 0)
		return;
	FUZZ_CHECK((text = malloc(room + 1)) != NULL);
	FUZZ_CHECK(appmsg_str_decode(s, text, room, &len) == APPMSG_E2BIG);
	free(text);
}

/* Escapes in any room: what fits is the start of the whole. */
static void
check_escape(const struct json *v)
{
	size_t need = appmsg_escape(v->text, v->len, NULL, 0);
	char *whole = malloc(need + 1), *part;

	FUZZ_CHECK(whole != NULL);
	FUZZ_CHECK(appmsg_escape(v->text, v->len, whole, need) == need);
	for (size_t room = 0; room < need && room < 20; room++) {
		FUZZ_CHECK((part = malloc(room + 1)) != NULL);
		memset(part, 0, room);
		FUZZ_CHECK(appmsg_escape(v->text, v->len, part, room) ==
		    need);
		/* Of an escape all bytes or none. */
		for (size_t i = 0; i < room && part[i] != '\0'; i++)
			FUZZ_CHECK(part[i] == whole[i]);
		free(part);
	}
	free(whole);
}

static void
check_id(const struct appmsg_id *id, const struct json *v)
{
	int64_t n;

	if (v == NULL) {
		FUZZ_CHECK(id->kind == APPMSG_ID_NONE);
	} else if (v->kind == JSON_STRING) {
		FUZZ_CHECK(id->kind == APPMSG_ID_STRING);
		check_string(&id->str, v);
		check_escape(v);
	} else {
		FUZZ_CHECK(id->kind == APPMSG_ID_INT);
		FUZZ_CHECK(json_integer(v, INT64_MAX, &n) && id->num == n);
	}
}

static void
check_members(const struct appmsg_header *h, const struct json *header)
{
	const struct json *explain = json_member(header, "explain");
	const struct json *suggest = json_member(header, "suggest");
	int64_t n;

	check_string(&h->content_type, json_member(header, "content-type"));
	check_string(&h->content_encoding,
	    json_member(header, "content-encoding"));
	check_string(&h->connection, json_member(header, "connection"));
	check_string(&h->status, json_member(header, "status"));
	check_string(&h->error, json_member(header, "error"));
	FUZZ_CHECK(h->has_connection ==
	    (json_member(header, "connection") != NULL));
	FUZZ_CHECK(h->explain == (explain != NULL &&
	    explain->kind == JSON_TRUE));
	FUZZ_CHECK(h->has_suggest == (suggest != NULL));
	if (json_integer(suggest, 5, &n) && n >= 0)
		FUZZ_CHECK(h->suggest == n);
	else
		FUZZ_CHECK(h->suggest == 0);
}

/* A string of a header that is written, as it was read. */
static void
put_string(struct buf *b, const char *name, const struct appmsg_str *s)
{
	char head[64];

	if (s->raw == NULL)
		return;
	snprintf(head, sizeof(head), ", \"%s\": \"", name);
	FUZZ_CHECK(buf_add(b, head, strlen(head)) == 0 &&
	    buf_add(b, s->raw, s->len) == 0 && buf_add(b, "\"", 1) == 0);
}

static void
put_text(struct buf *b, const char *text)
{
	FUZZ_CHECK(buf_add(b, text, strlen(text)) == 0);
}

/* What the header that was read must be when it is written. */
static void
write_header(struct buf *b, const struct appmsg_header *h)
{
	char text[64];

	b->len = 0;
	put_text(b, "{\"byteorder\": \"");
	put_text(b, *(const uint16_t *)(const void *)"\1\0\0" == 1 ?
	    "little\"" : "big\"");
	put_string(b, "content-type", &h->content_type);
	put_string(b, "content-encoding", &h->content_encoding);
	snprintf(text, sizeof(text), ", \"content-length\": %" PRIu64,
	    h->content_length);
	put_text(b, text);
	put_string(b, "connection", &h->connection);
	if (h->id.kind == APPMSG_ID_STRING)
		put_string(b, "id", &h->id.str);
	snprintf(text, sizeof(text), ", \"id\": %" PRId64, h->id.num);
	if (h->id.kind == APPMSG_ID_INT)
		put_text(b, text);
	put_string(b, "status", &h->status);
	put_string(b, "error", &h->error);
	if (h->explain)
		put_text(b, ", \"explain\": true");
	snprintf(text, sizeof(text), ", \"suggest\": %d", h->suggest);
	if (h->has_suggest)
		put_text(b, text);
	if (h->extra != NULL)
		FUZZ_CHECK(buf_add(b, h->extra, h->extra_len) == 0);
	put_text(b, "}");
}

/* More than a header may have is not written, whatever room there is. */
static void
check_too_large(struct appmsg_header *h)
{
	static char extra[APPMSG_HEADER_MAX], out[2 * APPMSG_HEADER_MAX];
	size_t len;

	h->extra = extra;
	h->extra_len = sizeof(extra);
	FUZZ_CHECK(appmsg_header_encode(h, NULL, 0, &len) == APPMSG_E2BIG);
	if (len <= sizeof(out))
		FUZZ_CHECK(appmsg_header_encode(h, out, sizeof(out), &len) ==
		    APPMSG_E2BIG);
}

static void
check_encode(struct appmsg_header *h, const char *extra)
{
	static struct buf b;
	struct appmsg_header again;
	size_t len, used;
	char *out;

	h->extra = extra;
	h->extra_len = extra != NULL ? strlen(extra) : 0;
	write_header(&b, h);
	FUZZ_CHECK(appmsg_header_encode(h, NULL, 0, &len) == APPMSG_E2BIG);
	FUZZ_CHECK(len == b.len + APPMSG_LENGTH_SIZE);
	FUZZ_CHECK((out = malloc(len)) != NULL);
	FUZZ_CHECK(appmsg_header_encode(h, out, len - 1, &used) ==
	    APPMSG_E2BIG && used == len);
	if (b.len > APPMSG_HEADER_MAX) {
		FUZZ_CHECK(appmsg_header_encode(h, out, len, &used) ==
		    APPMSG_E2BIG && used == len);
	} else {
		FUZZ_CHECK(appmsg_header_encode(h, out, len, &used) == 0 &&
		    used == len);
		FUZZ_CHECK(memcmp(out + APPMSG_LENGTH_SIZE, b.data,
		    b.len) == 0);
		FUZZ_CHECK(appmsg_header_decode(out, len, &again, &used) ==
		    0 && used == len && again.flaw == APPMSG_FLAW_NONE);
		FUZZ_CHECK(again.content_length == h->content_length);
		FUZZ_CHECK(again.id.num == h->id.num);
	}
	free(out);
}

/* A text of json-c's against one of ours. */
static void
check_jsonc(struct json_object *obj, const char *name,
    const struct appmsg_str *s, const struct json *header)
{
	const struct json *v = json_member(header, name);
	struct json_object *value;

	if (s->raw == NULL || v->lone || !jsonc_decodes(s, v->text, v->len))
		return;
	FUZZ_CHECK(json_object_object_get_ex(obj, name, &value));
	FUZZ_CHECK((size_t)json_object_get_string_len(value) == v->len);
	FUZZ_CHECK(memcmp(json_object_get_string(value), v->text,
	    v->len) == 0);
}

static bool
has_nul(const struct json *header)
{
	for (const struct json *v = header->first; v != NULL; v = v->next)
		if (memchr(v->name, '\0', v->name_len) != NULL)
			return true;
	return false;
}

/* A good header, to those that json-c knows. */
static void
compare(const uint8_t *data, size_t len, const struct appmsg_header *h,
    const struct json *header)
{
	struct json_object *obj;

	/* A name that is cut at its NUL may be another one's. */
	if (jsonc_refuses(data, len) || has_nul(header))
		return;
	FUZZ_CHECK(jsonc_read(data, len, &obj));
	check_jsonc(obj, "content-type", &h->content_type, header);
	check_jsonc(obj, "content-encoding", &h->content_encoding, header);
	check_jsonc(obj, "connection", &h->connection, header);
	check_jsonc(obj, "status", &h->status, header);
	check_jsonc(obj, "id", &h->id.str, header);
	json_object_put(obj);
}

/* Strings of the content that are the last of their name. */
static void
check_find(const uint8_t *data, size_t len, const struct json *header)
{
	static const char *const names[] = { "content-type", "id", "x" };
	struct appmsg_str value;
	bool object = header != NULL && header->kind == JSON_OBJECT;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct json *v = json_member(header, names[i]);
		int error = appmsg_content_find(data, len, names[i], &value);

		FUZZ_CHECK(error == (!object ? APPMSG_EPROTO : is_string(v) ?
		    0 : APPMSG_ENOENT));
		if (error == 0)
			check_string(&value, v);
	}
}

/* All of a message, of which some bytes may not have come yet. */
static int
decode(const struct buf *message, size_t len, struct appmsg_header *h,
    size_t *used)
{
	char *bytes = malloc(len + 1);
	int error;

	/* Of just its size; what is found there is not looked at. */
	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, message->data, len);
	error = appmsg_header_decode(bytes, len, h, used);
	free(bytes);
	return error;
}

static void
check_cuts(const struct buf *message, size_t whole)
{
	const size_t cuts[] = { 0, 1, 2, whole / 2, whole - 1 };
	struct appmsg_header h;
	size_t used;

	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		if (cuts[i] >= whole)
			continue;
		FUZZ_CHECK(decode(message, cuts[i], &h, &used) ==
		    APPMSG_EAGAIN);
		FUZZ_CHECK(used == (cuts[i] < APPMSG_LENGTH_SIZE ?
		    APPMSG_LENGTH_SIZE : whole));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf message;
	const uint8_t prefix[] = { (uint8_t)(len >> 8), (uint8_t)len };
	struct appmsg_header h;
	struct expected e;
	struct json *header;
	size_t used = 0;
	int error;

	if (len > APPMSG_HEADER_MAX)
		return 0;
	message.len = 0;
	FUZZ_CHECK(buf_add(&message, prefix, sizeof(prefix)) == 0 &&
	    buf_add(&message, data, len) == 0 &&
	    buf_add(&message, TAIL, sizeof(TAIL) - 1) == 0);
	check_cuts(&message, sizeof(prefix) + len);
	header = json_read(data, len);
	e = expect(header);
	error = appmsg_header_decode(message.data, message.len, &h, &used);
	FUZZ_CHECK(error == (e.read ? 0 : APPMSG_EPROTO));
	FUZZ_CHECK((h.code == NULL) == (e.code == NULL));
	FUZZ_CHECK(h.code == NULL || strcmp(h.code, e.code) == 0);
	FUZZ_CHECK((h.why == NULL) == (h.code == NULL));
	if (!e.twice)
		check_id(&h.id, e.id);
	if (e.read) {
		FUZZ_CHECK(used == sizeof(prefix) + len);
		FUZZ_CHECK(h.content_length == e.length);
		FUZZ_CHECK(h.flaw == (e.code == NULL ? APPMSG_FLAW_NONE :
		    strcmp(e.code, "bad-id") == 0 ? APPMSG_FLAW_ID :
		    APPMSG_FLAW_HEADER));
		check_members(&h, header);
		compare(data, len, &h, header);
	}
	check_find(data, len, header);
	if (e.read && h.flaw == APPMSG_FLAW_NONE) {
		check_encode(&h, NULL);
		check_encode(&h, ", \"x\": [1]");
		check_too_large(&h);
	}
	json_free(header);
	return 0;
}
