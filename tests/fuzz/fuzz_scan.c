/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The strict scanner against json-c at its strictest: JSON_TOKENER_STRICT and
 * JSON_TOKENER_VALIDATE_UTF8, the whole input taken.
 *
 * What the scanner takes json-c must take, always, with the same types,
 * names, integers and decoded strings.
 *
 * The other way round json-c takes more than RFC 8259 has.  Of an input that
 * json-c takes, the scanner must take just those without any of
 *
 *	- a control character in a string (json-c up to 0.17)
 *	- in a string, bytes that look like UTF-8 only by their upper bits:
 *	  overlong forms, surrogates, above U+10FFFF
 *	- a member name in single quotes
 *	- NaN, Infinity, -Infinity
 *	- numbers with a leading zero (-01, 01.5, 00), without digits before
 *	  or behind the point (-.5, 1., 1.e5)
 *	- more than APPMSG_MEMBERS_MAX members, or nesting deeper than
 *	  APPMSG_DEPTH_MAX: our caps
 *
 * and a second, simple reader here tells which inputs these are.
 *
 * Strings are not compared that json-c does not hold as they are: names with
 * U+0000, which are cut short there; half a surrogate pair, which becomes
 * U+FFFD; and, up to json-c 0.18, an escaped pair for a character whose lower
 * 16 bits look like a surrogate (U+1D800 to U+1DFFF and so on up to U+10DFFF),
 * which is taken for half a pair itself.  Integers beyond 64 bits become the
 * largest there (up to 0.16), and of other numbers the scanner tells but the
 * type.
 *
 * Two inputs that are JSON json-c refuses, and so they are not tried: from
 * 0.17 on integers beyond 64 bits, and in 0.18 all but ASCII, since it takes
 * bytes above 0x7f in a string for control characters.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "../unit/plain.h"
#include "fuzz_jsonc.h"
#include "lib/scan.h"

const unsigned int fuzz_runs = 20000;

/* What the second reader sees in an input that json-c takes. */
struct shape {
	bool deviates;		/* from RFC 8259 */
	unsigned int depth;	/* of containers */
	unsigned int members;	/* most of one object */
};

/* The bytes of a string, its quotes included. */
static size_t
shape_string(struct shape *s, const uint8_t *p, size_t len)
{
	size_t at = 1;

	if (p[0] == '\'')
		s->deviates = true;
	while (at < len && p[at] != p[0]) {
		if (p[at] < 0x20)
			s->deviates = true;
		at += p[at] == '\\' ? 2 : 1;
	}
	FUZZ_CHECK(at < len);
	if (plain_utf8(p, at) != at)
		s->deviates = true;
	return at + 1;
}

static size_t
digits(const uint8_t *p, size_t len)
{
	size_t at = 0;

	while (at < len && p[at] >= '0' && p[at] <= '9')
		at++;
	return at;
}

/* The bytes at p that are a number of RFC 8259, 0 if none are. */
static size_t
plain_number(const uint8_t *p, size_t len)
{
	size_t at = 0, n;

	if (at < len && p[at] == '-')
		at++;
	n = digits(p + at, len - at);
	if (n == 0 || (n > 1 && p[at] == '0'))
		return 0;
	at += n;
	if (at < len && p[at] == '.') {
		if ((n = digits(p + at + 1, len - at - 1)) == 0)
			return 0;
		at += 1 + n;
	}
	if (at < len && (p[at] == 'e' || p[at] == 'E')) {
		size_t sign = at + 1 < len && (p[at + 1] == '+' ||
		    p[at + 1] == '-');

		n = digits(p + at + 1 + sign, len - at - 1 - sign);
		if (n == 0)
			return 0;
		at += 1 + sign + n;
	}
	return at;
}

/* The bytes of a number or word, up to what may follow one. */
static size_t
shape_scalar(struct shape *s, const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n < len && strchr(" \t\r\n,:]}", p[n]) == NULL)
		n++;
	if (!(n == 4 && memcmp(p, "true", 4) == 0) &&
	    !(n == 5 && memcmp(p, "false", 5) == 0) &&
	    !(n == 4 && memcmp(p, "null", 4) == 0) &&
	    plain_number(p, n) != n)
		s->deviates = true;
	return n > 0 ? n : 1;
}

static struct shape
shape_of(const uint8_t *p, size_t len)
{
	unsigned int members[JSONC_DEPTH + 1] = { 0 }, depth = 0;
	struct shape s = { false, 0, 0 };

	for (size_t at = 0; at < len; ) {
		switch (p[at]) {
		case '"':
		case '\'':
			at += shape_string(&s, p + at, len - at);
			break;
		case '{':
		case '[':
			FUZZ_CHECK(depth < JSONC_DEPTH);
			members[++depth] = 0;
			if (depth > s.depth)
				s.depth = depth;
			at++;
			break;
		case '}':
		case ']':
			FUZZ_CHECK(depth > 0);
			depth--;
			at++;
			break;
		case ':':
			if (++members[depth] > s.members)
				s.members = members[depth];
			at++;
			break;
		case ' ': case '\t': case '\r': case '\n': case ',':
			at++;
			break;
		default:
			at += shape_scalar(&s, p + at, len - at);
		}
	}
	FUZZ_CHECK(depth == 0);
	return s;
}

/* Unescape a string, and hold the library's ways with it together; free(3). */
static char *
decode(const struct appmsg_str *s, size_t *len)
{
	char *text = malloc(s->len + 1), *quoted;
	size_t escaped_len, again_len;
	struct appmsg_str again;
	struct scan scan;

	FUZZ_CHECK(text != NULL);
	FUZZ_CHECK(appmsg_str_decode(s, text, s->len, len) == 0);
	FUZZ_CHECK(*len <= s->len);
	FUZZ_CHECK(appmsg_str_eq(s, text, *len));
	FUZZ_CHECK(*len == 0 || !appmsg_str_eq(s, text, *len - 1));
	FUZZ_CHECK(scan_utf8(text, *len) == *len);
	escaped_len = appmsg_escape(text, *len, NULL, 0);
	FUZZ_CHECK(escaped_len <= s->len);
	quoted = malloc(escaped_len + 2);
	FUZZ_CHECK(quoted != NULL);
	FUZZ_CHECK(appmsg_escape(text, *len, quoted + 1, escaped_len) ==
	    escaped_len);
	quoted[0] = quoted[escaped_len + 1] = '"';
	scan_init(&scan, quoted, escaped_len + 2);
	FUZZ_CHECK(scan_string(&scan, &again) == SCAN_OK);
	FUZZ_CHECK(scan_end(&scan) == SCAN_OK);
	FUZZ_CHECK(appmsg_str_eq(&again, text, *len));
	if (!(s->flags & APPMSG_STR_ESCAPED))
		FUZZ_CHECK(*len == s->len && memcmp(text, s->raw, *len) == 0);
	FUZZ_CHECK(appmsg_str_decode(&again, quoted + 1, escaped_len,
	    &again_len) == 0 && again_len == *len);
	free(quoted);
	return text;
}

static void compare(const struct scan_value *, struct json_object *);

static void
compare_string(const struct appmsg_str *s, struct json_object *obj)
{
	char *text;
	size_t len;

	FUZZ_CHECK(json_object_is_type(obj, json_type_string));
	if (s->flags & APPMSG_STR_LONE)
		return;
	text = decode(s, &len);
	if (jsonc_decodes(s, text, len)) {
		FUZZ_CHECK((size_t)json_object_get_string_len(obj) == len);
		FUZZ_CHECK(memcmp(json_object_get_string(obj), text,
		    len) == 0);
	}
	free(text);
}

static void
compare_number(const struct scan_value *v, struct json_object *obj)
{
	bool integer = memchr(v->raw, '.', v->len) == NULL &&
	    memchr(v->raw, 'e', v->len) == NULL &&
	    memchr(v->raw, 'E', v->len) == NULL;
	int64_t n;

	FUZZ_CHECK(json_object_is_type(obj, integer ? json_type_int :
	    json_type_double));
	if (scan_integer(v, INT64_MAX, &n) != 0)
		return;
	FUZZ_CHECK(integer);
	FUZZ_CHECK(json_object_get_int64(obj) == n);
	for (int64_t max = 0; max < 20; max++) {
		int64_t small;

		FUZZ_CHECK((scan_integer(v, max, &small) == 0) ==
		    (n >= -max && n <= max));
	}
}

static bool
is_name_comparable(const struct appmsg_str *name)
{
	bool comparable;
	char *text;
	size_t len;

	if (name->flags & APPMSG_STR_LONE)
		return false;
	text = decode(name, &len);
	comparable = memchr(text, '\0', len) == NULL &&
	    jsonc_decodes(name, text, len);
	free(text);
	return comparable;
}

static void
compare_object(const struct scan_value *v, struct json_object *obj)
{
	static struct member {
		struct appmsg_str name;
		struct scan_value value;
	} all[APPMSG_DEPTH_MAX][APPMSG_MEMBERS_MAX];
	static unsigned int level;
	struct member *members = all[level];
	struct scan scan;
	int n = 0, different = 0;
	bool comparable = true;

	FUZZ_CHECK(json_object_is_type(obj, json_type_object));
	scan_init(&scan, v->raw, v->len);
	FUZZ_CHECK(scan_object(&scan) == SCAN_OK);
	for (; scan_member(&scan, &members[n].name) == SCAN_OK; n++) {
		struct appmsg_str *name = &members[n].name;

		FUZZ_CHECK(scan_value(&scan, &members[n].value) == SCAN_OK);
		comparable = comparable && is_name_comparable(name);
	}
	FUZZ_CHECK(scan_end(&scan) == SCAN_OK);
	if (!comparable)
		return;
	level++;
	for (int i = 0; i < n; i++) {
		struct json_object *value = NULL;
		bool last = true;
		size_t len;
		char *name = decode(&members[i].name, &len);

		for (int j = i + 1; j < n && last; j++)
			last = !appmsg_str_eq(&members[j].name, name, len);
		name[len] = '\0';
		FUZZ_CHECK(json_object_object_get_ex(obj, name, &value));
		if (last) {
			compare(&members[i].value, value);
			different++;
		}
		free(name);
	}
	level--;
	FUZZ_CHECK(json_object_object_length(obj) == different);
}

static void
compare_array(const struct scan_value *v, struct json_object *obj)
{
	struct scan_value element;
	struct scan scan;
	size_t n = 0;

	FUZZ_CHECK(json_object_is_type(obj, json_type_array));
	/* What stands between the brackets, comma by comma. */
	scan_init(&scan, v->raw + 1, v->len - 2);
	for (; n < json_object_array_length(obj); n++) {
		if (n > 0) {
			while (strchr(" \t\r\n", *scan.p) != NULL)
				scan.p++;
			FUZZ_CHECK(*scan.p == ',');
			scan.p++;
		}
		FUZZ_CHECK(scan_value(&scan, &element) == SCAN_OK);
		compare(&element, json_object_array_get_idx(obj, n));
	}
	FUZZ_CHECK(scan_end(&scan) == SCAN_OK);
}

static void
compare(const struct scan_value *v, struct json_object *obj)
{
	switch (v->type) {
	case SCAN_STRING:
		compare_string(&v->str, obj);
		break;
	case SCAN_NUMBER:
		compare_number(v, obj);
		break;
	case SCAN_OBJECT:
		compare_object(v, obj);
		break;
	case SCAN_ARRAY:
		compare_array(v, obj);
		break;
	case SCAN_TRUE:
	case SCAN_FALSE:
		FUZZ_CHECK(json_object_is_type(obj, json_type_boolean));
		FUZZ_CHECK(json_object_get_boolean(obj) ==
		    (v->type == SCAN_TRUE));
		break;
	case SCAN_NULL:
		FUZZ_CHECK(obj == NULL);
		break;
	}
}

/* After the first error there is nothing else. */
static void
check_error(struct scan *scan)
{
	const char *why = scan->why;
	struct appmsg_str name;
	struct scan_value v;

	FUZZ_CHECK(scan_member(scan, &name) == SCAN_ERROR);
	FUZZ_CHECK(scan_value(scan, &v) == SCAN_ERROR);
	FUZZ_CHECK(scan_end(scan) == SCAN_ERROR);
	FUZZ_CHECK(scan->why == why);
}

/* Whether an input is an object, by a walk over its members. */
static bool
is_object(const uint8_t *data, size_t len)
{
	struct appmsg_str name, value;
	struct scan_value v;
	struct scan scan;
	bool good;
	int error;

	scan_init(&scan, data, len);
	if (scan_object(&scan) == SCAN_OK)
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK)
			FUZZ_CHECK(v.len > 0);
	good = scan_end(&scan) == SCAN_OK;
	FUZZ_CHECK(good == (scan.why == NULL));
	FUZZ_CHECK(scan.p <= scan.end);
	if (!good)
		check_error(&scan);
	error = appmsg_content_find(data, len, "value", &value);
	FUZZ_CHECK(good == (error == 0 || error == APPMSG_ENOENT));
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *obj;
	bool value, object;
	struct scan_value v;
	struct scan scan;

	FUZZ_CHECK(scan_utf8(data, len) == plain_utf8(data, len));
	scan_init(&scan, data, len);
	value = scan_value(&scan, &v) == SCAN_OK &&
	    scan_end(&scan) == SCAN_OK;
	FUZZ_CHECK(value == (scan.why == NULL));
	FUZZ_CHECK(scan.p <= scan.end);
	object = is_object(data, len);
	if (value)
		FUZZ_CHECK(object == (v.type == SCAN_OBJECT));
	if (jsonc_refuses(data, len))
		return 0;
	if (jsonc_read(data, len, &obj)) {
		struct shape s = shape_of(data, len);
		bool fits = !s.deviates && s.members <= APPMSG_MEMBERS_MAX &&
		    s.depth <= APPMSG_DEPTH_MAX;

		FUZZ_CHECK(object == (fits &&
		    json_object_is_type(obj, json_type_object)));
		FUZZ_CHECK(value == fits);
		if (value)
			compare(&v, obj);
		json_object_put(obj);
	} else {
		FUZZ_CHECK(!value && !object);
	}
	return 0;
}
