/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_SEARCH_H
#define HTTP_SEARCH_H

/*
 * What service=http serves with search=yes, to people and their programs:
 *
 *	/search		a page with a field that finds; and so has /
 *	/v1/search	matches, as the protocol's contents have them
 *	/v1/key/KEY	an answer, as text
 *	/v1/tables	which tables there are
 *	/healthz	whether answers are served
 *
 * It is a service of the workers, as messages are: a request is read here, and
 * what comes of it is the core's, with its limits, slices, slots, numbers and
 * lines.
 */

struct session_service;

extern const struct session_service http_search;

#endif
