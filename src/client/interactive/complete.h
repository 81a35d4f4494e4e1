/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COMPLETE_H
#define COMPLETE_H

/*
 * What TAB may make of a line: commands and their words, or keys.
 */

#include <stddef.h>

struct choices;

/*
 * As line_choices_cb.
 *
 * session  a struct session
 */
void complete_line(void *session, const char *text, size_t len,
    struct choices *choices);

#endif
