/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUEST_H
#define REQUEST_H

/*
 * Requests, right and wrong ones, out of their parts.
 */

#include <stddef.h>

/* What stands for the length of the content, and for a long text. */
#define REQUEST_LENGTH	'@'
#define REQUEST_LONG	'~'

/* What is asked for in all that has no reason to ask for something else. */
#define REQUEST_RING	"{\"action\": \"search\", \"value\": \"ring\"}"
#define REQUEST_HEADER \
	"{\"byteorder\": \"little\", \"content-type\": \"text/json\", " \
	"\"content-encoding\": \"utf-8\", \"content-length\": @}"
/* The same with more members. */
#define REQUEST_WITH(members) \
	"{\"byteorder\": \"little\", \"content-type\": \"text/json\", " \
	"\"content-encoding\": \"utf-8\", \"content-length\": @, " members "}"

struct request_parts {
	const char *header;	/* NULL: REQUEST_HEADER */
	const char *content;	/* NULL: REQUEST_RING */
	size_t content_len;	/* 0: up to its NUL */
	size_t n_long;		/* letters of a long text */
};

struct request {
	char *data;		/* owned */
	size_t len;
	size_t head;		/* bytes before the content */
};

/*
 * Put one together.
 *
 * Returns 0, or -1 when out of memory.
 */
int request_make(struct request *, const struct request_parts *);

void request_clear(struct request *);

#endif
