/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CDBS_H
#define CDBS_H

/*
 * The bytes of .cdb files, as cdb_make() would write them, for tests that
 * want them whole, odd or damaged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdb_slot;

struct cdb_bytes {
	char *p;		/* owned */
	size_t len;
	size_t cap;
	struct cdb_slot *slots;	/* owned */
	size_t n;
	size_t cap_slots;
};

/*
 * Start anew; the struct is zeroed, or was used before.
 */
void cdb_start(struct cdb_bytes *);

/*
 * Add a record.
 *
 * indexed  whether a hash table has it
 */
void cdb_put(struct cdb_bytes *, const char *key, size_t key_len,
    const char *answer, size_t len, bool indexed);

/*
 * Write the hash tables: p and len are the file's from now on.
 */
void cdb_finish(struct cdb_bytes *);

void cdb_clear(struct cdb_bytes *);

#endif
