/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Reading files whole.  They are read, not mapped: a mapped file that its
 * writer cuts short kills the process that reads it.
 */

#include "config.h"

#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * How long a file must have been left alone, how often and how long each time
 * it is waited for.  A write stamps the file when it begins: one that was
 * interrupted in its middle must get the time to end.
 */
int file_settle_ms = 40;
#define SETTLE_TRIES	60
#define SETTLE_NS	5000000

static int64_t
ms_between(const struct timespec *from, const struct timespec *to)
{
	return ((int64_t)to->tv_sec - from->tv_sec) * 1000 +
	    (to->tv_nsec - from->tv_nsec) / 1000000;
}

/* Not the time of its inode: a file that was renamed over is as it was. */
bool
file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int
file_settle(int fd, struct stat *sb, const char **why)
{
	static const struct timespec tick = { .tv_nsec = SETTLE_NS };
	struct timespec now;
	int64_t age;

	for (int i = 0; i < SETTLE_TRIES; i++) {
		/* The coarse clock is the one that files are stamped by. */
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		age = ms_between(&sb->st_mtim, &now);
		/* One from the future is by another clock. */
		if (age >= file_settle_ms || age < -1000)
			return 0;
		nanosleep(&tick, NULL);
		if (fstat(fd, sb) == -1) {
			*why = strerror(errno);
			return -1;
		}
	}
	*why = "it is being written all the time";
	return -1;
}

/* Read exactly len bytes; a NULL why means errno. */
static int
read_all(int fd, char *buf, size_t len, const char **why)
{
	while (len > 0) {
		ssize_t n = read(fd, buf, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			*why = n == 0 ? "it was cut short during the load" :
			    NULL;
			return -1;
		}
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

char *
file_read(const char *path, size_t max, size_t *len, const char **why)
{
	struct stat before, after;
	char *buf = NULL;
	int fd;

	*why = NULL;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 || fstat(fd, &before) == -1)
		goto fail;
	if (!S_ISREG(before.st_mode)) {
		*why = S_ISDIR(before.st_mode) ? strerror(EISDIR) :
		    "not a regular file";
		goto fail;
	}
	if (file_settle(fd, &before, why) != 0)
		goto fail;
	if ((uintmax_t)before.st_size > max) {
		*why = strerror(EFBIG);
		goto fail;
	}
	buf = malloc((size_t)before.st_size + 1);
	if (buf == NULL || read_all(fd, buf, (size_t)before.st_size, why) != 0)
		goto fail;
	if (fstat(fd, &after) == -1)
		goto fail;
	if (!file_is_same(&before, &after)) {
		*why = "it changed during the load";
		goto fail;
	}
	close(fd);
	*len = (size_t)before.st_size;
	buf[*len] = '\0';
	return buf;
fail:
	if (*why == NULL)
		*why = strerror(errno);
	if (fd != -1)
		close(fd);
	free(buf);
	return NULL;
}

char *
file_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *joined;

	if (path[0] == '/' || slash == NULL)
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - file), file, path) == -1)
		return NULL;
	return joined;
}
