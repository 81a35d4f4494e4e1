/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_JSONC_H
#define FUZZ_JSONC_H

/*
 * json-c at its strictest, JSON_TOKENER_STRICT and JSON_TOKENER_VALIDATE_UTF8,
 * and what it does in a way of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct appmsg_str;
struct json_object;

/* json-c counts a scalar as a level too. */
#define JSONC_DEPTH	(APPMSG_DEPTH_MAX + 2)

/*
 * Parse all of an input.
 *
 * obj  set in any case, json_object_put(); NULL is for null
 *
 * Returns whether it is a value.
 */
bool jsonc_read(const uint8_t *data, size_t len, struct json_object **obj);

/*
 * Whether the json-c that is there refuses what may be JSON.
 */
bool jsonc_refuses(const uint8_t *data, size_t len);

/*
 * Whether json-c decodes a string to its text.
 */
bool jsonc_decodes(const struct appmsg_str *, const char *text, size_t len);

#endif
