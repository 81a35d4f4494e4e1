/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ASK_H
#define ASK_H

/*
 * One request and its reply, for tests.  What is not as expected fails them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "appmsg.h"
#include "daemon/base/buf.h"

#define RABBIT	"Follow the white rabbit. \xf0\x9f\x90\xb0"
#define RING	"In the caves beneath the Misty Mountains. \xf0\x9f\x92\x8d"
#define BALL	"\xf0\x9f\x90\xbe Playing ball! \xf0\x9f\x8f\x90"

/* The last reply. */
extern struct buf ask_reply;

/*
 * Load some answers and binary entries, and forget them: what a group of cmocka
 * takes as its setup and teardown.
 */
int ask_setup(void **state);
int ask_teardown(void **state);

/*
 * Make a request.
 *
 * members  of its header, behind the usual four
 * keep     whether the connection stays
 */
void ask(const char *type, const char *encoding, const char *members,
    const void *content, size_t len, bool keep);

/* The same with a text that is JSON, or not quite. */
void ask_json(const char *members, const char *content, bool keep);

/*
 * Decode the header of the reply.
 *
 * Returns how many bytes are before the content.
 */
size_t ask_decode(struct appmsg_header *);

/*
 * Fail unless the reply is this: its type, further members, and content.
 */
void ask_expect(const char *type, const char *encoding, const char *members,
    const void *content, size_t len);

/* The same for the one form that text has; result as it stands in quotes. */
void ask_expect_result(const char *members, const char *result);

#endif
