/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A file is as it was when it is the same inode, of the same size, with the
 * same two times: its own shows most changes, and the inode's, which nobody
 * can set, those after which it was set back.
 */

#include "config.h"

#include "daemon/table/origin.h"

#include <sys/stat.h>

#include <string.h>
#include <time.h>

void
origin_start(struct origin_sum *sum)
{
	siphash_init(&sum->hash, siphash_key());
	sum->known = true;
}

void
origin_number(struct origin_sum *sum, uint64_t n)
{
	siphash_add(&sum->hash, &n, sizeof(n));
}

void
origin_bytes(struct origin_sum *sum, const void *p, size_t len)
{
	origin_number(sum, len);
	if (len > 0)
		siphash_add(&sum->hash, p, len);
}

static void
add_time(struct origin_sum *sum, const struct timespec *t)
{
	origin_number(sum, (uint64_t)t->tv_sec);
	origin_number(sum, (uint64_t)t->tv_nsec);
}

void
origin_file(struct origin_sum *sum, const char *path, const struct stat *sb,
    bool sure)
{
	origin_bytes(sum, path, strlen(path));
	origin_number(sum, sb->st_dev);
	origin_number(sum, sb->st_ino);
	origin_number(sum, (uint64_t)sb->st_size);
	add_time(sum, &sb->st_mtim);
	add_time(sum, &sb->st_ctim);
	sum->known = sum->known && sure;
}

struct origin
origin_end(struct origin_sum *sum)
{
	return (struct origin){ siphash_end(&sum->hash), sum->known };
}

bool
origin_is_same(struct origin a, struct origin b)
{
	return a.known && b.known && a.hash == b.hash;
}
