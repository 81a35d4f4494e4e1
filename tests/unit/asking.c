/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What tests of sessions say and hear.
 */

#include "config.h"

#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
is_refused(struct counted *counted)
{
	counted->calls++;
	if (counted->allowed == 0)
		return true;
	if (counted->allowed > 0)
		counted->allowed--;
	return false;
}

static void *
counted_malloc_cb(void *arg, size_t size)
{
	struct counted *counted = arg;

	if (is_refused(counted))
		return NULL;
	counted->live++;
	return malloc(size);
}

static void *
counted_realloc_cb(void *arg, void *memory, size_t size)
{
	return is_refused(arg) ? NULL : realloc(memory, size);
}

static void
counted_free_cb(void *arg, void *memory)
{
	struct counted *counted = arg;

	counted->live--;
	free(memory);
}

struct appmsg_alloc
counted_alloc(struct counted *counted)
{
	memset(counted, 0, sizeof(*counted));
	counted->allowed = -1;
	return (struct appmsg_alloc){ counted_malloc_cb, counted_realloc_cb,
	    counted_free_cb, counted };
}

struct appmsg_session *
asking_new(bool at_once)
{
	struct appmsg_session_options options;
	struct appmsg_session *session = NULL;

	appmsg_session_options_init(&options);
	options.at_once = at_once;
	assert_int_equal(appmsg_session_new(&session, &options), 0);
	return session;
}

void
asking_search(struct appmsg_session *session, const char *key, bool id,
    bool close, const void *tag)
{
	struct appmsg_query query;

	appmsg_query_init(&query, key, strlen(key));
	query.id = id;
	query.close = close;
	assert_int_equal(appmsg_session_search(session, &query,
	    (void *)(uintptr_t)tag), 0);
}

size_t
asking_take(struct appmsg_session *session)
{
	struct appmsg_header hdr;
	const char *data;
	size_t len, used, n = 0;

	while ((len = appmsg_session_out(session, &data)) > 0) {
		assert_int_equal(appmsg_header_decode(data, len, &hdr, &used),
		    0);
		assert_int_equal(hdr.flaw, APPMSG_FLAW_NONE);
		used += (size_t)hdr.content_length;
		assert_true(used <= len);
		appmsg_session_sent(session, used);
		n++;
	}
	return n;
}

size_t
asking_put(char *to, const char *members, const char *content, size_t len)
{
	size_t size = (size_t)sprintf(to + 2, "{\"byteorder\": \"little\", "
	    "\"content-type\": \"text/json\", "
	    "\"content-encoding\": \"utf-8\", "
	    "\"content-length\": %zu%s}", len, members);

	to[0] = (char)(size >> 8);
	to[1] = (char)size;
	memcpy(to + 2 + size, content, len);
	return 2 + size + len;
}

void
asking_reply(struct appmsg_session *session, const char *members,
    const char *content)
{
	size_t len = strlen(content), size = len + strlen(members) + 200;
	char *message = malloc(size);

	assert_non_null(message);
	assert_int_equal(appmsg_session_feed(session, message,
	    asking_put(message, members, content, len)), 0);
	free(message);
}

const struct appmsg_reply *
asking_expect(struct appmsg_session *session, const void *tag,
    const char *text)
{
	const struct appmsg_reply *reply = NULL;
	const char *found;
	size_t len;

	assert_int_equal(appmsg_session_reply(session, &reply), 0);
	assert_ptr_equal(appmsg_reply_tag(reply), tag);
	assert_int_equal(appmsg_reply_text(reply, &found, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(found, text, len);
	return reply;
}
