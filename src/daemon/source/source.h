/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SOURCE_H
#define SOURCE_H

/*
 * Tables from files: by their ending .tsv, .csv, .json, .jsonl or .cdb.  What is
 * wrong inside of a text file is told with its line; what is wrong with a
 * file as a whole, or with a record of a .cdb, with the directive's place and
 * the file's path.
 *
 * A table whose options say mapped is of .cdb files only, and has them mapped
 * as long as it lives.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/builder/builder.h"

struct problems;

/*
 * Whether keys can be folded, if a table's options say so; if not, that is a
 * problem at the place of its directive.
 */
bool source_can_fold(const struct table_options *options,
    struct problems *problems);

/* Counts of files, which a load adds to. */
struct source_files {
	size_t all;
	size_t read;		/* the others are as they were */
};

/* What a table directive says. */
struct source {
	struct table_options options;
	const char *const *paths;	/* n of them, in order */
	size_t n_paths;
	const char *said_file;		/* the directive's place, for problems */
	unsigned int said_line;
	const struct table_columns *columns;	/* of .csv files; NULL: nothing
						   is said */
	struct source_files *files;	/* NULL: nobody counts */
};

/* Called now and then during a long load, from the thread that loads. */
struct source_progress {
	void (*cb)(const char *table, uint64_t done, uint64_t all, void *arg);
	void *arg;			/* done and all are bytes read */
};

/*
 * Load a table.  Its options may have the old one: where that is of the same
 * files, and they are as they were when it read them, they are not read, and
 * the table is the old one.
 *
 * threads   how many may work on it, at least 1; the table is the same for
 *           any number
 * progress  NULL: nobody wants to know
 * problems  gets all that is wrong, with file and line
 *
 * Returns the table with one reference, the caller's; NULL with a problem.
 */
struct table *source_load(const struct source *source, unsigned int threads,
    const struct source_progress *progress, struct problems *problems);

#endif
