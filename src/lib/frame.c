/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers: bytes to struct appmsg_header and back.  No I/O and no allocation;
 * what is found points into the caller's bytes.  The daemon, the client and
 * whoever links the library share this one idea of what a message is.
 */

#include "config.h"

#include "appmsg.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "length.h"
#include "scan.h"
#include "siphash.h"
#include "str.h"

#define ID_MAX_INT	(INT64_C(1) << 53)
#define SUGGEST_MAX	5

/* The members that mean something; the order is that of a reply. */
enum member {
	MEMBER_BYTEORDER,
	MEMBER_TYPE,
	MEMBER_ENCODING,
	MEMBER_LENGTH,
	MEMBER_CONNECTION,
	MEMBER_ID,
	MEMBER_STATUS,
	MEMBER_ERROR,
	MEMBER_EXPLAIN,
	MEMBER_SUGGEST,
	MEMBER_OTHER
};

static const struct {
	const char *name;
	size_t len;
	const char *missing;	/* NULL: optional */
} members[MEMBER_OTHER] = {
#define ROW(name, missing) { name, sizeof(name) - 1, missing }
	[MEMBER_BYTEORDER] = ROW("byteorder",
	    "no \"byteorder\" in the header"),
	[MEMBER_TYPE] = ROW("content-type",
	    "no \"content-type\" in the header"),
	[MEMBER_ENCODING] = ROW("content-encoding",
	    "no \"content-encoding\" in the header"),
	[MEMBER_LENGTH] = ROW("content-length",
	    "no \"content-length\" in the header"),
	[MEMBER_CONNECTION] = ROW("connection", NULL),
	[MEMBER_ID] = ROW("id", NULL),
	[MEMBER_STATUS] = ROW("status", NULL),
	[MEMBER_ERROR] = ROW("error", NULL),
	[MEMBER_EXPLAIN] = ROW("explain", NULL),
	[MEMBER_SUGGEST] = ROW("suggest", NULL),
#undef ROW
};

/* Names of the members that mean nothing, to notice duplicates. */
struct others {
	unsigned int n;
	struct siphash_key key;
	uint64_t hashes[APPMSG_MEMBERS_MAX];
	struct appmsg_str names[APPMSG_MEMBERS_MAX];
};

static enum member
member_find(const struct appmsg_str *name)
{
	bool escaped = name->flags & APPMSG_STR_ESCAPED;
	enum member m;

	for (m = 0; m < MEMBER_OTHER; m++)
		if ((escaped || name->len == members[m].len) &&
		    appmsg_str_eq(name, members[m].name, members[m].len))
			break;
	return m;
}

/*
 * Whether a name that means nothing was there before; remembers it.  Each is
 * unescaped once, not once for each of the others: a peer that does not know
 * the key finds no two names of one hash.
 */
static bool
others_seen(struct others *others, const struct appmsg_str *name)
{
	uint64_t hash;

	if (others->n == 0)
		others->key = siphash_key();
	hash = str_hash(name, others->key);
	for (unsigned int i = 0; i < others->n; i++)
		if (others->hashes[i] == hash &&
		    str_same(&others->names[i], name))
			return true;
	others->hashes[others->n] = hash;
	others->names[others->n++] = *name;
	return false;
}

static void
header_flaw(struct appmsg_header *hdr, enum appmsg_flaw flaw, const char *why)
{
	if (hdr->flaw != APPMSG_FLAW_NONE)
		return;
	hdr->flaw = flaw;
	hdr->why = why;
	hdr->code = flaw == APPMSG_FLAW_ID ? "bad-id" : "bad-header";
}

static void
header_id(struct appmsg_header *hdr, const struct scan_value *v)
{
	char text[APPMSG_ID_MAX];
	size_t len;

	if (v->type == SCAN_STRING && appmsg_str_decode(&v->str, text,
	    sizeof(text), &len) == 0) {
		hdr->id.kind = APPMSG_ID_STRING;
		hdr->id.str = v->str;
	} else if (v->type == SCAN_NUMBER &&
	    scan_integer(v, ID_MAX_INT, &hdr->id.num) == 0) {
		hdr->id.kind = APPMSG_ID_INT;
	} else {
		header_flaw(hdr, APPMSG_FLAW_ID,
		    "\"id\" is neither an integer within 2^53 "
		    "nor a string of up to 256 bytes");
	}
}

/* Digits only; what does not fit 64 bits is as good as too large. */
static int
header_length(struct appmsg_header *hdr, const struct scan_value *v)
{
	uint64_t n = 0;

	if (v->type != SCAN_NUMBER)
		return -1;
	for (size_t i = 0; i < v->len; i++) {
		unsigned int digit = (unsigned int)(v->raw[i] - '0');

		if (digit > 9)
			return -1;
		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX :
		    n * 10 + digit;
	}
	hdr->content_length = n;
	return 0;
}

static void
header_string(struct appmsg_header *hdr, const struct scan_value *v,
    struct appmsg_str *str, const char *why)
{
	if (v->type == SCAN_STRING)
		*str = v->str;
	else
		header_flaw(hdr, APPMSG_FLAW_HEADER, why);
}

/* Take one member.  Returns 0, or -1 where the length is unusable. */
static int
header_member(struct appmsg_header *hdr, enum member m,
    const struct scan_value *v)
{
	int64_t n;

	switch (m) {
	case MEMBER_TYPE:
		header_string(hdr, v, &hdr->content_type,
		    "\"content-type\" is not a string");
		break;
	case MEMBER_ENCODING:
		header_string(hdr, v, &hdr->content_encoding,
		    "\"content-encoding\" is not a string");
		break;
	case MEMBER_LENGTH:
		return header_length(hdr, v);
	case MEMBER_CONNECTION:
		hdr->has_connection = true;
		if (v->type == SCAN_STRING)
			hdr->connection = v->str;
		break;
	case MEMBER_ID:
		header_id(hdr, v);
		break;
	case MEMBER_STATUS:
		if (v->type == SCAN_STRING)
			hdr->status = v->str;
		break;
	case MEMBER_ERROR:
		if (v->type == SCAN_STRING)
			hdr->error = v->str;
		break;
	case MEMBER_EXPLAIN:
		hdr->explain = v->type == SCAN_TRUE;
		break;
	case MEMBER_SUGGEST:
		hdr->has_suggest = true;
		if (v->type == SCAN_NUMBER &&
		    scan_integer(v, SUGGEST_MAX, &n) == 0 && n >= 0)
			hdr->suggest = (int)n;
		else
			header_flaw(hdr, APPMSG_FLAW_HEADER,
			    "\"suggest\" is not an integer from 0 to 5");
		break;
	case MEMBER_BYTEORDER:	/* must be there, is not looked at */
	case MEMBER_OTHER:
		break;
	}
	return 0;
}

static int
header_broken(struct appmsg_header *hdr, const char *code, const char *why)
{
	hdr->code = code;
	hdr->why = why;
	return APPMSG_EPROTO;
}

/* The header's JSON, which is there whole. */
static int
header_parse(const void *buf, size_t len, struct appmsg_header *hdr)
{
	const char *bad_length = NULL, *twice = NULL;
	struct appmsg_str name;
	struct others others;
	struct scan_value v;
	struct scan scan;
	unsigned int seen = 0;

	others.n = 0;
	scan_init(&scan, buf, len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK) {
			enum member m = member_find(&name);

			if (m == MEMBER_OTHER ? others_seen(&others, &name) :
			    seen >> m & 1)
				twice = "a member is twice in the header";
			seen |= 1u << m;
			if (header_member(hdr, m, &v) != 0)
				bad_length = "\"content-length\" is not digits";
		}
	}
	if (scan_end(&scan) != SCAN_OK) {
		memset(hdr, 0, sizeof(*hdr));
		return header_broken(hdr, "bad-header", scan.why);
	}
	/* Which of two lengths would be the true one?  Neither. */
	if (twice != NULL)
		return header_broken(hdr, "bad-header", twice);
	if (bad_length != NULL)
		return header_broken(hdr, "bad-length", bad_length);
	if (!(seen >> MEMBER_LENGTH & 1))
		return header_broken(hdr, "bad-length",
		    members[MEMBER_LENGTH].missing);
	for (enum member m = 0; m < MEMBER_OTHER; m++)
		if (members[m].missing != NULL && !(seen >> m & 1))
			header_flaw(hdr, APPMSG_FLAW_HEADER,
			    members[m].missing);
	return 0;
}

int
appmsg_header_decode(const void *buf, size_t len, struct appmsg_header *hdr,
    size_t *used)
{
	const uint8_t *p = buf;
	size_t need = APPMSG_LENGTH_SIZE;
	int error;

	if (len >= APPMSG_LENGTH_SIZE)
		need += length_get(buf);
	if (len < need) {
		*used = need;
		return APPMSG_EAGAIN;
	}
	memset(hdr, 0, sizeof(*hdr));
	error = header_parse(p + APPMSG_LENGTH_SIZE, need - APPMSG_LENGTH_SIZE,
	    hdr);
	if (error == 0)
		*used = need;
	return error;
}

/* Writes what fits and counts what does not, as snprintf(3) does. */
struct writer {
	char *buf;
	size_t cap;
	size_t len;
};

static void
put(struct writer *w, const char *text, size_t len)
{
	if (w->len <= w->cap && w->cap - w->len >= len)
		memcpy(w->buf + w->len, text, len);
	w->len += len;
}

static void
put_member(struct writer *w, enum member m, const struct appmsg_str *value)
{
	if (value->raw == NULL)
		return;
	put(w, ", \"", 3);
	put(w, members[m].name, members[m].len);
	put(w, "\": \"", 4);
	put(w, value->raw, value->len);
	put(w, "\"", 1);
}

static void
put_number(struct writer *w, enum member m, bool minus, uint64_t n)
{
	char digits[24];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	if (minus)
		digits[--i] = '-';
	put(w, ", \"", 3);
	put(w, members[m].name, members[m].len);
	put(w, "\": ", 3);
	put(w, digits + i, sizeof(digits) - i);
}

int
appmsg_header_encode(const struct appmsg_header *hdr, void *buf, size_t cap,
    size_t *len)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	static const char start[] = "{\"byteorder\": \"big\"";
#else
	static const char start[] = "{\"byteorder\": \"little\"";
#endif
	struct writer w = { buf, cap, APPMSG_LENGTH_SIZE };

	put(&w, start, sizeof(start) - 1);
	put_member(&w, MEMBER_TYPE, &hdr->content_type);
	put_member(&w, MEMBER_ENCODING, &hdr->content_encoding);
	put_number(&w, MEMBER_LENGTH, false, hdr->content_length);
	put_member(&w, MEMBER_CONNECTION, &hdr->connection);
	if (hdr->id.kind == APPMSG_ID_STRING)
		put_member(&w, MEMBER_ID, &hdr->id.str);
	else if (hdr->id.kind == APPMSG_ID_INT)
		put_number(&w, MEMBER_ID, hdr->id.num < 0,
		    (uint64_t)(hdr->id.num < 0 ? -hdr->id.num : hdr->id.num));
	put_member(&w, MEMBER_STATUS, &hdr->status);
	put_member(&w, MEMBER_ERROR, &hdr->error);
	if (hdr->explain)
		put(&w, ", \"explain\": true", 17);
	if (hdr->has_suggest)
		put_number(&w, MEMBER_SUGGEST, false,
		    (uint64_t)hdr->suggest);
	if (hdr->extra != NULL)
		put(&w, hdr->extra, hdr->extra_len);
	put(&w, "}", 1);
	*len = w.len;
	if (w.len > cap ||
	    w.len > APPMSG_LENGTH_SIZE + (size_t)APPMSG_HEADER_MAX)
		return APPMSG_E2BIG;
	length_put(buf, w.len - APPMSG_LENGTH_SIZE);
	return 0;
}

int
appmsg_content_find(const void *content, size_t len, const char *name,
    struct appmsg_str *value)
{
	size_t name_len = strlen(name);
	struct appmsg_str member;
	struct scan_value v;
	struct scan scan;
	bool found = false;

	scan_init(&scan, content, len);
	if (scan_object(&scan) == SCAN_OK) {
		while (scan_member(&scan, &member) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK) {
			if (!appmsg_str_eq(&member, name, name_len))
				continue;
			found = v.type == SCAN_STRING;
			if (found)
				*value = v.str;
		}
	}
	if (scan_end(&scan) != SCAN_OK)
		return APPMSG_EPROTO;
	return found ? 0 : APPMSG_ENOENT;
}
