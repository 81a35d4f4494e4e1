/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_SOURCE_H
#define HTTP_SOURCE_H

/*
 * Where the pages have their numbers from: the report of now, and what came of
 * one every second for an hour.
 */

#include "daemon/http/http_stream.h"
#include "daemon/report/report.h"

struct event_base;
struct http_source;

/*
 * Begin to look.
 *
 * report  makes the numbers of now, which are borrowed until control returns
 *         to the loop; called with arg, and count as http.h has it
 *
 * Returns it, owned by the caller, http_source_free(); or NULL when out of
 * memory.
 */
struct http_source *http_source_new(struct event_base *,
    struct report (*report)(const void *arg, bool count), const void *arg);

/*
 * Look no more.  NULL is allowed.
 */
void http_source_free(struct http_source *);

/*
 * What a turn is given; borrowed as long as the source.
 */
const struct http_numbers *http_source_numbers(const struct http_source *);

#endif
