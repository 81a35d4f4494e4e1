/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

/*
 * Files for harnesses, in a folder that goes when the program ends, and the
 * tables that requests are answered from.  None of it fails: what cannot be
 * done ends the program.
 */

#include <stddef.h>

struct generation;

/*
 * The path of a file with a name in the folder; static, until the next call.
 */
const char *files_path(const char *name);

/*
 * Write a file of the folder.
 */
void files_write(const char *name, const void *data, size_t len);

/*
 * Have a file of the folder removed at the end, which somebody else made.
 */
void files_keep(const char *name);

/*
 * Remove a file of the folder, if it is there.
 */
void files_remove(const char *name);

/*
 * Some tables, loaded when they are asked for the first time:
 *
 *	0	all kinds of keys and answers, binary entries
 *	1	tables that fold, and keys that several tables have
 *	2	one that is so large that its memory is fetched ahead, with
 *		the keys k0 to k10007
 *	3	none
 */
#define FILES_TABLES	4
struct generation *files_tables(unsigned int which);

#endif
