/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FOLDER_H
#define FOLDER_H

/*
 * One temporary folder for a test program, for what it must read from files.
 */

#include <stddef.h>

/*
 * Make the folder, and remove it with all that is in it: what a group of
 * cmocka takes as its setup and teardown.
 */
int folder_setup(void **state);
int folder_teardown(void **state);

/*
 * The path of a name in the folder.
 *
 * Returns it, valid until the eighth call from now.
 */
const char *folder_path(const char *name);

/*
 * Write a file, replacing what is there.
 *
 * Returns its path, as folder_path() does.
 */
const char *folder_write(const char *name, const void *bytes, size_t len);

/*
 * The same with a text.
 */
const char *folder_write_text(const char *name, const char *text);

#endif
