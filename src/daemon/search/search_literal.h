/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SEARCH_LITERAL_H
#define SEARCH_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_PATTERN_MAX	1024	/* bytes of a regular expression */

/*
 * A string that every match of a regular expression holds, if one can be
 * told for sure.
 *
 * caseless   only ASCII, and made lower case
 * out        of len bytes
 * at_start   set: each match is at the start of the key, with the string
 *
 * Returns its length, 0 for none.
 */
size_t search_literal(const char *pattern, size_t len, bool caseless,
    uint8_t *out, bool *at_start);

#endif
