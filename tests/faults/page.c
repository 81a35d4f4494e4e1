/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The shim's beginning, before main(): map the page, and see to it that an
 * end by a signal tells where.
 */

#include "config.h"

#include "tests/faults/page.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct faults_page own;

struct faults_page *faults_page = &own;

void
faults_trace(int64_t *where)
{
	void *frames[FAULTS_DEPTH];
	int n = backtrace(frames, FAULTS_DEPTH - 1);

	for (int i = 0; i < n; i++)
		where[i] = (int64_t)(intptr_t)frames[i];
	where[n] = 0;
}

/* Returning does again what raised it, now without a handler. */
static void
page_crash(int number)
{
	if (faults_page->signal == 0) {
		faults_page->signal = number;
		faults_trace(faults_page->crash);
	}
}

static void
page_catch(void)
{
	static const int numbers[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL,
	    SIGSEGV, SIGSYS };
	struct sigaction sa = { .sa_handler = page_crash,
	    .sa_flags = (int)SA_RESETHAND };
	int64_t where[FAULTS_DEPTH];

	/* The first one loads a library. */
	faults_trace(where);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &sa, NULL);
}

/* What is where, so that addresses can be told when all is over. */
static void
page_fill_maps(struct faults_page *page)
{
	char *p = (char *)page + FAULTS_MAPS;
	char *end = (char *)page + FAULTS_PAGE_SIZE - 1;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	while (fd != -1 && n > 0 && p < end)
		if ((n = read(fd, p, (size_t)(end - p))) > 0)
			p += n;
	*p = '\0';
	if (fd != -1)
		close(fd);
}

__attribute__((constructor)) static void
page_open(void)
{
	const char *path = getenv("FAULTS_PAGE");
	struct faults_page *page;
	int fd;

	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	page_catch();
	/* strace(1) may be a sibling only, which Yama would refuse. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	page = mmap(NULL, FAULTS_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return;
	page_fill_maps(page);
	page->live = own.live;
	faults_page = page;
}
