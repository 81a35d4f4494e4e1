/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_QUERY_H
#define HTTP_QUERY_H

/*
 * What a target asks the tables for: bytes between percent signs to UTF-8, and
 * names with values, read strictly.  What is not understood is not passed over,
 * since whoever wrote it would take the answer for one to what he meant.
 *
 * All of it is a function of the bytes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/http_head.h"
#include "daemon/table/way.h"

/* The parameters, by their place in http_params. */
enum http_param {
	HTTP_PARAM_Q,
	HTTP_PARAM_MATCH,
	HTTP_PARAM_TABLE,
	HTTP_PARAM_LIMIT,
	HTTP_PARAM_DISTANCE,
	HTTP_PARAM_AFTER,
	HTTP_PARAM_ORDER,
	HTTP_PARAM_EXPLAIN,
	HTTP_PARAMS
};

#define HTTP_PARAM(p)	(1U << (p))

struct http_params {
	struct http_text text[HTTP_PARAMS];	/* data NULL: absent */
	unsigned int has;		/* of HTTP_PARAM() */
	enum table_way way;
	unsigned int distance;		/* 0: nothing is said */
	size_t limit;
	bool by_weight;
	bool explain;
};

/*
 * Decode a part of a target.
 *
 * plus  a plus sign stands for a blank, as forms write it
 * to    of from.len bytes, which may be those of from
 * out   set to what stands there then
 *
 * Returns NULL; or what is wrong: an escape, or bytes that are no UTF-8.
 */
const char *http_decode(struct http_text from, bool plus, char *to,
    struct http_text *out);

/*
 * Read the part of a target behind its question mark.
 *
 * query   data NULL: there is none
 * known   the parameters that there may be, of HTTP_PARAM()
 * room    of query.len bytes; gets the values, which are borrowed from it
 * params  set; where one is absent, to what the protocol takes then
 *
 * Returns NULL; or what is wrong, with *code set to the protocol's word for
 * it.
 */
const char *http_params_read(struct http_text query, unsigned int known,
    char *room, struct http_params *params, const char **code);

#endif
