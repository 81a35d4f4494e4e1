/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests and their replies, from a file that stays in memory as it is, and
 * which of them comes next.  The form of packs is told in loadgen.c.
 */

#include "config.h"

#include "loadgen.h"

#include <sys/stat.h>

#include <err.h>
#include <stdio.h>
#include <string.h>

static struct pack_item *items;
static uint32_t n_items, next_item;
static uint64_t dice = 88172645463325252ull;

void
pack_load(const char *path)
{
	size_t lengths;
	unsigned char *p, *end;
	struct stat sb;
	uint32_t cap = 0;
	FILE *f = fopen(path, "rb");

	if (f == NULL || fstat(fileno(f), &sb) != 0)
		err(2, "%s", path);
	p = loadgen_grow(NULL, (size_t)sb.st_size + 1);
	if (fread(p, 1, (size_t)sb.st_size, f) != (size_t)sb.st_size)
		err(2, "%s", path);
	fclose(f);
	end = p + sb.st_size;
	if (sb.st_size < 4 || (memcmp(p, "PACK", 4) != 0 &&
	    memcmp(p, "PAC2", 4) != 0))
		errx(2, "%s: no pack", path);
	lengths = p[3] == '2' ? 3 : 2;
	for (p += 4; (size_t)(end - p) >= 4 * lengths; ) {
		struct pack_item *item;
		uint32_t len[3];

		if (n_items == cap)
			items = loadgen_grow(items, (cap = cap * 2 + 16) *
			    sizeof(*items));
		item = &items[n_items++];
		memcpy(len, p, 4 * lengths);
		p += 4 * lengths;
		if (lengths == 2)
			len[2] = 0;
		if ((uint64_t)(end - p) < (uint64_t)len[0] + len[1] + len[2] ||
		    len[1] == 0 || (lengths == 3 && len[2] == 0))
			errx(2, "%s: cut short", path);
		item->request = p;
		item->reply[0] = p + len[0];
		item->reply[1] = lengths == 3 ? p + len[0] + len[1] :
		    item->reply[0];
		item->request_len = len[0];
		item->reply_len[0] = len[1];
		item->reply_len[1] = lengths == 3 ? len[2] : len[1];
		item->any = item->reply[0][0] == 0xff;
		p += (size_t)len[0] + len[1] + len[2];
	}
	if (n_items == 0)
		errx(2, "%s: empty", path);
}

bool
pack_is_empty(void)
{
	return n_items == 0;
}

const struct pack_item *
pack_pick(void)
{
	if (loadgen.at_random) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		return &items[(dice >> 32) * n_items >> 32];
	}
	if (next_item == n_items)
		next_item = 0;
	return &items[next_item++];
}
