/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Members of a reply's header that a client has asked for.  That the header is
 * well-formed is known; what a member is, is not.
 */

#include "config.h"

#include "lib/core/session.h"

#include <string.h>

#include "lib/scan.h"

#define NUMBER_MAX	(INT64_C(1) << 53)

/* The members of an explanation. */
enum explained { TEXT, NUMBER, YES_NO };

static const struct {
	const char *name;
	enum explained kind;
	size_t at;		/* in the struct */
} explained[] = {
#define ROW(name, kind, member) { name, kind, \
	offsetof(struct appmsg_explanation, member) }
	ROW("table", TEXT, table),
	ROW("loaded", TEXT, loaded),
	ROW("file", TEXT, file),
	ROW("source", TEXT, source),
	ROW("node", TEXT, node),
	ROW("cause", TEXT, cause),
	ROW("match", TEXT, match),
	ROW("digest", TEXT, digest),
	ROW("generation-digest", TEXT, generation_digest),
	ROW("generation", NUMBER, generation),
	ROW("line", NUMBER, line),
	ROW("published", NUMBER, published),
	ROW("entries", NUMBER, entries),
	ROW("cached", YES_NO, cached),
	ROW("stale", YES_NO, stale),
#undef ROW
};

#define EXPLAINED	(sizeof(explained) / sizeof(*explained))

static void
take_member(void *to, enum explained kind, const struct scan_value *v)
{
	int64_t num = -1;
	int yes;

	switch (kind) {
	case TEXT:
		if (v->type == SCAN_STRING)
			memcpy(to, &v->str, sizeof(v->str));
		break;
	case NUMBER:
		if (v->type == SCAN_NUMBER &&
		    scan_integer(v, NUMBER_MAX, &num) == 0 && num >= 0)
			memcpy(to, &num, sizeof(num));
		break;
	case YES_NO:
		yes = v->type == SCAN_TRUE ? 1 : 0;
		if (v->type == SCAN_TRUE || v->type == SCAN_FALSE)
			memcpy(to, &yes, sizeof(yes));
		break;
	}
}

/* Strings that are none, and numbers and words that are unknown. */
static void
explanation_clear(struct appmsg_explanation *e)
{
	memset(e, 0, sizeof(*e));
	e->generation = e->line = e->published = e->entries = -1;
	e->cached = e->stale = -1;
}

int
appmsg_reply_explain(const struct appmsg_reply *reply,
    struct appmsg_explanation *explanation)
{
	size_t size = explanation->size;
	struct appmsg_explanation e;
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	if (size < sizeof(size))
		return APPMSG_EINVAL;
	explanation_clear(&e);
	scan_init(&scan, reply->header_text, reply->header_len);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &v) == SCAN_OK)
		for (size_t i = 0; i < EXPLAINED; i++)
			if (appmsg_str_eq(&name, explained[i].name,
			    strlen(explained[i].name)))
				take_member((char *)&e + explained[i].at,
				    explained[i].kind, &v);
	e.size = size;
	memcpy(explanation, &e, size < sizeof(e) ? size : sizeof(e));
	return 0;
}

/* Find the array, for a cursor that is not in it yet. */
static int
find_suggestions(const struct appmsg_reply *reply,
    struct appmsg_cursor *cursor)
{
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	scan_init(&scan, reply->header_text, reply->header_len);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &v) == SCAN_OK) {
		if (!appmsg_str_eq(&name, "suggestions", 11))
			continue;
		if (v.type != SCAN_ARRAY)
			return APPMSG_EPROTO;
		cursor->at = (size_t)(v.raw - reply->header_text) + 1;
		return 0;
	}
	return APPMSG_ENOENT;
}

int
appmsg_reply_suggestion(const struct appmsg_reply *reply,
    struct appmsg_cursor *cursor, struct appmsg_str *key)
{
	int error = cursor->at == 0 ? find_suggestions(reply, cursor) : 0;

	/* The array ends where it closes, before the header does. */
	return error != 0 ? error : core_next_string(reply->header_text,
	    reply->header_len, cursor, key);
}
