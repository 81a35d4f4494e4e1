/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The library says what is JSON, since json-c takes more than that.  And
 * json-c asserts that an array is one, and turns anything into text: so all
 * that is printed is looked at first.
 */

#include "config.h"

#include "said.h"

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "common/escape.h"

int
said_exit(const struct appmsg_str *status)
{
	if (appmsg_str_eq(status, "found", 5))
		return EX_OK;
	return appmsg_str_eq(status, "denied", 6) ? EX_NOPERM : EXIT_FAILURE;
}

/* Returns what is wrong with the parts that are printed, or NULL. */
static const char *
find_wrong(struct json_object *reply)
{
	struct json_object *o;

	if (!json_object_is_type(reply, json_type_object))
		return "it is no JSON object";
	if (!json_object_object_get_ex(reply, "result", &o) ||
	    !json_object_is_type(o, json_type_string))
		return "\"result\" is no string";
	if (json_object_object_get_ex(reply, "more-problems", &o) &&
	    (!json_object_is_type(o, json_type_int) ||
	    json_object_get_int64(o) < 0))
		return "\"more-problems\" is no number of them";
	if (!json_object_object_get_ex(reply, "problems", &o))
		return NULL;
	if (!json_object_is_type(o, json_type_array))
		return "\"problems\" is no array";
	for (size_t i = 0; i < json_object_array_length(o); i++)
		if (!json_object_is_type(json_object_array_get_idx(o, i),
		    json_type_string))
			return "\"problems\" is no array of strings";
	return NULL;
}

struct json_object *
said_read(const char *content, size_t len, const char **wrong)
{
	struct json_object *reply = NULL;
	struct json_tokener *tok;
	struct appmsg_str result;

	*wrong = "it is no JSON object";
	if (len > INT_MAX || appmsg_content_find(content, len, "result",
	    &result) == APPMSG_EPROTO || (tok = json_tokener_new()) == NULL)
		return NULL;
	reply = json_tokener_parse_ex(tok, content, (int)len);
	json_tokener_free(tok);
	if ((*wrong = find_wrong(reply)) == NULL)
		return reply;
	json_object_put(reply);
	return NULL;
}

/* Spell the n bytes of a character that is not plain; 0: of none. */
static void
print_spelled(FILE *out, const char *text, size_t n, uint32_t cp, bool json)
{
	char spelled[ESCAPE_SIZE(4)];

	if (json && n > 0) {
		fprintf(out, "\\u%04x", (unsigned int)cp);
		return;
	}
	escape(spelled, sizeof(spelled), text, n > 0 ? n : 1);
	fputs(spelled, out);
}

/*
 * Print text of several lines, in which backslashes stay: where the daemon
 * quotes somebody it has escaped that already, and then nothing is left to be
 * spelled.
 *
 * json  it is JSON, and what is spelled is part of its strings
 */
static void
print_text(FILE *out, const char *text, size_t len, bool json)
{
	const char *end = text + len, *plain = text;
	uint32_t cp = 0;
	size_t n;

	while (text < end) {
		n = escape_utf8(text, (size_t)(end - text), &cp);
		if (n > 0 && (escape_is_plain(cp) || cp == '\\' ||
		    cp == '\n')) {
			text += n;
			continue;
		}
		fwrite(plain, 1, (size_t)(text - plain), out);
		print_spelled(out, text, n, cp, json);
		text += n > 0 ? n : 1;
		plain = text;
	}
	fwrite(plain, 1, (size_t)(text - plain), out);
}

static void
print_line(FILE *out, struct json_object *string)
{
	print_text(out, json_object_get_string(string),
	    (size_t)json_object_get_string_len(string), false);
	fputc('\n', out);
}

void
said_print(struct json_object *reply, bool ok)
{
	struct json_object *problems, *more, *result;

	if (json_object_object_get_ex(reply, "problems", &problems))
		for (size_t i = 0; i < json_object_array_length(problems); i++)
			print_line(stderr,
			    json_object_array_get_idx(problems, i));
	if (json_object_object_get_ex(reply, "more-problems", &more) &&
	    json_object_get_int64(more) > 0)
		fprintf(stderr, "and %" PRId64 " more\n",
		    json_object_get_int64(more));
	if (json_object_object_get_ex(reply, "result", &result))
		print_line(ok ? stdout : stderr, result);
}

int
said_print_json(struct json_object *reply)
{
	const char *text = json_object_to_json_string_ext(reply,
	    JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text == NULL)
		return -1;
	print_text(stdout, text, strlen(text), true);
	putchar('\n');
	return 0;
}
