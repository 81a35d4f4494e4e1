/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BUILDER_H
#define BUILDER_H

/*
 * A table in the making.  Segments lie behind each other in its arena, and
 * each may be filled by a thread of its own; in the end all keys are put into
 * the slots, and the indexes are built.  A table may have several owners, such
 * as two loads in which it is the same; the last to let go frees it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/table/origin.h"
#include "daemon/table/table.h"

struct problems;
struct table_builder;
struct table_segment;

struct table_options {
	const char *name;		/* copied by the table */
	unsigned int ways;		/* a set; 0: by size, see DEFAULT_... */
	enum table_duplicates duplicates;
	bool fold;			/* compare keys folded (fold.h) */
	bool marks;			/* with fold: and drop marks */
	bool mapped;			/* for table_segment_map() */
	const char *said_file;		/* where it is configured, for */
	unsigned int said_line;		/* problems; borrowed; NULL: nowhere */
	struct table *old;		/* what it was at the load before, or
					   NULL; borrowed */
};

/* Up to so many entries, all ways but regex and text are the default,
 * beyond it exact and prefix. */
#define TABLE_DEFAULT_ALL_MAX	500000

/*
 * Start a table.
 *
 * options  copied
 * bytes    of address space: TABLE_SEGMENT_ROOM() of each segment, or
 *          TABLE_ENTRY_ROOM() of each entry for table_builder_add()
 *
 * Returns the builder, or NULL with errno.
 */
struct table_builder *table_builder_new(const struct table_options *options,
    size_t bytes);

/*
 * Reserve the next segment: its entries come behind those of all segments
 * before it.  Not to be called by two threads at once.
 *
 * file   the file that its entries are from; borrowed until the builder is
 *        finished, copied by the table
 * bytes  the most that its entries take: TABLE_ENTRY_ROOM(key, value) each
 *
 * Returns the segment, owned by the builder; or NULL with errno.
 */
struct table_segment *table_builder_segment(struct table_builder *,
    const char *file, size_t bytes);

#define TABLE_SEGMENT_ROOM(bytes)	\
	((size_t)(bytes) + (size_t)(bytes) / 8 + 64)

/* A key may be there twice, once folded, which makes it longer. */
#define TABLE_ENTRY_ROOM(key_len, value_len)	\
	((size_t)5 * (key_len) + (value_len) + 64)

/*
 * Add an entry behind all others, starting a segment where file or line ask
 * for one: for a few entries from several files, in one thread.
 *
 * file   as for table_builder_segment()
 * line   as for table_segment_add()
 * entry  its key as the file has it and its value; both copied
 *
 * Returns as table_segment_add() does.
 */
int table_builder_add(struct table_builder *, const char *file,
    unsigned int line, const struct table_entry *entry);

/*
 * Add an entry at the end of a segment.  Each segment is filled by one
 * thread; several threads may fill several segments.
 *
 * key, key_len      as the file has it, 1 to TABLE_KEY_MAX bytes; folded here
 * value, value_len  copied, as the key
 * line              of the file, from 1 (or from the segment's first line,
 *                   see table_segment_set_line()); never falling; always 0
 *                   where the file has no lines
 *
 * Returns 0, or -1 with errno: EINVAL, ENOMEM, ENOSPC when the segment is
 * full, ENOTSUP when the table folds and fold() cannot.
 */
int table_segment_add(struct table_segment *, const char *key,
    size_t key_len, const char *value, size_t value_len, unsigned int line);

/*
 * The same for an entry with a weight.
 *
 * entry  its key as the file has it and its value; both copied
 */
int table_segment_add_weighed(struct table_segment *,
    const struct table_entry *entry, uint32_t weight, unsigned int line);

/*
 * Map a file, for entries that table_segment_refer() adds; for a table whose
 * options say mapped, once a segment.  It stays mapped as long as the table,
 * whatever becomes of its name.
 *
 * fd   open for reading; may be closed afterwards
 * len  of its bytes, for which the segment has TABLE_MAP_ROOM()
 *
 * Returns 0, or -1 with errno.
 */
int table_segment_map(struct table_segment *, int fd, size_t len);

#define TABLE_MAP_ROOM(len)	((size_t)(len) + ((size_t)128 << 10))

/*
 * Add an entry whose key and value, one behind the other, stay in the mapped
 * file; but where folding changes the key, they are copied.
 *
 * offset  of the key in the file
 *
 * The others, and what is returned, as for table_segment_add().  The line is
 * 0: the file has no lines.
 */
int table_segment_refer(struct table_segment *, size_t offset,
    const char *key, size_t key_len, const char *value, size_t value_len);

/*
 * Say which line of its file line 1 of a segment is, when that is known at
 * last: parts of a file are read at the same time.
 */
void table_segment_set_line(struct table_segment *, unsigned int first);

/*
 * Index what was added.
 *
 * builder   taken, whatever the outcome
 * threads   how many may work on it
 * problems  gets keys that came twice, as the options say, with the place of
 *           both; and what the search indexes cannot be built for
 *
 * Returns the table with one reference, the caller's, which is the old one
 * where that came out just the same; NULL with a problem.
 */
struct table *table_builder_finish(struct table_builder *builder,
    unsigned int threads, struct problems *problems);

/*
 * For a table that cannot be finished, because of other problems: just tell
 * about keys that came twice.  The builder is taken.
 */
void table_builder_check(struct table_builder *builder, unsigned int threads,
    struct problems *problems);

/*
 * Free a builder, with its segments.  NULL is allowed.
 */
void table_builder_free(struct table_builder *);

/*
 * Take one more reference, in any thread.  Returns its argument.
 */
struct table *table_ref(struct table *);

/*
 * Let go of a reference, in any thread.  NULL is allowed.
 */
void table_unref(struct table *);

/*
 * What a table was made of, as who made it says afterwards; none before that.
 * For those who load, one at a time.
 */
struct origin table_origin(const struct table *);
void table_set_origin(struct table *, struct origin);

/*
 * The bytes of memory that it takes, its indexes included and what is mapped
 * of files not.
 */
size_t table_memory(const struct table *);

#endif
