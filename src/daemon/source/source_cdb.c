/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Constant databases as of tinycdb and djb's cdb: 256 pairs of position and
 * length of hash tables, the records, the hash tables.  Their records are
 * walked by our own lines, since the libraries map the file and trust it.
 *
 * Nothing in a cdb says that it is whole, so records and hash tables are held
 * against each other: sums over (hash, position) of both must be equal.  A
 * record that was replaced ("cdb -c -0") is zeros and in no hash table.  Hash
 * tables do not overlap, so that no byte is read twice, whatever the header
 * says.
 *
 * For a mapped table, too, the file is read: what is cut short meanwhile is
 * an error, not the process's end.  What can be sent as it is, then stays in
 * the file; an answer that must be escaped is copied.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/quote.h"
#include "daemon/builder/builder.h"
#include "lib/scan.h"

#define TABLES		256
#define HEAD_LEN	8	/* two numbers of 4 bytes each */
#define HEADER_LEN	((uint64_t)TABLES * HEAD_LEN)
#define FILE_MAX	UINT32_MAX	/* positions have 4 bytes */

struct cdb {
	struct source_job *job;
	struct source_reader reader;
	bool mapped;
	uint64_t size;
	uint64_t records_end;
	uint32_t position[TABLES];
	uint32_t slots[TABLES];
	uint64_t sum;		/* of records less that of slots */
};

static uint32_t
number(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
	    (uint32_t)u[3] << 24;
}

/* The hash that the format prescribes. */
static uint32_t
cdb_hash(const char *key, size_t len)
{
	uint32_t h = 5381;

	for (size_t i = 0; i < len; i++)
		h = ((h << 5) + h) ^ (unsigned char)key[i];
	return h;
}

/* One pair's share of a sum: any change changes about half of its bits. */
static uint64_t
mix(uint32_t hash, uint32_t position)
{
	uint64_t x = (uint64_t)hash << 32 | position;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static bool
is_zeros(const char *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* A hash table's place, to be sorted. */
struct place {
	uint64_t from, to;
};

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Hash tables that have slots. */
static bool
cdb_overlaps(const struct cdb *cdb)
{
	struct place places[TABLES];
	size_t n = 0;

	for (unsigned int i = 0; i < TABLES; i++)
		if (cdb->slots[i] > 0)
			places[n++] = (struct place){ cdb->position[i],
			    cdb->position[i] +
			    (uint64_t)cdb->slots[i] * HEAD_LEN };
	qsort(places, n, sizeof(*places), place_cmp);
	for (size_t i = 1; i < n; i++)
		if (places[i].from < places[i - 1].to)
			return true;
	return false;
}

static int
cdb_header(struct cdb *cdb)
{
	const char *p;

	if (cdb->size < HEADER_LEN) {
		source_fail(cdb->job, "damaged: shorter than its header");
		return -1;
	}
	if (cdb->size > FILE_MAX) {
		source_fail(cdb->job, "larger than a cdb file can be");
		return -1;
	}
	source_reader_init(&cdb->reader, cdb->job, 0, HEADER_LEN);
	if ((p = source_reader_need(&cdb->reader, HEADER_LEN)) == NULL)
		return -1;
	/* A file that a crash left empty; an empty cdb has positions. */
	if (is_zeros(p, HEADER_LEN)) {
		source_fail(cdb->job, "damaged: nothing but zeros");
		return -1;
	}
	cdb->records_end = cdb->size;
	for (unsigned int i = 0; i < TABLES; i++, p += HEAD_LEN) {
		uint64_t position = number(p), slots = number(p + 4);

		/* What some tools write as an empty one's position is 0. */
		if (slots == 0)
			continue;
		if (position < HEADER_LEN || position > cdb->size ||
		    slots * HEAD_LEN > cdb->size - position) {
			source_fail(cdb->job, "damaged: a hash table outside "
			    "of the file");
			return -1;
		}
		cdb->position[i] = (uint32_t)position;
		cdb->slots[i] = (uint32_t)slots;
		if (position < cdb->records_end)
			cdb->records_end = position;
	}
	if (cdb_overlaps(cdb)) {
		source_fail(cdb->job, "damaged: hash tables overlap");
		return -1;
	}
	return 0;
}

/* Map the records, if that is wanted. */
static int
cdb_map(struct cdb *cdb)
{
	struct source_job *job = cdb->job;

	if (!cdb->mapped || table_segment_map(job->segment, job->file->fd,
	    (size_t)cdb->records_end) == 0)
		return 0;
	source_fail(job, strerror(errno));
	return -1;
}

/* at is where the key is in the file. */
static void
cdb_record(struct cdb *cdb, uint64_t at, const char *key, size_t key_len,
    const char *answer, size_t len)
{
	struct source_job *job = cdb->job;
	char quoted[QUOTE_SIZE];

	quote(quoted, key, key_len);
	if (key_len == 0 || key_len > TABLE_KEY_MAX)
		source_complain(job, 0, "\"%s\": a key has 1 to %d bytes, not "
		    "%zu", quoted, TABLE_KEY_MAX, key_len);
	else if (scan_utf8(key, key_len) != key_len)
		source_complain(job, 0, "the key \"%s\" is not UTF-8", quoted);
	else if (scan_utf8(answer, len) != len)
		source_complain(job, 0, "the answer of \"%s\" is not UTF-8",
		    quoted);
	else if (!source_is_plain(answer, len))
		source_add_text(job, key, key_len, answer, len, 0);
	else if (!cdb->mapped)
		source_add(job, key, key_len, answer, len, 0);
	else if (table_segment_refer(job->segment, (size_t)at, key, key_len,
	    answer, len) != 0)
		source_fail(job, strerror(errno));
}

static int
cdb_records(struct cdb *cdb)
{
	struct source_reader *r = &cdb->reader;
	uint64_t at = HEADER_LEN, left, key_len, len;
	const char *p;

	source_reader_init(r, cdb->job, at, cdb->records_end);
	for (; at < cdb->records_end; at += HEAD_LEN + key_len + len) {
		left = cdb->records_end - at;
		if (left >= HEAD_LEN) {
			if ((p = source_reader_need(r, HEAD_LEN)) == NULL)
				return -1;
			key_len = number(p);
			len = number(p + 4);
		}
		if (left < HEAD_LEN || key_len + len > left - HEAD_LEN) {
			source_fail(cdb->job, "damaged: a record reaches "
			    "into the hash tables");
			return -1;
		}
		p = source_reader_need(r, (size_t)(key_len + len));
		if (p == NULL)
			return -1;
		if (key_len == 0 && is_zeros(p, (size_t)len))
			continue;
		cdb->sum += mix(cdb_hash(p, (size_t)key_len), (uint32_t)at);
		cdb_record(cdb, at + HEAD_LEN, p, (size_t)key_len,
		    p + key_len, (size_t)len);
		if (cdb->job->failed)
			return -1;
	}
	return 0;
}

static int
cdb_tables(struct cdb *cdb)
{
	struct source_reader *r = &cdb->reader;
	const char *p;

	for (unsigned int i = 0; i < TABLES; i++) {
		uint64_t at = cdb->position[i];

		source_reader_init(r, cdb->job, at, at +
		    (uint64_t)cdb->slots[i] * HEAD_LEN);
		for (uint32_t j = 0; j < cdb->slots[i]; j++) {
			if ((p = source_reader_need(r, HEAD_LEN)) == NULL)
				return -1;
			if (number(p + 4) != 0)
				cdb->sum -= mix(number(p), number(p + 4));
		}
	}
	if (cdb->sum == 0)
		return 0;
	source_fail(cdb->job, "damaged: hash tables and records differ");
	return -1;
}

static void
cdb_load(struct source_job *job)
{
	struct cdb cdb = { .job = job, .size = job->to - job->from,
	    .mapped = job->load->source->options.mapped };

	if (cdb_header(&cdb) == 0 && cdb_map(&cdb) == 0 &&
	    cdb_records(&cdb) == 0)
		(void)cdb_tables(&cdb);
	source_reader_clear(&cdb.reader);
}

const struct source_format source_cdb = { .ending = ".cdb",
    .load = cdb_load, .mappable = true };
