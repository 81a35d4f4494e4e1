/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is asked for, in the words of Redis, and the slot that it is in.
 */

#include "config.h"

#include "daemon/remote/ask_private.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/table/fold.h"
#include "daemon/table/way.h"

/* The key as its table compares it. */
static const char *
compared(const struct ask *ask, size_t *len)
{
	*len = ask->folded != NULL ? ask->folded_len : ask->key_len;
	return ask->folded != NULL ? ask->folded : ask->key;
}

static int
fold_key(struct ask *ask)
{
	size_t len;
	char *folded = malloc(FOLD_ROOM(ask->key_len));

	if (folded == NULL)
		return -1;
	if (fold(ask->key, ask->key_len, folded, &len) != 0) {
		free(folded);
		return -1;
	}
	ask->folded = folded;
	ask->folded_len = len;
	return 0;
}

int
ask_find_bucket(struct ask *ask)
{
	struct edition *e = ask->source->edition;
	const char *key;
	size_t len;

	if (ask->key_len > (e->table.fold ? FOLD_OF_MOST(TABLE_KEY_MAX) :
	    (size_t)TABLE_KEY_MAX)) {
		ask->edition = edition_ref(e);
		errno = ENAMETOOLONG;
		return -1;
	}
	if (e->table.fold && fold_key(ask) != 0) {
		errno = ENOMEM;
		return -1;
	}
	ask->edition = edition_ref(e);
	key = compared(ask, &len);
	ask->bucket = bucket_hash(key, len) % e->table.buckets;
	ask->slot = bucket_slot(&e->base, ask->bucket);
	return 0;
}

static int
write_key(const struct ask *ask, struct buf *words)
{
	size_t len;
	const char *key = compared(ask, &len);

	return bucket_ask(words, &ask->edition->base, ask->bucket, key, len);
}

static int
write_plain(const struct ask *ask, struct buf *words, struct buf *name)
{
	const struct conf_remote *conf = ask->source->conf;

	name->len = 0;
	return buf_add(name, conf->prefix, conf->prefix_len) != 0 ||
	    buf_add(name, ask->key, ask->key_len) != 0 ||
	    resp_command(words, 2) != 0 ||
	    resp_arg(words, "GET", 3) != 0 ||
	    resp_arg(words, name->data, name->len) != 0 ? -1 : 0;
}

int
ask_write(struct asker *a, const struct ask *ask)
{
	char name[BUCKET_NAME_MAX];

	a->words.len = 0;
	switch (ask->kind) {
	case ASK_KEY:
		return write_key(ask, &a->words);
	case ASK_PLAIN:
		return write_plain(ask, &a->words, &a->text);
	case ASK_POINT:
		bucket_point_name(ask->source->conf->prefix,
		    (unsigned int)ask->bucket, name);
		return bucket_point_ask(&a->words, name);
	}
	return -1;
}

unsigned int
ask_plain_slot(struct asker *a, const struct ask *ask)
{
	a->words.len = 0;
	/* Out of memory: it is told by whoever it is asked of. */
	return write_plain(ask, &a->words, &a->text) != 0 ? 0 :
	    slotmap_slot(a->text.data, a->text.len);
}
