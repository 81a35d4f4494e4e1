/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests lie in memory of just their size, so that the address sanitizer sees
 * a byte read too far.
 */

#include "config.h"

#include "ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/problems.h"
#include "daemon/request/job.h"
#include "daemon/request/request.h"
#include "daemon/snapshot/generation.h"
#include "folder.h"
#include "order.h"

static struct generation *gen;
static struct request_env env;
struct buf ask_reply;

int
ask_setup(void **state)
{
	static const char conf[] =
	    "listen 127.0.0.1 0\n"
	    "answer morpheus \"" RABBIT "\"\n"
	    "answer ring \"" RING "\"\n"
	    "answer \"\xf0\x9f\x90\xb6\" \"" BALL "\"\n"
	    "answer empty \"\"\n"
	    "answer \"nul\\u0000key\" \"nul\\u0000 \\\"quote\\\\ \\u001f\"\n"
	    "binary logo file logo.bin type=\"image/x-\\\"logo\\\"\"\n"
	    "binary \"\\u0000\\n\" file logo.bin\n"
	    "binary nothing file empty.bin\n";
	struct problems problems = PROBLEMS_INIT;

	if (folder_setup(state) != 0)
		return -1;
	folder_write("logo.bin", "\0\xff""LOGO", 6);
	folder_write("empty.bin", "", 0);
	gen = generation_load(folder_write_text("appmsgd.conf", conf),
	    NULL, &problems);
	problems_print(&problems, stderr);
	problems_clear(&problems);
	if (gen == NULL)
		return -1;
	gen->number = 7;
	gen->loaded_at = 0;
	env.gen = gen;
	env.reply_max = SIZE_MAX;
	return 0;
}

int
ask_teardown(void **state)
{
	generation_unref(gen);
	request_env_clear(&env);
	buf_clear(&ask_reply);
	return folder_teardown(state);
}

void
ask(const char *type, const char *encoding, const char *members,
    const void *content, size_t len, bool keep)
{
	char frame[8192], *mem = malloc(len > 0 ? len : 1);
	struct request_job *job;
	struct appmsg_header h;
	size_t used;
	int n = snprintf(frame + 2, sizeof(frame) - 2, "{\"byteorder\":0,"
	    "\"content-type\":\"%s\",\"content-encoding\":\"%s\","
	    "\"content-length\":%zu%s}", type, encoding, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(frame) - 2);
	frame[0] = (char)(n >> 8);
	frame[1] = (char)n;
	assert_non_null(mem);
	memcpy(mem, content, len);
	assert_int_equal(appmsg_header_decode(frame, (size_t)n + 2, &h,
	    &used), 0);
	ask_reply.len = 0;
	assert_int_equal(request_answer(&env, &(struct request){ &h, mem, len,
	    keep }, &ask_reply, &job), REQUEST_ANSWERED);
	free(mem);
}

void
ask_json(const char *members, const char *content, bool keep)
{
	ask("text/json", "utf-8", members, content, strlen(content), keep);
}

size_t
ask_decode(struct appmsg_header *h)
{
	size_t used;

	assert_int_equal(appmsg_header_decode(ask_reply.data, ask_reply.len,
	    h, &used), 0);
	return used;
}

void
ask_expect(const char *type, const char *encoding, const char *members,
    const void *content, size_t len)
{
	char header[8192];
	int n = snprintf(header, sizeof(header), "{" ORDER
	    ", \"content-type\": \"%s\", \"content-encoding\": \"%s\", "
	    "\"content-length\": %zu%s}",
	    type, encoding, len, members);

	assert_true(n > 0 && (size_t)n < sizeof(header));
	if (ask_reply.len != 2 + (size_t)n + len)
		fail_msg("%.*s instead of %s", (int)ask_reply.len - 2,
		    ask_reply.data + 2, header);
	assert_int_equal((uint8_t)ask_reply.data[0], n >> 8);
	assert_int_equal((uint8_t)ask_reply.data[1], n & 0xff);
	assert_memory_equal(ask_reply.data + 2, header, (size_t)n);
	assert_memory_equal(ask_reply.data + 2 + n, content, len);
}

void
ask_expect_result(const char *members, const char *result)
{
	char content[8192];
	int n = snprintf(content, sizeof(content), "{\"result\": \"%s\"}",
	    result);

	assert_true(n > 0 && (size_t)n < sizeof(content));
	ask_expect("text/json", "utf-8", members, content, (size_t)n);
}
