/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers are cut where numbers and ids are, when they are remembered, and
 * compared around that.
 */

#include "config.h"

#include "daemon/request/shapes.h"

#include <stdint.h>

#include "lib/scan.h"

#define PATIENCE	8	/* headers seen for each one more remembered */
#define DIGITS_ID	15	/* surely within 2^53 */
#define DIGITS_LENGTH	9	/* surely within 32 bits */

/*
 * Take digits as everybody writes them.
 *
 * Returns what is behind them; NULL when there are none, or too many.
 */
static const char *
take_digits(const char *p, const char *end, size_t most, size_t *n)
{
	const char *start = p;
	size_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (size_t)(*p - '0');
	*n = value;
	if (p == start || (size_t)(p - start) > most ||
	    (*start == '0' && p - start > 1))
		return NULL;
	return p;
}

/* Take a string of ASCII without escapes, quotes included; as above. */
static const char *
take_string(const char *p, const char *end)
{
	const char *start = p + 1;

	if (p == end || *p != '"')
		return NULL;
	for (p = start; p < end && *p != '"'; p++)
		if (*p < 0x20 || *p > 0x7e || *p == '\\')
			return NULL;
	return p == end || p - start > APPMSG_ID_MAX ? NULL : p + 1;
}

/* Take what stands in a hole. */
static const char *
take_hole(enum hole_kind kind, const char *p, const char *end,
    struct shape_fit *fit)
{
	const char *start = p;
	size_t n;

	if (kind == HOLE_LENGTH)
		return take_digits(p, end, DIGITS_LENGTH, &fit->content_len);
	if (kind == HOLE_STRING)
		p = take_string(p, end);
	else
		p = take_digits(p, end, DIGITS_ID, &n);
	if (p != NULL) {
		fit->id = start;
		fit->id_len = (size_t)(p - start);
	}
	return p;
}

static bool
is_spelled(const struct appmsg_str *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->raw, text, s->len) == 0;
}

/* Whether requests with such a header can be answered here. */
static bool
is_plain(const struct appmsg_header *hdr)
{
	return hdr->flaw == APPMSG_FLAW_NONE && !hdr->explain &&
	    !hdr->has_suggest && is_spelled(&hdr->content_type, "text/json") &&
	    is_spelled(&hdr->content_encoding, "utf-8") &&
	    (!hdr->has_connection || (hdr->connection.raw != NULL &&
	    is_spelled(&hdr->connection, "keep-alive")));
}

/* Find the holes in a header that is known to be well-formed. */
static bool
find_holes(struct shape *shape)
{
	struct appmsg_str name;
	struct scan_value v;
	struct hole *hole;
	struct scan scan;
	struct shape_fit fit;

	shape->n_holes = shape->id_start = shape->id_len = 0;
	scan_init(&scan, shape->text + APPMSG_LENGTH_SIZE,
	    shape->len - APPMSG_LENGTH_SIZE);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &v) == SCAN_OK) {
		hole = &shape->holes[shape->n_holes];
		if (appmsg_str_eq(&name, "content-length", 14))
			hole->kind = HOLE_LENGTH;
		else if (appmsg_str_eq(&name, "id", 2))
			hole->kind = v.type == SCAN_STRING ? HOLE_STRING :
			    HOLE_INT;
		else
			continue;
		if (take_hole(hole->kind, v.raw, v.raw + v.len, &fit) !=
		    v.raw + v.len)
			return false;
		hole->start = (size_t)(v.raw - shape->text);
		hole->end = hole->start + v.len;
		if (hole->kind == HOLE_LENGTH) {
			shape->content_len = fit.content_len;
		} else {
			shape->id_start = hole->start;
			shape->id_len = v.len;
		}
		shape->n_holes++;
	}
	return true;
}

/* A string of a header that was copied, in the copy. */
static void
str_move(struct appmsg_str *str, const char *from, const char *to)
{
	if (str->raw != NULL)
		str->raw = to + (str->raw - from);
}

void
shapes_remember(struct shapes *shapes, const char *buf, size_t len,
    const struct appmsg_header *hdr)
{
	struct shape *shape = &shapes->shapes[shapes->next];

	if (len > SHAPE_MAX || !is_plain(hdr))
		return;
	/* A crowd of different clients must not pay for each time. */
	if (shape->len > 0 && shapes->wait++ < PATIENCE)
		return;
	shapes->wait = 0;
	memcpy(shape->text, buf, len);
	shape->len = len;
	shape->has = (hdr->has_connection ? SHAPE_CONNECTION : 0) |
	    (hdr->id.kind != APPMSG_ID_NONE ? SHAPE_ID : 0);
	shape->hdr = *hdr;
	str_move(&shape->hdr.content_type, buf, shape->text);
	str_move(&shape->hdr.content_encoding, buf, shape->text);
	str_move(&shape->hdr.connection, buf, shape->text);
	str_move(&shape->hdr.status, buf, shape->text);
	str_move(&shape->hdr.error, buf, shape->text);
	if (!find_holes(shape)) {
		shape->len = 0;
		return;
	}
	shapes->last = shapes->next;
	shapes->next = (shapes->next + 1) % SHAPES;
}

/* Compare a header with a remembered one, but for what is in the holes. */
static bool
fits_around(const struct shape *shape, const char *buf, size_t len,
    struct shape_fit *fit)
{
	const char *p = buf + APPMSG_LENGTH_SIZE, *end = buf + len;
	size_t from = APPMSG_LENGTH_SIZE, size;

	fit->id = NULL;
	fit->id_len = 0;
	for (size_t i = 0; i < shape->n_holes; i++) {
		const struct hole *hole = &shape->holes[i];

		size = hole->start - from;
		if ((size_t)(end - p) < size ||
		    memcmp(p, shape->text + from, size) != 0)
			return false;
		p = take_hole(hole->kind, p + size, end, fit);
		if (p == NULL)
			return false;
		from = hole->end;
	}
	size = shape->len - from;
	return (size_t)(end - p) == size &&
	    memcmp(p, shape->text + from, size) == 0;
}

bool
shapes_find_like(struct shapes *shapes, const char *buf, size_t len,
    struct shape_fit *fit)
{
	size_t at = shapes->last;

	for (size_t i = 0; i < SHAPES; i++) {
		const struct shape *shape = &shapes->shapes[at];

		if ((i > 0 && shape_is_same(shape, buf, len, fit)) ||
		    (shape->len > 0 && fits_around(shape, buf, len, fit))) {
			fit->shape = shape;
			fit->len = len;
			shapes->last = at;
			return true;
		}
		at = (at + 1) % SHAPES;
	}
	fit->shape = NULL;
	return false;
}

void
shape_header(const struct shape_fit *fit, struct appmsg_header *hdr)
{
	struct appmsg_id *id = &hdr->id;
	size_t n;

	*hdr = fit->shape->hdr;
	hdr->content_length = fit->content_len;
	if (id->kind == APPMSG_ID_STRING) {
		id->str.raw = fit->id + 1;
		id->str.len = fit->id_len - 2;
	} else if (id->kind == APPMSG_ID_INT) {
		take_digits(fit->id, fit->id + fit->id_len, DIGITS_ID, &n);
		id->num = (int64_t)n;
	}
}
