/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A program's own malloc(3) is the one of its libraries, too.  glibc's has a
 * second name, by which it can be called from here.
 */

#include "config.h"

#include "scarce.h"

#include <errno.h>
#include <stdlib.h>

static unsigned long left, failed;	/* left: 0, none is to fail */
static bool fail_rest;
static long blocks;

void
scarce_begin(unsigned long n, bool rest)
{
	failed = 0;
	fail_rest = rest;
	left = n;
}

unsigned long
scarce_end(void)
{
	left = 0;
	return failed;
}

long
scarce_blocks(void)
{
	return blocks;
}

#if defined(__GLIBC__) && !defined(SANITIZERS)

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

bool
scarce_works(void)
{
	return true;
}

static bool
fails(void)
{
	if (left == 0 || (left > 1 && left-- > 1))
		return false;
	if (!fail_rest)
		left = 0;
	failed++;
	errno = ENOMEM;
	return true;
}

static void *
counted(void *p)
{
	blocks += p != NULL;
	return p;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	if (p == NULL)
		return malloc(size);
	/* glibc's frees it then. */
	if (size == 0) {
		free(p);
		return NULL;
	}
	return fails() ? NULL : __libc_realloc(p, size);
}

void
free(void *p)
{
	blocks -= p != NULL;
	__libc_free(p);
}

#else

bool
scarce_works(void)
{
	return false;
}

#endif
