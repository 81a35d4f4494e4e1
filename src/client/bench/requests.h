/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REQUESTS_H
#define REQUESTS_H

/*
 * The requests that are sent, encoded once: only the id of one is written
 * when it leaves.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query;

enum {
	/* Ids have ten digits, so that a request is as long with any. */
	REQUESTS_ID_LEN = 10
};
#define REQUESTS_ID_FIRST	INT64_C(1000000000)

struct request {
	size_t at;		/* in bytes */
	uint32_t len;
	uint32_t id_at;		/* in the request */
	uint32_t key_len;	/* of the key, which is behind the request */
};

struct requests {
	char *bytes;		/* owned */
	size_t len, cap;
	struct request *all;	/* owned */
	size_t n, all_cap;
	uint32_t longest;	/* bytes of a request */
};

/*
 * Add one that asks for a key; zeroed memory has none yet.
 *
 * Returns 0; APPMSG_ENOMEM; APPMSG_E2BIG when all of them are too many bytes.
 */
int requests_add(struct requests *requests, const struct query *query,
    const char *key, size_t len);

/*
 * Bytes of the one of this index, and of its key, which are borrowed as long
 * as none is added.
 */
const char *requests_bytes(const struct requests *requests, size_t index);
const char *requests_key(const struct requests *requests, size_t index);

/*
 * The id that the request of this number has, on its connection.
 */
int64_t requests_id(uint64_t number);

/*
 * Write the digits of an id, REQUESTS_ID_LEN of them; are these its digits?
 */
void requests_put_id(char *to, int64_t id);
bool requests_is_id(const char *digits, int64_t id);

/*
 * Write a request with an id of requests_id(); to has room for it.
 *
 * Returns its bytes.
 */
size_t requests_put(const struct requests *requests, size_t index, int64_t id,
    char *to);

/*
 * The index of one that is as long as most are: with the middle length.
 *
 * Returns it; there is one at least.
 */
size_t requests_middle(const struct requests *requests);

/*
 * Free all; it has none then.
 */
void requests_clear(struct requests *requests);

#endif
