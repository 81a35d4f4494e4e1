/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SCAN_H
#define SCAN_H

/*
 * A strict JSON scanner for bytes that nobody vouches for: RFC 8259 and
 * UTF-8 in one pass, without allocation, recursion or copies.  The caller
 * walks the members of one object and takes each value, validated whole; of
 * nested values only the extent is told.
 *
 *	scan_init(&scan, buf, len);
 *	if (scan_object(&scan) == SCAN_OK)
 *		while (scan_member(&scan, &name) == SCAN_OK)
 *			if (scan_value(&scan, &value) != SCAN_OK)
 *				break;
 *	if (scan_end(&scan) != SCAN_OK)
 *		... scan.why says what is wrong at scan.p
 *
 * After the first error every call returns SCAN_ERROR.  At most
 * APPMSG_DEPTH_MAX values stand inside each other and APPMSG_MEMBERS_MAX
 * members in an object; scan_init_file() lifts the latter for files that the
 * administrator wrote.
 */

#include <stddef.h>
#include <stdint.h>

#include "appmsg.h"

enum scan_result {
	SCAN_OK = 0,
	SCAN_END,	/* the object or the text has ended */
	SCAN_ERROR
};

enum scan_type {
	SCAN_STRING,
	SCAN_NUMBER,
	SCAN_OBJECT,
	SCAN_ARRAY,
	SCAN_TRUE,
	SCAN_FALSE,
	SCAN_NULL
};

struct scan {
	const uint8_t *p;	/* next byte */
	const uint8_t *end;
	const char *why;	/* static text of the first error, or NULL */
	unsigned int depth;	/* of what is around the next value: 0 or 1 */
	unsigned int members;	/* of the object walked */
	unsigned int members_max;
};

struct scan_value {
	enum scan_type type;
	const char *raw;	/* the value as it stands; borrowed */
	size_t len;
	struct appmsg_str str;	/* of a SCAN_STRING */
};

/*
 * Start at the first of len bytes, which are borrowed as long as the scan
 * and all that it finds.
 */
void scan_init(struct scan *, const void *buf, size_t len);

/*
 * The same for text of the administrator's: the object walked may have any
 * number of members.
 */
void scan_init_file(struct scan *, const void *buf, size_t len);

/*
 * Enter the object that the text must begin with.
 *
 * Returns SCAN_OK or SCAN_ERROR.
 */
enum scan_result scan_object(struct scan *);

/*
 * Read the next member's name and its colon; a scan_value() must follow.
 *
 * Returns SCAN_OK; SCAN_END after the object's last member, with its closing
 * brace taken; SCAN_ERROR.
 */
enum scan_result scan_member(struct scan *, struct appmsg_str *name);

/*
 * Read one value of any type, checked to its end.
 *
 * Returns SCAN_OK or SCAN_ERROR.
 */
enum scan_result scan_value(struct scan *, struct scan_value *);

/*
 * Check that nothing but blanks is left.
 *
 * Returns SCAN_OK or SCAN_ERROR.
 */
enum scan_result scan_end(struct scan *);

/*
 * Read a string whose opening quote is the next byte: for configuration
 * files, where a quoted word is a JSON string.
 *
 * Returns SCAN_OK with scan->p behind the closing quote, or SCAN_ERROR.
 */
enum scan_result scan_string(struct scan *, struct appmsg_str *);

/*
 * Read digits with an optional minus: 37, not 37.0, 37e0 or +37.  A leading
 * zero is JSON's business.
 *
 * v      a SCAN_NUMBER
 * max    the largest magnitude taken
 * num    set when 0 is returned
 *
 * Returns 0, or -1 when v is another number.
 */
int scan_integer(const struct scan_value *v, int64_t max, int64_t *num);

/*
 * How many bytes at the start of p are valid UTF-8 (no surrogates, nothing
 * above U+10FFFF, no overlong forms), all len of them if it is valid.
 */
size_t scan_utf8(const void *p, size_t len);

#endif
