/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BLOBS_H
#define BLOBS_H

/*
 * Tables of binary entries: keys and values are any bytes, and each value
 * has a content type.
 */

#include <stddef.h>

struct conf;
struct conf_table;
struct problems;
struct source_files;
struct table;

/*
 * Make the table of the binary lines.
 *
 * old    what it was at the load before, or NULL; borrowed.  Where all files
 *        and what is said of them are as they were, none is read, and the
 *        table is the old one; as it is where it came out just the same
 * files  counts them
 *
 * Returns the table with one reference, the caller's; NULL with a problem.
 */
struct table *blobs_load_main(const struct conf *, struct table *old,
    struct source_files *files, struct problems *);

/*
 * Make the table of a directive table NAME binary PATH: of each file that it
 * names, and each regular file of the folders that it names.  A key is the
 * file's name without its folder, with %XX for the byte XX; names that begin
 * with a dot are passed over in folders.
 *
 * The others, and what is returned, as for blobs_load_main().
 */
struct table *blobs_load_table(const struct conf_table *, struct table *old,
    struct source_files *files, struct problems *);

/*
 * Take a table's value apart.
 *
 * type   its content type, JSON-escaped; borrowed from value, as bytes
 */
void blob_read(const char *value, size_t value_len, const char **type,
    size_t *type_len, const char **bytes, size_t *bytes_len);

#endif
