/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SOURCE_CSV_H
#define SOURCE_CSV_H

/*
 * Records of a .csv, and what the first one says of the others; nobody else
 * includes this.
 *
 * A record is fields with a separator between them, up to the end of a line
 * (LF or CR LF).  A field in quotes may have separators, ends of lines and
 * doubled quotes in it.  That is RFC 4180; what is not is a fault, and no
 * guess is made.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_file;
struct source_load;

/* A field as it stands there, without the quotes around it. */
struct source_field {
	const char *p;
	size_t len;
	bool doubled;		/* has quotes, each of them doubled */
};

/* Where the reading of a record is. */
struct source_record {
	const char *p;		/* the next field; in the end, what follows */
	const char *end;	/* of the bytes in hand */
	const char *eol;	/* the end of the line in hand, or end */
	bool last;		/* nothing follows them */
	char separator;
	bool more;		/* the record has one more field */
	bool crossed;		/* a field went over the end of a line */
	/* Of a fault: what, and where; and where the field in quotes began
	 * that it is about, or NULL.  One that does not end is wrong where it
	 * began, and has taken all. */
	const char *why;
	const char *at;
	const char *opened;
};

enum source_step {
	SOURCE_FIELD,		/* there is one */
	SOURCE_SHORT,		/* more bytes are needed to know: start again */
	SOURCE_FAULT
};

/*
 * Begin to read a record at p; separator, end and last are set.
 */
void source_record_start(struct source_record *, const char *p);

/*
 * Read its next field.  With more false, it was the last, and p is behind the
 * record's end.
 */
enum source_step source_record_next(struct source_record *,
    struct source_field *);

/*
 * A field's text, its quotes single.
 *
 * out  of field->len bytes; not needed where none is doubled
 *
 * Returns its length; *text is out, or where the field stands.
 */
size_t source_field_text(const struct source_field *, char *out,
    const char **text);

#define SOURCE_NO_COLUMN	SIZE_MAX

/* What a file begins with. */
struct source_csv {
	char separator;
	size_t n_columns;	/* of each record; 0: there is none */
	size_t key, answer;	/* from 0 */
	size_t weight;		/* likewise; SOURCE_NO_COLUMN: none */
	bool whole;		/* the answer is all columns */
	char **names;		/* owned, n_columns of them; whole only: what
				   stands before each column, escaped twice */
	size_t extra;		/* bytes of such an answer beside values */
	uint64_t body;		/* where the records begin */
	unsigned int lines;	/* before that */
	bool bad;		/* something is wrong with it */
	char *why;		/* owned: what; NULL: memory was out */
	unsigned int why_line;
};

/* What stands behind the last column, escaped twice. */
#define SOURCE_CSV_END	"\\\"}"

/*
 * See what a file begins with: source_format.open.
 */
int source_csv_open(const struct source_load *, struct source_file *, int fd);

/* NULL is allowed. */
void source_csv_free(struct source_csv *);

/*
 * The most that a range becomes in the arena.
 */
size_t source_csv_room(const struct source_csv *, size_t bytes);

#endif
