/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TELL_H
#define TELL_H

/*
 * A JSON object that the daemon tells somebody: the control socket's replies
 * and the numbers of service=http.  It is built member by member, without a
 * look at each result; when memory runs out, the rest is not added and
 * tell_print() fails, so that nobody gets a part for the whole.
 *
 *	tell_init(&t);
 *	tell_text(&t, "state", "serving");
 *	tell_array(&t, "problems");
 *	tell_text(&t, NULL, "a line");
 *	tell_end(&t);
 *	error = tell_print(&t, &buf);
 *	tell_clear(&t);
 *
 * A name is a string constant, or lives as long as the object; NULL in an
 * array.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;

#define TELL_DEPTH	8	/* more than any of ours has */

struct tell {
	/* The first is owned, each other one in the one before it. */
	struct json_object *open[TELL_DEPTH];
	size_t last;		/* of them, which members are added to */
	bool failed;		/* something is missing */
};

/*
 * Begin with an object without members.
 */
void tell_init(struct tell *);

/*
 * Free it.
 */
void tell_clear(struct tell *);

/*
 * Add a member, or an element.
 *
 * text, len  copied; UTF-8, in which NUL is allowed where len is given
 * ns         nanoseconds, told as microseconds with three decimals
 */
void tell_text(struct tell *, const char *name, const char *text);
void tell_bytes(struct tell *, const char *name, const char *text, size_t len);
void tell_number(struct tell *, const char *name, uint64_t n);
void tell_integer(struct tell *, const char *name, int64_t n);
void tell_bool(struct tell *, const char *name, bool b);
void tell_us(struct tell *, const char *name, uint64_t ns);

/*
 * Add what is any bytes, where JSON is UTF-8: what is none of it is escaped,
 * as escape() does.
 */
void tell_any(struct tell *, const char *name, const char *bytes, size_t len);

/*
 * The same of the name of a file.
 */
void tell_path(struct tell *, const char *name, const char *path);

/*
 * Add an object or array, and add to that until its tell_end().
 */
void tell_object(struct tell *, const char *name);
void tell_array(struct tell *, const char *name);
void tell_end(struct tell *);

/*
 * Append the whole as JSON on one line, as json-c spells it with spaces and
 * plain slashes.
 *
 * Returns 0, or -1 when memory was or is out; what the buffer had before is
 * still there then, what is behind that is of no use.
 */
int tell_print(const struct tell *, struct buf *);

#endif
