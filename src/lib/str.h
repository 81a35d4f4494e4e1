/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_STR_H
#define APPMSG_STR_H

/*
 * Strings of JSON, beside what appmsg.h says of them; for this library alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "appmsg.h"
#include "siphash.h"

/*
 * Whether two strings, of which any may have escapes, are the same text.
 */
bool str_same(const struct appmsg_str *, const struct appmsg_str *);

/*
 * Whether a string begins with some text.
 */
bool str_begins(const struct appmsg_str *, const char *text, size_t len);

/*
 * Whether a string is the same text as those parts one behind the other.
 */
bool str_is_joined(const struct appmsg_str *, const struct appmsg_str *parts,
    size_t n);

/*
 * A hash of what a string stands for, however that is spelled.
 */
uint64_t str_hash(const struct appmsg_str *, struct siphash_key);

#endif
