/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SAID_H
#define SAID_H

/*
 * A reply from the control socket.  Whoever listens there may be another than
 * the daemon, and appmsgctl is run by root on terminals: nothing in a reply is
 * taken for what it is not, and nothing in it moves a cursor.
 */

#include <stdbool.h>
#include <stddef.h>

struct appmsg_str;
struct json_object;

/*
 * The exit status for a reply's "status".
 */
int said_exit(const struct appmsg_str *status);

/*
 * Read one.
 *
 * content, len  any bytes
 * wrong         what is wrong with it; set when NULL is returned
 *
 * Returns an object with a "result" for said_print(), owned by the caller,
 * json_object_put(); or NULL.
 */
struct json_object *said_read(const char *content, size_t len,
    const char **wrong);

/*
 * Print it for people: problems as they are, then what it comes to.
 *
 * ok  it was done, so that the latter is no error
 */
void said_print(struct json_object *, bool ok);

/*
 * Print all of it as JSON, on one line of standard output.
 *
 * Returns 0, or -1 when out of memory.
 */
int said_print_json(struct json_object *);

#endif
