/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A server that does not know the members that say how to search ignores
 * them; its reply shows that.
 */

#include "config.h"

#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "appmsg.h"
#include "appmsg-session.h"

const char *const query_ways[QUERY_WAYS] = {
	"exact", "prefix", "suffix", "substring", "fuzzy", "regex",
	"words", "text"
};

/* In the order of those. */
static const enum appmsg_way query_numbers[QUERY_WAYS] = {
	APPMSG_WAY_EXACT, APPMSG_WAY_PREFIX, APPMSG_WAY_SUFFIX,
	APPMSG_WAY_SUBSTRING, APPMSG_WAY_FUZZY, APPMSG_WAY_REGEX,
	APPMSG_WAY_WORDS, APPMSG_WAY_TEXT
};

const char *const query_orders[QUERY_ORDERS] = { "key", "weight" };

void
query_question(const struct query *query, const char *key, size_t len,
    struct appmsg_query *question)
{
	appmsg_query_init(question, key, len);
	question->table = query->table;
	question->table_len = query->table != NULL ? strlen(query->table) : 0;
	question->after = query->after;
	question->after_len = query->after != NULL ? strlen(query->after) : 0;
	for (int i = 0; query->match != NULL && i < QUERY_WAYS; i++)
		if (strcmp(query->match, query_ways[i]) == 0)
			question->way = query_numbers[i];
	if (query->order != NULL)
		question->order = strcmp(query->order, "weight") == 0 ?
		    APPMSG_ORDER_WEIGHT : APPMSG_ORDER_KEY;
	question->limit = (unsigned int)query->limit;
	question->distance = (unsigned int)query->distance;
	question->suggest = query->suggest > 0 ?
	    (unsigned int)query->suggest : 0;
	question->explain = query->explain;
}

/* The content of a message, in memory of its own. */
static bool
query_copy(const struct appmsg_request *request, char **content,
    size_t *content_len)
{
	struct appmsg_header hdr;
	size_t used;

	if (appmsg_header_decode(request->message, request->len, &hdr,
	    &used) != 0)
		return false;
	*content_len = request->len - used;
	if ((*content = malloc(*content_len)) == NULL)
		return false;
	memcpy(*content, request->message + used, *content_len);
	return true;
}

bool
query_make(const struct query *query, const char *key, size_t len,
    char **content, size_t *content_len)
{
	struct appmsg_session *session;
	struct appmsg_query question;
	struct appmsg_request request;
	bool made;

	if (appmsg_session_new(&session, NULL) != 0)
		return false;
	query_question(query, key, len, &question);
	made = appmsg_session_search(session, &question, NULL) == 0 &&
	    appmsg_session_unanswered_get(session, 0, &request) == 0 &&
	    query_copy(&request, content, content_len);
	appmsg_session_free(session);
	return made;
}

void
query_header(const struct query *query, bool keep_alive,
    struct appmsg_header *hdr)
{
	*hdr = (struct appmsg_header){
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = keep_alive ?
		    (struct appmsg_str)APPMSG_STR("keep-alive") :
		    (struct appmsg_str)APPMSG_STR("close"),
		.explain = query->explain,
		.has_suggest = query->suggest > 0,
		.suggest = query->suggest
	};
}
