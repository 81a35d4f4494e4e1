/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Written from the format's description, not with a library.
 */

#include "config.h"

#include "cdbs.h"

#include <stdlib.h>
#include <string.h>

struct cdb_slot {
	uint32_t hash;
	uint32_t at;
};

/* Have len bytes more, which are zeros. */
static void
cdb_grow(struct cdb_bytes *c, size_t len)
{
	if (c->len + len > c->cap) {
		c->cap = 2 * (c->len + len);
		c->p = realloc(c->p, c->cap);
		if (c->p == NULL)
			abort();
	}
	memset(c->p + c->len, 0, len);
	c->len += len;
}

static void
cdb_number(struct cdb_bytes *c, size_t at, size_t n)
{
	for (int i = 0; i < 4; i++)
		c->p[at + (size_t)i] = (char)(n >> 8 * i);
}

void
cdb_start(struct cdb_bytes *c)
{
	c->len = c->n = 0;
	cdb_grow(c, 2048);
}

static void
cdb_slot(struct cdb_bytes *c, const char *key, size_t key_len)
{
	uint32_t hash = 5381;

	for (size_t i = 0; i < key_len; i++)
		hash = (hash * 33) ^ (unsigned char)key[i];
	if (c->n == c->cap_slots) {
		c->cap_slots = 2 * c->n + 8;
		c->slots = reallocarray(c->slots, c->cap_slots,
		    sizeof(*c->slots));
		if (c->slots == NULL)
			abort();
	}
	c->slots[c->n++] = (struct cdb_slot){ hash, (uint32_t)c->len };
}

void
cdb_put(struct cdb_bytes *c, const char *key, size_t key_len,
    const char *answer, size_t len, bool indexed)
{
	size_t at = c->len;

	if (indexed)
		cdb_slot(c, key, key_len);
	cdb_grow(c, 8 + key_len + len);
	cdb_number(c, at, key_len);
	cdb_number(c, at + 4, len);
	memcpy(c->p + at + 8, key, key_len);
	memcpy(c->p + at + 8 + key_len, answer, len);
}

void
cdb_finish(struct cdb_bytes *c)
{
	for (size_t i = 0; i < 256; i++) {
		size_t start = c->len, slots = 0;

		for (size_t j = 0; j < c->n; j++)
			if ((c->slots[j].hash & 255) == i) {
				size_t at = c->len;

				cdb_grow(c, 16);	/* one is empty */
				cdb_number(c, at, c->slots[j].hash);
				cdb_number(c, at + 4, c->slots[j].at);
				slots += 2;
			}
		cdb_number(c, 8 * i, start);
		cdb_number(c, 8 * i + 4, slots);
	}
}

void
cdb_clear(struct cdb_bytes *c)
{
	free(c->p);
	free(c->slots);
	*c = (struct cdb_bytes){ .p = NULL };
}
