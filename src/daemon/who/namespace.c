/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * /proc is read anew each time: that happens to a few words of a configuration.
 */

#include "config.h"

#include "daemon/who/namespace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAP_MAX		16384	/* bytes: the kernel takes 340 lines */
#define OVERFLOW	65534
#define ALL		UINT32_MAX	/* how many a map has that has all */

/* The next number of a map; false: there is none. */
static bool
take_number(const char **p, unsigned long *n)
{
	char *end;

	*n = strtoul(*p, &end, 10);
	if (end == *p)
		return false;
	*p = end;
	return true;
}

bool
namespace_map_has(const char *map, id_t id, id_t overflow)
{
	unsigned long first, outside, n;
	bool has = false;

	while (take_number(&map, &first) && take_number(&map, &outside) &&
	    take_number(&map, &n)) {
		if (n == ALL)
			return true;
		has = has || (id >= first && id - first < n);
	}
	/* What stands for strangers is nobody's own. */
	return has && id != overflow;
}

/* A file of /proc, with a NUL behind it; NULL: it cannot be read. */
static const char *
read_text(const char *path, char *text, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (f == NULL)
		return NULL;
	len = fread(text, 1, cap - 1, f);
	text[len] = '\0';
	return fclose(f) == 0 && len > 0 ? text : NULL;
}

bool
namespace_has(bool group, id_t id)
{
	char map[MAP_MAX], number[32];
	const char *overflow = read_text(group ?
	    "/proc/sys/kernel/overflowgid" : "/proc/sys/kernel/overflowuid",
	    number, sizeof(number));

	if (read_text(group ? "/proc/self/gid_map" : "/proc/self/uid_map",
	    map, sizeof(map)) == NULL)
		return true;
	return namespace_map_has(map, id, overflow != NULL ?
	    (id_t)strtoul(overflow, NULL, 10) : OVERFLOW);
}
