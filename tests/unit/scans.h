/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SCANS_H
#define SCANS_H

/*
 * What the scanner takes, for tests.  Every text lies in memory of just its
 * size, so that the address sanitizer sees a byte read too far.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether a text is one value. */
bool scans_value(const char *p, size_t len);

/* Whether it is an object, by a walk over its members. */
bool scans_object(const char *p, size_t len);

/* Whether an object that has it as the value of a member is one. */
bool scans_member_value(const char *p, size_t len);

#endif
