/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Everything that a process acquires and may be refused: memory, mappings,
 * threads, and places of epoll(7).  Each is counted while the page is armed,
 * and the one whose turn it is fails.
 *
 * What libc itself allocates, as in strdup(3), asprintf(3) or opendir(3),
 * comes by here, too: glibc calls malloc(3) as anybody may have replaced it.
 * Its own malloc has a second name, so that none has to be looked up, which
 * would allocate.
 */

#include "config.h"

#include "tests/faults/page.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* Finding out where may acquire something; without a call to reach it. */
static _Thread_local bool inside
    __attribute__((tls_model("initial-exec")));

/* Of calls that the daemon's filter refuses, one that changes nothing. */
static void
acquire_probe(struct faults_page *page)
{
	struct itimerval value;

	page->probe = 0;
	page->probed = syscall(SYS_getitimer, ITIMER_REAL, &value) == -1 ?
	    errno : 0;
}

/* Whether this one is to fail. */
static bool
acquire_fails(void)
{
	struct faults_page *page = faults_page;
	int64_t n, at;

	if (page->probe != 0)
		acquire_probe(page);
	if (page->armed == 0 || inside)
		return false;
	n = ++page->seen;
	at = page->at;
	if (at == 0 || n < at || (n > at && page->rest == 0))
		return false;
	if (page->failed++ == 0) {
		inside = true;
		faults_trace(page->where);
		inside = false;
	}
	errno = ENOMEM;
	return true;
}

static void *
acquire_counted(void *p)
{
	if (p != NULL)
		faults_page->live++;
	return p;
}

void *
malloc(size_t size)
{
	return acquire_fails() ? NULL :
	    acquire_counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return acquire_fails() ? NULL :
	    acquire_counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	/* glibc's frees p when there is nothing to hold. */
	if (p != NULL && size == 0) {
		free(p);
		return NULL;
	}
	if (acquire_fails())
		return NULL;
	return p != NULL ? __libc_realloc(p, size) :
	    acquire_counted(__libc_realloc(NULL, size));
}

void *
memalign(size_t alignment, size_t size)
{
	return acquire_fails() ? NULL :
	    acquire_counted(__libc_memalign(alignment, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **p, size_t alignment, size_t size)
{
	void *q = memalign(alignment, size);

	if (q == NULL)
		return ENOMEM;
	*p = q;
	return 0;
}

void
free(void *p)
{
	if (p != NULL)
		faults_page->live--;
	__libc_free(p);
}

void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	return acquire_fails() ? MAP_FAILED :
	    next(addr, len, prot, flags, fd, offset);
}

int
mprotect(void *addr, size_t len, int prot)
{
	static int (*next)(void *, size_t, int);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "mprotect");
	return acquire_fails() ? -1 : next(addr, len, prot);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	static int (*next)(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return acquire_fails() ? EAGAIN : next(thread, attr, run, arg);
}

/* Of what it does only this takes memory. */
int
epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	static int (*next)(int, int, int, struct epoll_event *);

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "epoll_ctl");
	return op == EPOLL_CTL_ADD && acquire_fails() ? -1 :
	    next(epoll, op, fd, event);
}
