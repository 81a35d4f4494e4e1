/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Standard output is stdio's, which remembers that a write has failed; the
 * first errno is kept so that output_close() can say why.
 */

#include "config.h"

#include "output.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json.h>

#include "common/escape.h"
#include "progress.h"
#include "reply.h"

/* Bytes of a text that tell what it is. */
#define OUTPUT_START_MAX 1024

/* errno of the first write that failed on standard output, or 0. */
static int output_errno;

static void
output_write(FILE *file, const char *data, size_t len)
{
	if (len > 0 && fwrite(data, 1, len, file) != len && file == stdout &&
	    output_errno == 0)
		output_errno = errno;
}

void
output_text(FILE *file, const char *text)
{
	output_write(file, text, strlen(text));
}

void
output_flush(void)
{
	if (fflush(stdout) != 0 && output_errno == 0)
		output_errno = errno;
	progress_hide();
}

bool
output_is_terminal(FILE *file)
{
	return isatty(fileno(file)) == 1;
}

/* How much of data fits into so many bytes, without cutting a character. */
static size_t
output_cut(const char *data, size_t len, size_t max)
{
	size_t cut, n;
	uint32_t cp;

	for (cut = 0; cut < len; cut += n) {
		n = escape_utf8(data + cut, len - cut, &cp);
		if (n == 0)
			n = 1;
		if (cut + n > max)
			break;
	}
	return cut;
}

void
output_field(FILE *file, const char *data, size_t len)
{
	char text[ESCAPE_SIZE(1024)];
	size_t cut, n;

	while (len > 0) {
		if ((cut = escape_plain_len(data, len)) > 0) {
			output_write(file, data, cut);
			data += cut;
			len -= cut;
			continue;
		}
		/* Or escape() would see invalid halves. */
		cut = output_cut(data, len, 1024);
		n = escape(text, sizeof(text), data, cut);
		output_write(file, text, n);
		data += cut;
		len -= cut;
	}
}

static void
output_terminal(FILE *file, const char *data, size_t len)
{
	const char *end = data + len, *plain = data;
	char text[ESCAPE_SIZE(4)];
	uint32_t cp;
	size_t n;

	while (data < end) {
		n = escape_utf8(data, (size_t)(end - data), &cp);
		if (n > 0 && (escape_is_plain(cp) || cp == '\n' ||
		    cp == '\t' || cp == '\\')) {
			data += n;
			continue;
		}
		output_write(file, plain, (size_t)(data - plain));
		if (n == 0)
			n = 1;
		output_write(file, text, escape(text, sizeof(text), data, n));
		data += n;
		plain = data;
	}
	output_write(file, plain, (size_t)(data - plain));
}

void
output_bytes(FILE *file, const char *data, size_t len)
{
	if (output_is_terminal(file))
		output_terminal(file, data, len);
	else
		output_write(file, data, len);
}

void
output_start(const char *data, size_t len, bool is_field)
{
	size_t cut = output_cut(data, len, OUTPUT_START_MAX);

	if (is_field)
		output_field(stderr, data, cut);
	else
		output_bytes(stderr, data, cut);
	if (cut < len)
		fprintf(stderr, "... (%zu bytes)", len);
}

void
output_end_line(FILE *file, const char *data, size_t len)
{
	if (len == 0 || data[len - 1] != '\n')
		output_text(file, "\n");
}

int
output_json_add(struct json_object *object, const char *name,
    struct json_object *value)
{
	if (value == NULL)
		return -1;
	if (json_object_object_add(object, name, value) != 0) {
		json_object_put(value);
		return -1;
	}
	return 0;
}

/* RFC 4648, section 4; returns an owned string or NULL. */
static char *
output_base64(const char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *src = (const unsigned char *)data;
	char *out, *p;

	if ((p = out = malloc((len + 2) / 3 * 4 + 1)) == NULL)
		return NULL;
	for (; len > 0; src += 3) {
		unsigned int group = (unsigned int)src[0] << 16;

		if (len > 1)
			group |= (unsigned int)src[1] << 8;
		if (len > 2)
			group |= src[2];
		*p++ = digits[group >> 18];
		*p++ = digits[group >> 12 & 63];
		*p++ = digits[group >> 6 & 63];
		*p++ = digits[group & 63];
		if (len < 3)
			memset(p - 3 + len, '=', 3 - len);
		len -= len < 3 ? len : 3;
	}
	*p = '\0';
	return out;
}

int
output_json_bytes(struct json_object *object, const char *name,
    const char *data, size_t len)
{
	char *base64, member[64];
	int error = -1;

	if (escape_is_utf8(data, len))
		return output_json_add(object, name,
		    json_object_new_string_len(data, (int)len));
	/* json-c has no object for null: NULL is it. */
	if ((base64 = output_base64(data, len)) != NULL &&
	    json_object_object_add(object, name, NULL) == 0) {
		snprintf(member, sizeof(member), "%s-base64", name);
		error = output_json_add(object, member,
		    json_object_new_string(base64));
	}
	free(base64);
	return error;
}

/* Adds a value of the reply, if it is there, as it came. */
static int
output_json_share(struct json_object *object, const char *name,
    struct json_object *value)
{
	return value == NULL ? 0 :
	    output_json_add(object, name, json_object_get(value));
}

int
output_json_more(struct json_object *object, const struct reply *reply)
{
	static const struct {
		const char *name;
		enum json_type type;
	} members[] = {
		{ "table", json_type_string },
		{ "generation", json_type_int },
		{ "loaded", json_type_string },
		{ "file", json_type_string },
		{ "line", json_type_int },
		{ "source", json_type_string },
		{ "published", json_type_int },
		{ "node", json_type_string },
		{ "cached", json_type_boolean },
		{ "stale", json_type_boolean },
		{ "cause", json_type_string },
		{ "match", json_type_string },
		{ "digest", json_type_string },
		{ "generation-digest", json_type_string },
		{ "entries", json_type_int },
		{ "suggestions", json_type_array }
	};
	int error;

	error = output_json_share(object, "matches", reply->matches);
	if (reply->matches != NULL && error == 0)
		error = output_json_add(object, "more",
		    json_object_new_boolean(reply_has_more(reply)));
	for (size_t i = 0; error == 0 &&
	    i < sizeof(members) / sizeof(*members); i++)
		error = output_json_share(object, members[i].name,
		    reply_member(reply, members[i].name, members[i].type));
	return error;
}

/* How a reply went, and the text or the bytes of it. */
static int
output_json_result(struct json_object *object, const struct reply *reply)
{
	if (output_json_add(object, "found",
	    json_object_new_boolean(reply->outcome == REPLY_FOUND)) != 0 ||
	    output_json_add(object, "status",
	    json_object_new_string(reply_status(reply->outcome))) != 0 ||
	    (reply->code != NULL && output_json_add(object, "error",
	    json_object_new_string(reply->code)) != 0) ||
	    (!reply->is_text && output_json_add(object, "type",
	    json_object_new_string(reply->type)) != 0))
		return -1;
	return output_json_bytes(object, "result", reply->data, reply->len);
}

int
output_json_reply(const char *key, size_t key_len, const struct reply *reply)
{
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if ((key == NULL ? json_object_object_add(object, "key", NULL) :
	    output_json_bytes(object, "key", key, key_len)) == 0 &&
	    output_json_result(object, reply) == 0 &&
	    output_json_more(object, reply) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}

int
output_json_tables(const struct reply *reply)
{
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if (output_json_result(object, reply) == 0 &&
	    output_json_share(object, "tables", reply->tables) == 0)
		error = output_json(object);
	json_object_put(object);
	return error;
}

/*
 * json-c escapes what JSON demands.  What else escape() would not leave alone
 * stands inside strings only, so a \u escape changes nothing but its look.
 */
int
output_json(struct json_object *object)
{
	const char *data, *plain;
	char text[16];
	uint32_t cp;
	size_t len, n;

	data = json_object_to_json_string_length(object,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (data == NULL)
		return -1;
	for (plain = data; len > 0; data += n, len -= n) {
		if ((n = escape_utf8(data, len, &cp)) == 0)
			n = 1;
		else if (cp >= 0x7f && !escape_is_plain(cp)) {
			output_write(stdout, plain, (size_t)(data - plain));
			snprintf(text, sizeof(text), "\\u%04x",
			    (unsigned int)cp);
			output_text(stdout, text);
			plain = data + n;
		}
	}
	output_write(stdout, plain, (size_t)(data - plain));
	output_text(stdout, "\n");
	return 0;
}

bool
output_has_failed(void)
{
	return ferror(stdout) != 0;
}

int
output_close(void)
{
	bool failed = output_has_failed();

	errno = 0;
	if (fclose(stdout) != 0 || failed) {
		if (output_errno != 0)
			errno = output_errno;
		warn("standard output");
		return -1;
	}
	return 0;
}
