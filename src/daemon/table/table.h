/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLE_H
#define TABLE_H

/*
 * An immutable table of answers: built once, then read by any number of
 * threads without a lock.
 *
 * Keys and values lie behind each other in one arena, a reserved range of
 * addresses that several threads fill at once, a segment each; the order of
 * addresses is the order of the files and their lines.  The index is an open
 * addressing table of 8-byte slots, each an arena offset and some bits of
 * the key's hash, so that a miss rarely touches the arena.  Which file and
 * line an entry is from, is kept for each 256th and counted on from there.
 * What a value is, is the business of who builds the table: answers are kept
 * JSON-escaped, as they are sent.
 *
 * A table may leave keys and values in files that are mapped: then the arena
 * has only a few bytes of numbers an entry.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;			/* index.h */
struct problems;
struct table;
struct table_builder;
struct table_segment;

#define TABLE_KEY_MAX	1024	/* bytes of a key; 1 is the least */

/* The ways to search, and sets of them. */
enum table_way {
	TABLE_EXACT,
	TABLE_PREFIX,
	TABLE_SUFFIX,
	TABLE_SUBSTRING,
	TABLE_FUZZY,
	TABLE_REGEX,
	TABLE_WAYS
};
#define TABLE_WAY(way)	(1u << (way))

/* What to do with a key that comes again. */
enum table_duplicates {
	TABLE_DUPLICATES_ERROR,
	TABLE_DUPLICATES_FIRST,	/* the first one counts */
	TABLE_DUPLICATES_LAST
};

struct table_options {
	const char *name;		/* borrowed for the table's life */
	unsigned int ways;		/* a set; 0: by size, see DEFAULT_... */
	enum table_duplicates duplicates;
	bool fold;			/* compare keys folded (fold.h) */
	bool mapped;			/* for table_segment_map() */
	const char *said_file;		/* where it is configured, for */
	unsigned int said_line;		/* problems; borrowed; NULL: nowhere */
};

/* Up to so many entries, all ways but regex are the default, beyond it
 * exact and prefix. */
#define TABLE_DEFAULT_ALL_MAX	500000

/* An entry as it lies in the arena or in a mapped file; borrowed as long as
 * the table. */
struct table_entry {
	const char *key;	/* what is compared: folded where fold is on */
	size_t key_len;
	const char *shown;	/* the key as the file has it */
	size_t shown_len;
	const char *value;
	size_t value_len;
};

/* Where an entry was; its id.  Ids rise with files and lines. */
typedef uint64_t table_id;

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
 * file   the file that its entries are from; borrowed for the table's life
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
 * file  as for table_builder_segment()
 *
 * The others, and what is returned, as for table_segment_add().
 */
int table_builder_add(struct table_builder *, const char *file,
    const char *key, size_t key_len, const char *value, size_t value_len,
    unsigned int line);

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
 * Returns the table, owned by the caller, table_free(); NULL with a problem.
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
 * Free a table.  NULL is allowed.
 */
void table_free(struct table *);

/*
 * Find the entry with a key; for a table with fold, already folded.
 *
 * entry  filled when there is one
 *
 * Returns its id, or TABLE_NO_ID.
 */
table_id table_find(const struct table *, const char *key, size_t key_len,
    struct table_entry *entry);

#define TABLE_NO_ID	UINT64_MAX

/*
 * The hash of a key, the same for all tables; as long as there is a table.
 */
uint64_t table_hash(const char *key, size_t key_len);

/*
 * table_find() with the key's hash in hand.
 */
table_id table_find_hashed(const struct table *, uint64_t hash,
    const char *key, size_t key_len, struct table_entry *entry);

/*
 * For who has several keys to find: call the first for each of them, the
 * second for each, then table_find_hashed() for each, so that the waiting
 * for memory overlaps.
 */
void table_prefetch(const struct table *, uint64_t hash);
void table_prefetch_entry(const struct table *, uint64_t hash);

/*
 * The entry with an id.
 */
void table_entry(const struct table *, table_id, struct table_entry *);

/*
 * Walk all entries in order; those that another one replaced are passed
 * over.
 *
 * id  where the walk is; TABLE_NO_ID at first
 *
 * Returns whether there was one more, with id and entry set.
 */
bool table_next(const struct table *, table_id *id, struct table_entry *);

/*
 * Cut the walk into parts for several threads.
 *
 * part  0 to parts
 *
 * Returns the id of the first entry of a part; a part ends where the next
 * one starts, the last with TABLE_NO_ID.
 */
table_id table_part(const struct table *, unsigned int part,
    unsigned int parts);

/*
 * Where an entry stands; line is 0 where the file has no lines.
 */
void table_locate(const struct table *, table_id, const char **file,
    unsigned int *line);

/*
 * Which of its file's entries one is, from 1: where a file has no lines.
 */
size_t table_record(const struct table *, table_id id);

const char *table_name(const struct table *);
bool table_folds(const struct table *);
size_t table_key_max(const struct table *);	/* bytes, once folded */
unsigned int table_ways(const struct table *);	/* the set, never 0 */
const struct index *table_index(const struct table *);	/* NULL: exact only */
size_t table_count(const struct table *);

/*
 * The bytes of memory that it takes, its indexes included and what is mapped
 * of files not.
 */
size_t table_memory(const struct table *);

#endif
