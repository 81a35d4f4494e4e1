/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * json-c's objects, each of which is looked at before it is used: json-c
 * takes no NULL for an object, but reports all that it could not allocate.
 * Its printing does not: a piece for which its buffer could not grow is left
 * out of a text that it calls whole.  So the text is made here.
 */

#include "config.h"

#include "daemon/base/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "common/escape.h"
#include "daemon/base/buf.h"
#include "lib/appmsg.h"

void
tell_init(struct tell *t)
{
	t->open[0] = json_object_new_object();
	t->last = 0;
	t->failed = t->open[0] == NULL;
}

void
tell_clear(struct tell *t)
{
	json_object_put(t->open[0]);
	t->open[0] = NULL;
	t->failed = true;
}

/* Takes the value.  Returns whether it has been added. */
static bool
add(struct tell *t, const char *name, struct json_object *value)
{
	struct json_object *to = t->open[t->last];
	int error = -1;

	if (value != NULL && !t->failed)
		error = json_object_is_type(to, json_type_array) ?
		    json_object_array_add(to, value) :
		    json_object_object_add_ex(to, name, value,
		    JSON_C_OBJECT_KEY_IS_CONSTANT);
	if (error != 0) {
		json_object_put(value);
		t->failed = true;
	}
	return error == 0;
}

void
tell_text(struct tell *t, const char *name, const char *text)
{
	add(t, name, json_object_new_string(text));
}

void
tell_bytes(struct tell *t, const char *name, const char *text, size_t len)
{
	add(t, name, len > INT32_MAX ? NULL :
	    json_object_new_string_len(text, (int)len));
}

void
tell_number(struct tell *t, const char *name, uint64_t n)
{
	add(t, name, json_object_new_uint64(n));
}

void
tell_integer(struct tell *t, const char *name, int64_t n)
{
	add(t, name, json_object_new_int64(n));
}

void
tell_bool(struct tell *t, const char *name, bool b)
{
	add(t, name, json_object_new_boolean(b));
}

void
tell_us(struct tell *t, const char *name, uint64_t ns)
{
	add(t, name, json_object_new_double((double)ns / 1000));
}

void
tell_any(struct tell *t, const char *name, const char *bytes, size_t len)
{
	size_t cap = ESCAPE_SIZE(len);
	char *escaped;

	if (escape_is_utf8(bytes, len)) {
		tell_bytes(t, name, bytes, len);
	} else if ((escaped = malloc(cap)) != NULL) {
		escape(escaped, cap, bytes, len);
		tell_text(t, name, escaped);
		free(escaped);
	} else {
		t->failed = true;
	}
}

void
tell_path(struct tell *t, const char *name, const char *path)
{
	tell_any(t, name, path, strlen(path));
}

static void
begin(struct tell *t, const char *name, struct json_object *container)
{
	if (t->last + 1 == TELL_DEPTH) {
		json_object_put(container);
		t->failed = true;
	} else if (add(t, name, container)) {
		t->open[++t->last] = container;
	}
}

void
tell_object(struct tell *t, const char *name)
{
	begin(t, name, json_object_new_object());
}

void
tell_array(struct tell *t, const char *name)
{
	begin(t, name, json_object_new_array());
}

void
tell_end(struct tell *t)
{
	/* Where something failed there may be one more end than beginnings. */
	if (t->last > 0)
		t->last--;
}

static int
print_word(struct buf *b, const char *word)
{
	return buf_add(b, word, strlen(word));
}

static int
print_text(struct buf *b, const char *text, size_t len)
{
	size_t need = appmsg_escape(text, len, NULL, 0);
	char *to = buf_reserve(b, need + 2);

	if (to == NULL)
		return -1;
	to[0] = '"';
	appmsg_escape(text, len, to + 1, need);
	to[need + 1] = '"';
	b->len += need + 2;
	return 0;
}

static int
print_number(struct buf *b, struct json_object *v)
{
	char digits[64];

	if (json_object_is_type(v, json_type_double))
		snprintf(digits, sizeof(digits), "%.3f",
		    json_object_get_double(v));
	else if (json_object_get_int64(v) < 0)
		snprintf(digits, sizeof(digits), "%" PRId64,
		    json_object_get_int64(v));
	else
		snprintf(digits, sizeof(digits), "%" PRIu64,
		    json_object_get_uint64(v));
	return print_word(b, digits);
}

static int print_value(struct buf *, struct json_object *);

static int
print_array(struct buf *b, struct json_object *array)
{
	if (print_word(b, "[") != 0)
		return -1;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (print_word(b, i == 0 ? " " : ", ") != 0 ||
		    print_value(b, json_object_array_get_idx(array, i)) != 0)
			return -1;
	return print_word(b, " ]");
}

static int
print_object(struct buf *b, struct json_object *object)
{
	const char *before = "{ ";

	json_object_object_foreach(object, name, value) {
		if (print_word(b, before) != 0 ||
		    print_text(b, name, strlen(name)) != 0 ||
		    print_word(b, ": ") != 0 || print_value(b, value) != 0)
			return -1;
		before = ", ";
	}
	return print_word(b, *before == '{' ? "{ }" : " }");
}

/* Calls itself as deep as the whole is built, which is TELL_DEPTH at most. */
static int
print_value(struct buf *b, struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_object:
		return print_object(b, v);
	case json_type_array:
		return print_array(b, v);
	case json_type_string:
		return print_text(b, json_object_get_string(v),
		    (size_t)json_object_get_string_len(v));
	case json_type_int:
	case json_type_double:
		return print_number(b, v);
	case json_type_boolean:
		return print_word(b, json_object_get_boolean(v) ? "true" :
		    "false");
	case json_type_null:
		break;
	}
	return print_word(b, "null");
}

int
tell_print(const struct tell *t, struct buf *b)
{
	return t->failed ? -1 : print_value(b, t->open[0]);
}
