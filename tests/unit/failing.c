/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The linker's --wrap leads calls of malloc() to __wrap_malloc(), and
 * __real_malloc() to malloc(), which with sanitizers is theirs.  Users, groups
 * and addresses take memory inside of libc, so they are not found then.
 */

#include "config.h"

#include "failing.h"

#include <sys/mman.h>

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int left;		/* until one fails; 0: none will */
static atomic_bool all_fail, has_failed;

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__real_reallocarray(void *, size_t, size_t);
char *__real_strdup(const char *);
int __real_vasprintf(char **, const char *, va_list)
    __attribute__((format(printf, 2, 0)));
void *__real_mmap(void *, size_t, int, int, int, off_t);
int __real_mprotect(void *, size_t, int);

struct passwd *__real_getpwnam(const char *);
struct group *__real_getgrnam(const char *);
int __real_getaddrinfo(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
char *__wrap_strdup(const char *);
int __wrap_vasprintf(char **, const char *, va_list)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **, const char *, ...)
    __attribute__((format(printf, 2, 3)));
int __wrap___vasprintf_chk(char **, int, const char *, va_list)
    __attribute__((format(printf, 3, 0)));
int __wrap___asprintf_chk(char **, int, const char *, ...)
    __attribute__((format(printf, 3, 4)));
void *__wrap_mmap(void *, size_t, int, int, int, off_t);
int __wrap_mprotect(void *, size_t, int);
struct passwd *__wrap_getpwnam(const char *);
struct group *__wrap_getgrnam(const char *);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
    struct addrinfo **);

void
failing_start(unsigned int n, bool all)
{
	atomic_store(&has_failed, false);
	atomic_store(&all_fail, all);
	atomic_store(&left, (int)n);
}

bool
failing_stop(void)
{
	atomic_store(&left, 0);
	return atomic_load(&has_failed);
}

/* Whether this one is to fail; sets errno. */
static bool
fails(void)
{
	int n = atomic_load(&left);

	do {
		if (n == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&left, &n,
	    n == 1 && atomic_load(&all_fail) ? 1 : n - 1));
	if (n != 1)
		return false;
	atomic_store(&has_failed, true);
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	return fails() ? NULL : __real_calloc(n, len);
}

void *
__wrap_realloc(void *p, size_t len)
{
	return fails() ? NULL : __real_realloc(p, len);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t len)
{
	return fails() ? NULL : __real_reallocarray(p, n, len);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

int
__wrap_vasprintf(char **text, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(text, fmt, ap);
}

int
__wrap_asprintf(char **text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(text, fmt, ap);
	va_end(ap);
	return n;
}

int
__wrap___vasprintf_chk(char **text, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return __wrap_vasprintf(text, fmt, ap);
}

int
__wrap___asprintf_chk(char **text, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, fmt);
	n = __wrap_vasprintf(text, fmt, ap);
	va_end(ap);
	return n;
}

void *
__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return fails() ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd,
	    offset);
}

int
__wrap_mprotect(void *at, size_t len, int prot)
{
	return fails() ? -1 : __real_mprotect(at, len, prot);
}

struct passwd *
__wrap_getpwnam(const char *name)
{
	return fails() ? NULL : __real_getpwnam(name);
}

struct group *
__wrap_getgrnam(const char *name)
{
	return fails() ? NULL : __real_getgrnam(name);
}

int
__wrap_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ai)
{
	return fails() ? EAI_MEMORY : __real_getaddrinfo(host, port, hints,
	    ai);
}
