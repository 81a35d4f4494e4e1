/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PLAIN_H
#define PLAIN_H

/*
 * UTF-8 as RFC 3629 has it, by a decoder that is as plain as can be: what the
 * scanner is compared with, by units and by fuzzing.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes at the start of p that are UTF-8, whole characters.
 */
size_t plain_utf8(const uint8_t *p, size_t len);

#endif
