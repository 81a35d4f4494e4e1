/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "daemon/publish/publish_buckets.h"

#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/publish/publish_bulk.h"
#include "daemon/publish/publish_order.h"
#include "daemon/remote/bucket.h"
#include "daemon/remote/resp.h"

/* HSET NAME "" SEAL KEY VALUE ... */
static int
add_write(struct buf *out, size_t bucket, const char *name, size_t len,
    const void *arg)
{
	const struct publish_order *o = arg;
	char seal[BUCKET_SEAL_MAX];
	const table_id *ids;
	struct table_entry e;
	size_t n;

	ids = publish_order_bucket(o, bucket, &n);
	if (resp_command(out, 4 + 2 * n) != 0 ||
	    resp_arg(out, "HSET", 4) != 0 || resp_arg(out, name, len) != 0 ||
	    resp_arg(out, BUCKET_SEAL_FIELD, strlen(BUCKET_SEAL_FIELD)) != 0 ||
	    resp_arg(out, seal, bucket_seal(bucket, seal)) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		table_entry(o->table, ids[i], &e);
		if (resp_arg(out, e.key, e.key_len) != 0 ||
		    resp_arg(out, e.value, e.value_len) != 0)
			return -1;
	}
	return 0;
}

/* The number says how many of its fields are new: all. */
static const char *
take_write(size_t bucket, const struct publish_reply *reply,
    const void *arg)
{
	size_t n;

	publish_order_bucket(arg, bucket, &n);
	return reply->head.type == RESP_INTEGER &&
	    reply->head.number == (int64_t)n + 1 ? NULL :
	    "somebody else has keys under this prefix=";
}

/* HMGET NAME "" */
static int
add_check(struct buf *out, size_t bucket, const char *name, size_t len,
    const void *arg)
{
	(void)bucket;
	(void)arg;
	if (resp_command(out, 3) != 0 || resp_arg(out, "HMGET", 5) != 0 ||
	    resp_arg(out, name, len) != 0)
		return -1;
	return resp_arg(out, BUCKET_SEAL_FIELD, strlen(BUCKET_SEAL_FIELD));
}

static const char *
take_check(size_t bucket, const struct publish_reply *reply,
    const void *arg)
{
	const char *at = reply->at;
	char seal[BUCKET_SEAL_MAX];
	struct resp r;

	(void)arg;
	if (reply->head.type == RESP_ARRAY && reply->head.n == 1 &&
	    resp_next(&at, reply->end, &r) && r.type == RESP_BULK &&
	    r.len == bucket_seal(bucket, seal) &&
	    memcmp(r.str, seal, r.len) == 0)
		return NULL;
	return "entries are lost that it had taken";
}

/* UNLINK NAME */
static int
add_remove(struct buf *out, size_t bucket, const char *name, size_t len,
    const void *arg)
{
	(void)bucket;
	(void)arg;
	if (resp_command(out, 2) != 0 || resp_arg(out, "UNLINK", 6) != 0)
		return -1;
	return resp_arg(out, name, len);
}

static const char *
take_remove(size_t bucket, const struct publish_reply *reply,
    const void *arg)
{
	(void)bucket;
	(void)reply;
	(void)arg;
	return NULL;
}

int
publish_buckets_write(const struct publish_buckets *b,
    const struct publish_order *order)
{
	const struct publish_bulk bulk = { .servers = b->servers,
	    .number = b->number, .n_buckets = b->n, .add_cb = add_write,
	    .take_cb = take_write, .arg = order, .tick_cb = b->tick_cb,
	    .tick_arg = b->arg, .done = b->done };

	return publish_bulk(&bulk);
}

int
publish_buckets_check(const struct publish_buckets *b)
{
	const struct publish_bulk bulk = { .servers = b->servers,
	    .number = b->number, .n_buckets = b->n, .add_cb = add_check,
	    .take_cb = take_check, .tick_cb = b->tick_cb,
	    .tick_arg = b->arg, .done = b->done };

	return publish_bulk(&bulk);
}

int
publish_buckets_remove(const struct publish_buckets *b)
{
	const struct publish_bulk bulk = { .servers = b->servers,
	    .number = b->number, .n_buckets = b->n, .add_cb = add_remove,
	    .take_cb = take_remove, .tick_cb = b->tick_cb,
	    .tick_arg = b->arg, .done = b->done };

	return publish_bulk(&bulk);
}
