/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_LENGTH_H
#define APPMSG_LENGTH_H

/*
 * The bytes before each header, APPMSG_LENGTH_SIZE of them, which say how long
 * it is: the most significant one comes first.
 */

#include <stddef.h>
#include <stdint.h>

static inline size_t
length_get(const char *p)
{
	const uint8_t *u = (const uint8_t *)p;

	return (size_t)u[0] << 8 | u[1];
}

static inline void
length_put(char *p, size_t len)
{
	p[0] = (char)(len >> 8);
	p[1] = (char)len;
}

#endif
