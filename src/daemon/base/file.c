/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Reading files whole.  They are read, not mapped: a mapped file that its
 * writer cuts short kills the process that reads it.
 */

#include "config.h"

#include "daemon/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

/*
 * How long a file must have been left alone, and how often and how long each
 * time it is waited for.  A write stamps the file when it begins: one that was
 * interrupted in its middle must get the time to end.
 */
int file_settle_ms = 40;
#define SETTLE_TRIES	60
#define SETTLE_NS	5000000

#define LONG_AGO	3600	/* seconds */

/* Some file systems keep seconds only, or every other one. */
#define WHOLE_SECONDS_MS	3000

/* Not the time of its inode: a file that was renamed over is as it was. */
bool
file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Whether a file's time says that it was left alone.  That spares most files
 * the wait; but a file may be stamped by another clock, or ours set back
 * since: then nothing is known.
 */
static bool
is_old(const struct timespec *then, int ms)
{
	struct timespec now;

	/* The coarse clock is the one that files are stamped by. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	/* What a file says may be any number. */
	if (then->tv_sec > now.tv_sec)
		return false;
	if (then->tv_sec < now.tv_sec - LONG_AGO)
		return true;
	return (int64_t)(now.tv_sec - then->tv_sec) * 1000 +
	    (now.tv_nsec - then->tv_nsec) / 1000000 >= ms;
}

/* Nobody can set an inode's time: it tells of each change, once it is past. */
static bool
is_sure(const struct file_look *look, int64_t now)
{
	const struct timespec *then = &look->sb.st_ctim;
	int ms = then->tv_nsec == 0 ? WHOLE_SECONDS_MS : file_settle_ms;

	return is_old(then, ms) || now - look->since >= (int64_t)ms * 1000000;
}

static void
look_is(struct file_look *look, const struct stat *sb)
{
	if (look->since != 0 && file_is_same(&look->sb, sb) &&
	    look->sb.st_ctim.tv_sec == sb->st_ctim.tv_sec &&
	    look->sb.st_ctim.tv_nsec == sb->st_ctim.tv_nsec)
		return;
	look->sb = *sb;
	look->since = clock_ns();
}

void
file_look(const char *path, struct file_look *look)
{
	struct stat sb;

	if (stat(path, &sb) == 0)
		look_is(look, &sb);
	else
		look->since = 0;
}

/*
 * The file may be opened: whether to look once more, until that is sure.  One
 * that is renamed once it is written has two times with a little between them,
 * and just the first one was waited for.
 */
static bool
is_patient(const struct file_look *look, int waits)
{
	return waits > 0 && !look->sure && look->sb.st_ctim.tv_nsec != 0 &&
	    waits <= 2 * file_settle_ms * 1000000 / SETTLE_NS;
}

/*
 * Wait until a file was left alone for a moment, longer than the clock of its
 * times ticks: then any change from now on shows in them.
 */
static int
settle(int fd, struct file_look *look, const char **why)
{
	static const struct timespec tick = { .tv_nsec = SETTLE_NS };
	struct stat sb;
	int64_t now;

	for (int i = 0; i <= SETTLE_TRIES; i++) {
		if (i > 0)
			nanosleep(&tick, NULL);
		now = clock_ns();
		if (fstat(fd, &sb) == -1) {
			*why = strerror(errno);
			return -1;
		}
		look_is(look, &sb);
		look->sure = is_sure(look, now);
		if ((is_old(&sb.st_mtim, file_settle_ms) ||
		    now - look->since >= (int64_t)file_settle_ms * 1000000) &&
		    !is_patient(look, i))
			return 0;
	}
	*why = "it is being written all the time";
	return -1;
}

int
file_open(const char *path, struct file_look *look, const char **why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat sb;

	*why = NULL;
	if (fd == -1 || fstat(fd, &sb) == -1)
		*why = strerror(errno);
	else if (S_ISDIR(sb.st_mode))
		*why = strerror(EISDIR);
	else if (!S_ISREG(sb.st_mode))
		*why = "not a regular file";
	else if (settle(fd, look, why) == 0)
		return fd;
	if (fd != -1)
		close(fd);
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
	struct file_look look = { .since = 0 };

	return file_read_seen(path, &look, max, len, why);
}

char *
file_read_seen(const char *path, struct file_look *look, size_t max,
    size_t *len, const char **why)
{
	int fd = file_open(path, look, why);
	size_t size = (size_t)look->sb.st_size;
	struct stat after;
	char *buf = NULL;

	if (fd == -1)
		return NULL;
	if ((uintmax_t)look->sb.st_size > max)
		*why = strerror(EFBIG);
	else if ((buf = malloc(size + 1)) == NULL ||
	    read_all(fd, buf, size, why) != 0 || fstat(fd, &after) == -1)
		*why = *why != NULL ? *why : strerror(errno);
	else if (!file_is_same(&look->sb, &after))
		*why = "it changed during the load";
	close(fd);
	if (buf == NULL || *why != NULL) {
		free(buf);
		return NULL;
	}
	*len = size;
	buf[size] = '\0';
	return buf;
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
