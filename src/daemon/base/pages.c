/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Kept are those of two sizes, which hold what most turns leave behind: what
 * is mapped and never touched takes no memory.
 */

#include "config.h"

#include "daemon/base/pages.h"

#include <sys/mman.h>

#define PAGES_SIZES	2	/* twice PAGES_MIN, and twice that */
#define PAGES_KEPT	8	/* of each */

struct kept {
	void *pages[PAGES_KEPT];
	unsigned int n;
};

static _Thread_local struct kept kept[PAGES_SIZES];

/*
 * The size that some bytes get.
 *
 * class  set to that of those that are kept; PAGES_SIZES: they are not
 */
static size_t
size_of(size_t len, unsigned int *class)
{
	size_t size = 2 * PAGES_MIN;

	for (*class = 0; *class < PAGES_SIZES; size *= 2, (*class)++)
		if (len <= size)
			return size;
	return len;
}

void *
pages_take(size_t len)
{
	unsigned int class;
	size_t size = size_of(len, &class);
	void *pages;

	if (class < PAGES_SIZES && kept[class].n > 0)
		return kept[class].pages[--kept[class].n];
	pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	return pages;
}

void
pages_give(void *pages, size_t len)
{
	unsigned int class;
	size_t size = size_of(len, &class);

	if (class < PAGES_SIZES && kept[class].n < PAGES_KEPT)
		kept[class].pages[kept[class].n++] = pages;
	else
		munmap(pages, size);
}

void
pages_forget(void)
{
	size_t size = 2 * PAGES_MIN;

	for (unsigned int i = 0; i < PAGES_SIZES; i++, size *= 2)
		while (kept[i].n > 0)
			munmap(kept[i].pages[--kept[i].n], size);
}
