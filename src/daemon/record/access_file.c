/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One descriptor for all.  When the disk is full a write may end within a
 * line: the next one that succeeds, whoever's it is, starts with a newline,
 * so that it costs that line only.
 */

#include "config.h"

#include "daemon/record/access_file.h"

#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/warning.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/rows.h"

#define FILE_MODE	0640	/* less umask; who asked for what is private */

struct access_file {
	char *path;		/* owned */
	int fd;			/* never changes its number */
	atomic_uint refs;
	atomic_bool torn;	/* the file ends within a line */
	pthread_mutex_t lock;	/* for what follows */
	struct warning lost;	/* lines */
};

/* Returns a descriptor, or -1 with *why. */
static int
open_path(const char *path, const char **why)
{
	/* Without waiting for anybody: not for a pipe's reader, nor a tty. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, FILE_MODE);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		*why = strerror(errno);
	else if (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))
		return fd;
	else
		*why = "neither a regular file nor a device";
	if (fd != -1) {
		close(fd);
		errno = EINVAL;
	}
	return -1;
}

static struct access_file *
file_new(const char *path, int fd)
{
	struct access_file *file = calloc(1, sizeof(*file));

	if (file == NULL || (file->path = strdup(path)) == NULL ||
	    pthread_mutex_init(&file->lock, NULL) != 0) {
		if (file != NULL)
			free(file->path);
		free(file);
		return NULL;
	}
	file->fd = fd;
	file->refs = 1;
	return file;
}

/* Have the descriptor stand for the file that the path leads to now. */
static int
file_again(struct access_file *file, const char **why)
{
	int fd = open_path(file->path, why);

	if (fd == -1)
		return -1;
	if (dup3(fd, file->fd, O_CLOEXEC) == -1) {
		*why = strerror(errno);
		close(fd);
		return -1;
	}
	close(fd);
	file->torn = false;
	return 0;
}

int
access_file_open(const struct conf *conf, struct access_file *old,
    struct access_file **file, struct problems *problems)
{
	const char *path = conf->access_log, *why = NULL;
	const struct conf_place *place = conf_said(conf, "log", "access");
	int fd, error;

	*file = NULL;
	if (path == NULL)
		return 0;
	if (old != NULL && strcmp(old->path, path) == 0) {
		if (file_again(old, &why) == 0)
			*file = access_file_ref(old);
	} else if ((fd = open_path(path, &why)) != -1) {
		*file = file_new(path, fd);
		if (*file == NULL) {
			why = strerror(ENOMEM);
			close(fd);
			errno = ENOMEM;
		}
	}
	if (*file != NULL)
		return 0;
	error = errno;
	problems_add(problems, place->file, place->line,
	    "cannot open the access log %s: %s", path, why);
	errno = error;
	return -1;
}

void
access_file_reopen(struct access_file *file)
{
	const char *why;

	if (file == NULL)
		return;
	if (file_again(file, &why) != 0)
		log_warnx("cannot open the access log again file=%s: %s",
		    file->path, why);
	else
		log_debug("access log opened again file=%s", file->path);
}

struct access_file *
access_file_ref(struct access_file *file)
{
	if (file != NULL)
		file->refs++;
	return file;
}

void
access_file_unref(struct access_file *file)
{
	if (file == NULL || --file->refs > 0)
		return;
	if (file->lost.more > 0)
		log_warnx("access log lines lost file=%s lines=%llu",
		    file->path, (unsigned long long)file->lost.more);
	close(file->fd);
	pthread_mutex_destroy(&file->lock);
	free(file->path);
	free(file);
}

/* The lines that are, whole or in part, not in the file. */
static void
file_lost(struct access_file *file, const char *p, size_t len, int error)
{
	uint64_t n = 0, before;
	bool due;

	for (const char *end = p + len; p < end; n++)
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	pthread_mutex_lock(&file->lock);
	due = warning_due(&file->lost, &before);
	if (!due)
		file->lost.more += n - 1;
	pthread_mutex_unlock(&file->lock);
	if (!due)
		return;
	errno = error;
	log_warn("access log lines lost file=%s lines=%llu", file->path,
	    (unsigned long long)before + n);
}

void
access_file_write(struct access_file *file, const char *lines, size_t len)
{
	struct iovec iov[2] = { { (char *)"\n", 1 },
	    { (char *)lines, len } };
	bool torn = atomic_exchange(&file->torn, false);
	size_t before = torn;
	ssize_t n;

	do
		n = torn ? writev(file->fd, iov, 2) :
		    write(file->fd, lines, len);
	while (n == -1 && errno == EINTR);
	if (n == (ssize_t)(before + len))
		return;
	if (n <= 0) {
		int error = n == -1 ? errno : ENOSPC;

		file->torn = torn;
		file_lost(file, lines, len, error);
		return;
	}
	n -= (ssize_t)before;
	if (n > 0 && lines[n - 1] != '\n')
		file->torn = true;
	/* From the start of the line that was cut. */
	while (n > 0 && lines[n - 1] != '\n')
		n--;
	file_lost(file, lines + n, len - (size_t)n, ENOSPC);
}
