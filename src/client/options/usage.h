/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef USAGE_H
#define USAGE_H

/*
 * What --help and --version print.
 */

/*
 * Print how the program is used, and leave it: with 0, or with 74 when
 * standard output fails, which is told.
 */
void usage_help(void) __attribute__((noreturn));

/*
 * The same with the version.
 */
void usage_version(void) __attribute__((noreturn));

#endif
