/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "fuzz_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/plain.h"
#include "fuzz.h"
#include "lib/appmsg.h"

/* What is still to be read. */
struct text {
	const char *p, *end;
};

static struct json *read_value(struct text *, unsigned int depth);

static int
peek(const struct text *t)
{
	return t->p < t->end ? (unsigned char)*t->p : -1;
}

static bool
take(struct text *t, char c)
{
	if (peek(t) != c)
		return false;
	t->p++;
	return true;
}

static void
skip_blanks(struct text *t)
{
	while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\n' ||
	    peek(t) == '\r')
		t->p++;
}

/* Four hexadecimal digits behind \u, or -1. */
static long
read_unit(const char *p, const char *end)
{
	char digits[5] = "";

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(digits, p + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return strtol(digits, NULL, 16);
}

/* A character as UTF-8, half a pair in the same way. */
static char *
put_character(char *to, unsigned long c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* One escape, of a pair both halves; false when it is none. */
static bool
read_escape(struct text *t, char **to, bool *lone)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *name;
	long c, low;

	if (t->end - t->p < 2)
		return false;
	if (t->p[1] != 'u') {
		name = t->p[1] != '\0' ? strchr(names, t->p[1]) : NULL;
		if (name == NULL)
			return false;
		*(*to)++ = meant[name - names];
		t->p += 2;
		return true;
	}
	if ((c = read_unit(t->p, t->end)) == -1)
		return false;
	t->p += 6;
	if (c >= 0xd800 && c <= 0xdfff) {
		low = c <= 0xdbff ? read_unit(t->p, t->end) : -1;
		if (low >= 0xdc00 && low <= 0xdfff) {
			c = 0x10000 + (c - 0xd800) * 0x400 + (low - 0xdc00);
			t->p += 6;
		} else {
			*lone = true;
		}
	}
	*to = put_character(*to, (unsigned long)c);
	return true;
}

/* A string with its quotes; NULL when there is none. */
static char *
read_string(struct text *t, size_t *len, bool *lone)
{
	char *text = malloc((size_t)(t->end - t->p) + 1), *to = text;
	const char *start;

	FUZZ_CHECK(text != NULL);
	*lone = false;
	if (!take(t, '"'))
		goto bad;
	start = t->p;
	while (peek(t) != '"') {
		if (peek(t) < 0x20)	/* the end, too */
			goto bad;
		if (peek(t) != '\\')
			*to++ = *t->p++;
		else if (!read_escape(t, &to, lone))
			goto bad;
	}
	if (plain_utf8((const uint8_t *)start, (size_t)(t->p - start)) !=
	    (size_t)(t->p - start))
		goto bad;
	t->p++;
	*len = (size_t)(to - text);
	*to = '\0';
	return text;
bad:
	free(text);
	return NULL;
}

static bool
skip_digits(struct text *t)
{
	const char *start = t->p;

	while (peek(t) >= '0' && peek(t) <= '9')
		t->p++;
	return t->p > start;
}

static bool
read_number(struct text *t, struct json *v)
{
	const char *start = t->p;

	take(t, '-');
	if (!take(t, '0') && !skip_digits(t))
		return false;
	if (take(t, '.') && !skip_digits(t))
		return false;
	if (take(t, 'e') || take(t, 'E')) {
		if (!take(t, '+'))
			take(t, '-');
		if (!skip_digits(t))
			return false;
	}
	v->kind = JSON_NUMBER;
	v->len = (size_t)(t->p - start);
	v->text = strndup(start, v->len);
	FUZZ_CHECK(v->text != NULL);
	return true;
}

static bool
read_word(struct text *t, struct json *v)
{
	static const char *const words[] = { "true", "false", "null" };

	for (unsigned int i = 0; i < 3; i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(t->end - t->p) < len ||
		    memcmp(t->p, words[i], len) != 0)
			continue;
		v->kind = JSON_TRUE + i;
		t->p += len;
		return true;
	}
	return false;
}

static struct json *
read_member(struct text *t, unsigned int depth)
{
	struct json *v;
	size_t len;
	bool lone;
	char *name;

	skip_blanks(t);
	if ((name = read_string(t, &len, &lone)) == NULL)
		return NULL;
	skip_blanks(t);
	v = take(t, ':') ? read_value(t, depth) : NULL;
	if (v == NULL) {
		free(name);
		return NULL;
	}
	v->name = name;
	v->name_len = len;
	v->name_lone = lone;
	return v;
}

/* Behind the opening bracket. */
static bool
read_container(struct text *t, struct json *v, bool object,
    unsigned int depth)
{
	struct json **last = &v->first;
	char end = object ? '}' : ']';

	v->kind = object ? JSON_OBJECT : JSON_ARRAY;
	skip_blanks(t);
	if (depth == APPMSG_DEPTH_MAX)
		return false;
	if (take(t, end))
		return true;
	do {
		if (object && v->n == APPMSG_MEMBERS_MAX)
			return false;
		*last = object ? read_member(t, depth + 1) :
		    read_value(t, depth + 1);
		if (*last == NULL)
			return false;
		last = &(*last)->next;
		v->n++;
		skip_blanks(t);
	} while (take(t, ','));
	return take(t, end);
}

static struct json *
read_value(struct text *t, unsigned int depth)
{
	struct json *v = calloc(1, sizeof(*v));
	bool good;

	FUZZ_CHECK(v != NULL);
	skip_blanks(t);
	if (take(t, '{')) {
		good = read_container(t, v, true, depth);
	} else if (take(t, '[')) {
		good = read_container(t, v, false, depth);
	} else if (peek(t) == '"') {
		v->kind = JSON_STRING;
		v->text = read_string(t, &v->len, &v->lone);
		good = v->text != NULL;
	} else if (peek(t) == '-' || (peek(t) >= '0' && peek(t) <= '9')) {
		good = read_number(t, v);
	} else {
		good = read_word(t, v);
	}
	if (good)
		return v;
	json_free(v);
	return NULL;
}

struct json *
json_read(const void *text, size_t len)
{
	struct text t = { text, (const char *)text + len };
	struct json *v = read_value(&t, 0);

	skip_blanks(&t);
	if (t.p == t.end)
		return v;
	json_free(v);
	return NULL;
}

void
json_free(struct json *v)
{
	struct json *next;

	for (; v != NULL; v = next) {
		next = v->next;
		json_free(v->first);
		free(v->name);
		free(v->text);
		free(v);
	}
}

const struct json *
json_member(const struct json *object, const char *name)
{
	const struct json *found = NULL;

	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json *v = object->first; v != NULL; v = v->next)
		if (v->name_len == strlen(name) &&
		    memcmp(v->name, name, v->name_len) == 0)
			found = v;
	return found;
}

bool
json_is(const struct json *v, const void *text, size_t len)
{
	return v != NULL && v->kind == JSON_STRING && !v->lone &&
	    v->len == len && (len == 0 || memcmp(v->text, text, len) == 0);
}

bool
json_integer(const struct json *v, int64_t max, int64_t *n)
{
	long long value;

	if (v == NULL || v->kind != JSON_NUMBER ||
	    strspn(v->text, "-0123456789") != v->len)
		return false;
	errno = 0;
	value = strtoll(v->text, NULL, 10);
	if (errno != 0 || value > max || value < -max)
		return false;
	*n = value;
	return true;
}
