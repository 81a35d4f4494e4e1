/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LASTING_H
#define LASTING_H

/*
 * What an error of the system's says of the next try.
 */

#include <stdbool.h>

/*
 * Whether an errno lasts until somebody changes a configuration, a folder or
 * rights: trying again is no use.  Others, such as an address in use or want
 * of memory, may pass by themselves.
 */
bool error_lasts(int error);

#endif
