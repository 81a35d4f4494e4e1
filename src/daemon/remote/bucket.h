/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BUCKET_H
#define BUCKET_H

/*
 * How a published table lies in Redis: what who publishes and who reads must
 * have alike, on every machine.
 *
 * Its entries are in buckets, each a hash of about BUCKET_ENTRIES of them:
 *
 *	PREFIX NUMBER ":" BUCKET	KEY -> VALUE, ..., "" -> BUCKET
 *
 * BUCKET is bucket_hash(KEY) % the number of buckets, KEY as it is compared,
 * folded where the table folds; VALUE is the answer as a reply has it, JSON-
 * escaped by appmsg_escape().  The field "", which no key can be, is the seal:
 * it is written with the entries by one command, so that a bucket without it
 * is lost, not empty, and a miss is known to be one.  It names the bucket, since
 * nothing else in a reply says what it is the reply to.
 *
 * NUMBER is a clock's milliseconds when it was published, or one more than the
 * last one.  Which one is read a pointer says, a hash kept in three places,
 * PREFIX "point:" TAG, whose slots are in the three thirds of all slots.  Each
 * time it is written it has a higher generation, a rollback included; of those
 * that can be read the highest counts.
 *
 * PREFIX has no { and no }, so that a name's slot is that of all its bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define BUCKET_ENTRIES	32
#define BUCKET_MAX	((uint64_t)1 << 40)	/* buckets of a table */
#define BUCKET_PREFIX_MAX	256
#define BUCKET_NAME_MAX	(BUCKET_PREFIX_MAX + 48)	/* of any name here */

#define BUCKET_SEAL_FIELD	""
#define BUCKET_SEAL_MAX	24	/* bytes of a seal, and more */

/*
 * The hash of a key: XXH3, 64 bits, seed 0.  Not table_hash(), whose seed is
 * of one process.
 */
uint64_t bucket_hash(const char *key, size_t len);

/*
 * How many buckets so many entries have: 1 at least.
 */
uint64_t bucket_count(uint64_t entries);

/* What the names of a table's buckets begin with. */
struct bucket_base {
	char name[BUCKET_NAME_MAX];
	size_t len;
	uint16_t crc;		/* slotmap_crc16() of them */
};

/*
 * prefix  of at most BUCKET_PREFIX_MAX bytes
 */
void bucket_base_set(struct bucket_base *, const char *prefix,
    uint64_t number);

/*
 * The name of a bucket.
 *
 * name  of BUCKET_NAME_MAX bytes; no NUL is put behind it
 * slot  set to the cluster's slot that it is in; may be NULL
 *
 * Returns its length.
 */
size_t bucket_name(const struct bucket_base *, uint64_t bucket, char *name,
    unsigned int *slot);

/*
 * That slot alone.
 */
unsigned int bucket_slot(const struct bucket_base *, uint64_t bucket);

/*
 * The seal of a bucket.
 *
 * seal  of BUCKET_SEAL_MAX bytes; no NUL is put behind it
 *
 * Returns its length.
 */
size_t bucket_seal(uint64_t bucket, char *seal);

/*
 * Other names, of a prefix: a pointer, one of BUCKET_POINTS; the lock that who
 * publishes has; and the record of what he has begun, by which the next one
 * removes what is unfinished.
 *
 * name  of BUCKET_NAME_MAX bytes, and NUL behind it
 *
 * Each returns the name's length.
 */
size_t bucket_point_name(const char *prefix, unsigned int which, char *name);
size_t bucket_lock_name(const char *prefix, char *name);
size_t bucket_record_name(const char *prefix, char *name);

#define BUCKET_POINTS	3

/*
 * Append the request that asks a bucket for a key: HMGET BUCKET KEY "".
 *
 * Returns 0, or -1 when out of memory.
 */
int bucket_ask(struct buf *, const struct bucket_base *, uint64_t bucket,
    const char *key, size_t len);

/* What comes of a lookup. */
enum bucket_result {
	BUCKET_FOUND,
	BUCKET_MISSED,		/* it has a seal, and not the key */
	BUCKET_LOST,		/* it has no seal: nothing is known */
	BUCKET_OTHER,		/* it is of another one: the connection is out
				   of step */
	BUCKET_BROKEN		/* an error (resp.h), or nothing of the kind,
				   or no value that a reply could have */
};

/*
 * Judge the reply to it.
 *
 * bucket      that was asked
 * reply, len  found whole by resp_measure()
 * value       of BUCKET_FOUND: in the reply, UTF-8, and such as
 *             appmsg_escape() leaves it
 */
enum bucket_result bucket_judge(uint64_t bucket, const char *reply,
    size_t len, const char **value, size_t *value_len);

/*
 * Whether a text is valid inside of a JSON string, and just what
 * appmsg_escape() would make of what it says.
 */
bool bucket_is_escaped(const char *text, size_t len);

/* A table that was published. */
struct bucket_table {
	uint64_t number;	/* of its buckets; 0: there is none */
	uint64_t buckets;
	uint64_t entries;
	bool fold;
	char digest[65];	/* of its entries, printable ASCII; "": unknown */
	char published[33];	/* when, ISO 8601 in UTC */
};

/* What a pointer says. */
struct bucket_point {
	uint64_t generation;	/* 0: nothing was published */
	struct bucket_table now;
	struct bucket_table before;	/* kept to go back to */
};

/*
 * Append the request that asks for a pointer (HMGET), the one that writes it
 * (HSET).
 *
 * name  by bucket_point_name()
 *
 * Return 0, or -1 when out of memory.
 */
int bucket_point_ask(struct buf *, const char *name);
int bucket_point_write(struct buf *, const char *name,
    const struct bucket_point *);

/*
 * Read the reply to bucket_point_ask().
 *
 * reply, len  found whole by resp_measure()
 * point       zeroed where there is none
 *
 * Returns 0; -1: it is an error, or no pointer that is known here.
 */
int bucket_point_take(struct bucket_point *point, const char *reply,
    size_t len);

#endif
