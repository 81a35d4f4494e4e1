/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HTTP_HOST_H
#define HTTP_HOST_H

/*
 * What a request calls the host that it is for.
 */

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether bytes are a host as RFC 9110 7.2 writes it, with a port or without;
 * a name may be empty.
 */
bool http_host_is_valid(const char *, size_t);

/*
 * Whether they are an address or localhost, with any port, and no more: what
 * is lenient here, a browser may read as another's name.
 */
bool http_host_is_address(const char *, size_t);

#endif
