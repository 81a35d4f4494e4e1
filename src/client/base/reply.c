/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A reply is copied out of the connection's buffer, unescaped, since it is
 * printed when the connection may be gone already.
 */

#include "config.h"

#include "reply.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "appmsg.h"
#include "client/options/query.h"

/* json-c takes some 800 bytes for two of text: more values are no reply. */
#define REPLY_VALUES_MAX 65536

static const char reply_error_prefix[] = "Error: ";
static const char reply_miss_before[] = "No match for ";

/* In the order of enum reply_outcome. */
static const char *const reply_words[] = {
	"found", "not-found", "error", "busy", "denied", "unavailable"
};

const char *
reply_status(enum reply_outcome outcome)
{
	return reply_words[outcome];
}

void
reply_clear(struct reply *reply)
{
	free(reply->data);
	free(reply->code);
	free(reply->type);
	json_object_put(reply->header);
	json_object_put(reply->content);
	memset(reply, 0, sizeof(*reply));
}

static int
reply_reserve(struct reply *reply, size_t len)
{
	char *data;

	/* Also for no bytes, so that data is never NULL. */
	if (reply->data != NULL && len <= reply->cap)
		return 0;
	if ((data = realloc(reply->data, len + 1)) == NULL)
		return APPMSG_ENOMEM;
	reply->data = data;
	reply->cap = len;
	return 0;
}

/* Replace *copy by a string of the header, or by NULL where it has none. */
static int
reply_copy(char **copy, const struct appmsg_str *str)
{
	size_t len;

	free(*copy);
	*copy = NULL;
	if (str->raw == NULL)
		return 0;
	if ((*copy = malloc(str->len + 1)) == NULL)
		return APPMSG_ENOMEM;
	if (appmsg_str_decode(str, *copy, str->len, &len) != 0)
		return APPMSG_EPROTO;
	(*copy)[len] = '\0';
	return 0;
}

bool
reply_outcome(const struct appmsg_header *hdr, enum reply_outcome *outcome)
{
	for (size_t i = 0; i < sizeof(reply_words) / sizeof(*reply_words); i++)
		if (appmsg_str_eq(&hdr->status, reply_words[i],
		    strlen(reply_words[i]))) {
			*outcome = (enum reply_outcome)i;
			return true;
		}
	return false;
}

static int
reply_read_header(struct reply *reply, const struct appmsg_header *hdr)
{
	static const char keep_alive[] = "keep-alive";
	int error;

	json_object_put(reply->header);
	json_object_put(reply->content);
	reply->header = reply->content = reply->matches = NULL;
	reply->tables = NULL;
	reply->outcome = REPLY_FOUND;
	reply->has_status = reply_outcome(hdr, &reply->outcome);
	reply->is_text = false;
	reply->len = 0;
	reply->keep_alive = appmsg_str_eq(&hdr->connection, keep_alive,
	    sizeof(keep_alive) - 1);
	if ((error = reply_copy(&reply->code, &hdr->error)) != 0)
		return error;
	return reply_copy(&reply->type, &hdr->content_type);
}

static bool
reply_is_json(const struct appmsg_header *hdr)
{
	static const char json[] = "text/json";

	return appmsg_str_eq(&hdr->content_type, json, sizeof(json) - 1);
}

/* Take the text of "result"; APPMSG_EPROTO when there is none. */
static int
reply_read_text(struct reply *reply, const struct appmsg_message *msg)
{
	struct appmsg_str str;
	int error;

	if (appmsg_content_find(msg->content, msg->content_len, "result",
	    &str) != 0)
		return APPMSG_EPROTO;
	if ((error = reply_reserve(reply, str.len)) != 0)
		return error;
	if (appmsg_str_decode(&str, reply->data, reply->cap, &reply->len) != 0)
		return APPMSG_EPROTO;
	reply->is_text = true;
	return 0;
}

static bool
reply_is_error(const char *text, size_t len)
{
	size_t before = sizeof(reply_error_prefix) - 1;

	return len >= before && memcmp(text, reply_error_prefix, before) == 0;
}

/*
 * Is it, to the byte, the text that says that there is no such key?  It has
 * the key in double quotes, or in single ones as the tutorial's server has it
 * since 2022.
 */
static bool
reply_is_miss(const char *text, size_t len, const char *key, size_t key_len)
{
	size_t before = sizeof(reply_miss_before) - 1;
	const char *quote = text + before;

	return len == before + key_len + 3 &&
	    memcmp(text, reply_miss_before, before) == 0 &&
	    (*quote == '"' || *quote == '\'') &&
	    memcmp(quote + 1, key, key_len) == 0 &&
	    quote[key_len + 1] == *quote && quote[key_len + 2] == '.';
}

enum reply_outcome
reply_judge(const char *text, size_t len, const char *key, size_t key_len)
{
	if (reply_is_miss(text, len, key, key_len))
		return REPLY_MISSED;
	return reply_is_error(text, len) ? REPLY_ERROR : REPLY_FOUND;
}

int
reply_read_search(struct reply *reply, const struct appmsg_message *msg,
    const char *key, size_t len)
{
	int error;

	if (!reply_is_json(&msg->header))
		return APPMSG_EPROTO;
	if ((error = reply_read_header(reply, &msg->header)) != 0 ||
	    (error = reply_read_text(reply, msg)) != 0)
		return error;
	if (!reply->has_status)
		reply->outcome = reply_judge(reply->data, reply->len, key,
		    len);
	return 0;
}

/* Whether JSON that was checked has too many of them. */
static bool
reply_is_heavy(const char *text, size_t len)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += text[i] == '\\';
		else
			n += text[i] == ',' || text[i] == '[' ||
			    text[i] == '{';
	}
	return n > REPLY_VALUES_MAX;
}

/*
 * Read text that the library has checked already.  json-c may still not like
 * it, or have no memory: then there is no object.
 */
static struct json_object *
reply_parse(const char *text, size_t len)
{
	struct json_object *object;
	struct json_tokener *tok;

	if (text == NULL || len > INT_MAX || reply_is_heavy(text, len) ||
	    (tok = json_tokener_new_ex(2 * APPMSG_DEPTH_MAX)) == NULL)
		return NULL;
	object = json_tokener_parse_ex(tok, text, (int)len);
	json_tokener_free(tok);
	return object;
}

static bool
reply_is_match(struct json_object *match)
{
	struct json_object *key, *result;

	return json_object_is_type(match, json_type_object) &&
	    json_object_object_get_ex(match, "key", &key) &&
	    json_object_is_type(key, json_type_string) &&
	    json_object_object_get_ex(match, "result", &result) &&
	    json_object_is_type(result, json_type_string);
}

static bool
reply_is_names(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!json_object_is_type(json_object_array_get_idx(value, i),
		    json_type_string))
			return false;
	return true;
}

int
reply_read_tables(struct reply *reply, const struct appmsg_message *msg)
{
	int error = reply_read_search(reply, msg, "", 0);

	if (error != 0 || reply->outcome > REPLY_MISSED)
		return error;
	reply->content = reply_parse(msg->content, msg->content_len);
	if (reply->content == NULL)
		return APPMSG_EPROTO;
	if (!json_object_object_get_ex(reply->content, "tables",
	    &reply->tables))
		return 0;
	return reply_is_names(reply->tables) ? 0 : APPMSG_EPROTO;
}

int
reply_read_more(struct reply *reply, const struct appmsg_message *msg,
    const struct query *query)
{
	if (query->explain || query->suggest > 0)
		reply->header = reply_parse(msg->header_text,
		    msg->header_text_len);
	if (query->match == NULL || reply->outcome > REPLY_MISSED)
		return 0;
	reply->content = reply_parse(msg->content, msg->content_len);
	if (reply->content == NULL)
		return APPMSG_EPROTO;
	if (!json_object_object_get_ex(reply->content, "matches",
	    &reply->matches))
		return 0;
	if (!json_object_is_type(reply->matches, json_type_array))
		return APPMSG_EPROTO;
	for (size_t i = 0; i < json_object_array_length(reply->matches); i++)
		if (!reply_is_match(json_object_array_get_idx(reply->matches,
		    i)))
			return APPMSG_EPROTO;
	return 0;
}

struct json_object *
reply_member(const struct reply *reply, const char *name, enum json_type type)
{
	struct json_object *value;

	if (reply->header == NULL ||
	    !json_object_object_get_ex(reply->header, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return type != json_type_array || reply_is_names(value) ? value :
	    NULL;
}

const char *
reply_unknown(const struct reply *reply, const struct query *query)
{
	if (reply->outcome > REPLY_MISSED)
		return NULL;
	if (query->match != NULL && reply->matches == NULL)
		return "-m";
	return query->table != NULL && !reply->has_status ? "-T" : NULL;
}

bool
reply_has_more(const struct reply *reply)
{
	struct json_object *more;

	return json_object_object_get_ex(reply->content, "more", &more) &&
	    json_object_get_boolean(more);
}

int
reply_read_binary(struct reply *reply, const struct appmsg_message *msg)
{
	int error;

	if ((error = reply_read_header(reply, &msg->header)) != 0)
		return error;
	if (reply_is_json(&msg->header) &&
	    (!reply->has_status || reply->outcome > REPLY_MISSED)) {
		error = reply_read_text(reply, msg);
		if (error == 0 && (reply->has_status ||
		    reply_is_error(reply->data, reply->len))) {
			if (!reply->has_status)
				reply->outcome = REPLY_ERROR;
			return 0;
		}
		if (error == APPMSG_ENOMEM)
			return error;
		/* JSON of some other kind: bytes like any others. */
		reply->is_text = false;
	}
	if ((error = reply_reserve(reply, msg->content_len)) != 0)
		return error;
	memcpy(reply->data, msg->content, msg->content_len);
	reply->len = msg->content_len;
	return 0;
}
