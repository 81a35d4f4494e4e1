/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef USAGE_H
#define USAGE_H

/*
 * What --help and --version print, and what a wrong call is told.
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

/*
 * Tell on standard error what is wrong with a call, and leave the program with
 * 64.
 */
void usage_fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

#endif
