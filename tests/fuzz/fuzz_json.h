/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_JSON_H
#define FUZZ_JSON_H

/*
 * JSON as RFC 8259 has it, within the protocol's caps, by a reader that is as
 * plain as can be: it makes a tree, and knows nothing of the scanner that it
 * is there to be compared with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_STRING,
	JSON_NUMBER,
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

struct json {
	enum json_kind kind;
	struct json *next;	/* owned: in what is around it */
	struct json *first;	/* owned: of an object or array */
	size_t n;		/* how many those are */
	char *name;		/* owned: of a member, decoded, and a NUL */
	size_t name_len;
	bool name_lone;		/* it has half a surrogate pair */
	char *text;		/* owned: of a string, decoded; of a number, as
				   it stands; and a NUL */
	size_t len;
	bool lone;
};

/*
 * Read a text, which must be one value.
 *
 * Returns it, owned by the caller, json_free(); NULL when it is none, or is
 * nested deeper or has more members than the protocol allows.
 */
struct json *json_read(const void *text, size_t len);

/*
 * Free a value.  NULL is allowed.
 */
void json_free(struct json *);

/*
 * The last member of an object with a name; NULL when there is none, or it is
 * no object.
 */
const struct json *json_member(const struct json *, const char *name);

/*
 * Whether a value is a string of Unicode text, and just this one.
 */
bool json_is(const struct json *, const void *text, size_t len);

/*
 * Whether a number is digits with perhaps a minus, and at most max from 0.
 *
 * n  set when it is
 */
bool json_integer(const struct json *, int64_t max, int64_t *n);

#endif
