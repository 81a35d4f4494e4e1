/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef OUTPUT_H
#define OUTPUT_H

/*
 * Everything that is printed.  Bytes that came over the network never reach
 * a terminal as they are.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;
struct reply;

/*
 * Print bytes as they are; on a terminal, printable text, newlines and TABs
 * as they are and the rest escaped.
 */
void output_bytes(FILE *file, const char *data, size_t len);

/*
 * Print bytes escaped so that they are a field of one line, as escape.h says.
 */
void output_field(FILE *file, const char *data, size_t len);

/*
 * Print on standard error what is there to tell what a message is about: the
 * start of it where it is long, then how long it is.
 *
 * is_field  as output_field(), else as output_bytes()
 */
void output_start(const char *data, size_t len, bool is_field);

/*
 * Print a newline, but not after bytes that end in one.
 */
void output_end_line(FILE *file, const char *data, size_t len);

/*
 * Print a C string of our own.
 */
void output_text(FILE *file, const char *text);

/*
 * Write what was printed on standard output so far: where both streams meet,
 * what comes on standard error must come after it.  No line of progress is in
 * its way.
 */
void output_flush(void);

/*
 * Is it a terminal?
 */
bool output_is_terminal(FILE *file);

/*
 * Add a value to a JSON object.
 *
 * value  taken; NULL: there was no memory for it
 *
 * Returns 0, or -1 when there is no memory.
 */
int output_json_add(struct json_object *object, const char *name,
    struct json_object *value);

/*
 * Add bytes to a JSON object: as a string where they are UTF-8, else as null
 * and a further member "NAME-base64".
 *
 * Returns 0, or -1 when there is no memory.
 */
int output_json_bytes(struct json_object *object, const char *name,
    const char *data, size_t len);

/*
 * Print what came for a key as a JSON object on a line of its own.
 *
 * key  NULL for null
 *
 * Returns 0, or -1 when there is no memory.
 */
int output_json_reply(const char *key, size_t key_len,
    const struct reply *reply);

/*
 * Print what came for the action "tables", likewise.
 */
int output_json_tables(const struct reply *reply);

/*
 * Add what a reply has beside its text, as the protocol has it.
 *
 * Returns 0, or -1 when there is no memory.
 */
int output_json_more(struct json_object *object, const struct reply *reply);

/*
 * Print a JSON object on a line of its own.
 *
 * Returns 0, or -1 when there is no memory.
 */
int output_json(struct json_object *object);

/*
 * Has something that was printed on standard output been lost so far?
 */
bool output_has_failed(void);

/*
 * Write what is left and close standard output.
 *
 * Returns 0, or -1 when something was lost, which is told.
 */
int output_close(void);

#endif
