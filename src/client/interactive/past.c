/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "past.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAST_NAME	"history"
#define PAST_NEW	"history.new"
#define PAST_FOLDER	"appmsg-client"
#define PAST_PATH_MAX	4096

/* What is read of a file at most: its end. */
#define PAST_BYTES_MAX	((off_t)4 * 1024 * 1024)

/* A file's lines in memory. */
struct text {
	char *data;		/* owned */
	size_t len;
};

/* The folder of all such files, that of this user; false: there is none. */
static bool
find_state(char path[PAST_PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;

	/* A relative one is not to be used, says who invented it. */
	if (state != NULL && *state == '/')
		n = snprintf(path, PAST_PATH_MAX, "%s/" PAST_FOLDER, state);
	else if (home != NULL && *home == '/')
		n = snprintf(path, PAST_PATH_MAX,
		    "%s/.local/state/" PAST_FOLDER, home);
	return n > 0 && n < PAST_PATH_MAX;
}

/* Make a folder and those that it is in. */
static int
make_folders(char *path)
{
	char *slash = path;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST &&
		    access(path, X_OK) == -1) {
			*slash = '/';
			return -1;
		}
		*slash = '/';
	}
	return mkdir(path, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

/* The file, of whatever it is to be used for; -1 with errno. */
static int
open_file(const struct past *past, int flags)
{
	struct stat st;
	int fd = openat(past->folder, PAST_NAME,
	    flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int
past_open(struct past *past)
{
	char path[PAST_PATH_MAX];
	int fd, saved;

	memset(past, 0, sizeof(*past));
	past->folder = -1;
	if (!find_state(path))
		return 0;
	if (make_folders(path) == -1)
		return -1;
	past->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (past->folder == -1)
		return -1;
	fd = open_file(past, O_RDWR | O_CREAT | O_APPEND);
	if (fd == -1) {
		saved = errno;
		past_close(past);
		errno = saved;
		return -1;
	}
	close(fd);
	return 0;
}

void
past_close(struct past *past)
{
	if (past->folder != -1)
		close(past->folder);
	past->folder = -1;
	free(past->last);
	past->last = NULL;
}

static int
lock(const struct past *past)
{
	return flock(past->folder, LOCK_EX);
}

static void
unlock(const struct past *past)
{
	int saved = errno;

	flock(past->folder, LOCK_UN);
	errno = saved;
}

/* Read all of a file, or its end, from the start of a line on. */
static int
read_text(int fd, struct text *text)
{
	struct stat st;
	char *newline;
	off_t from = 0;
	ssize_t n = 1;

	memset(text, 0, sizeof(*text));
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size > PAST_BYTES_MAX)
		from = st.st_size - PAST_BYTES_MAX;
	st.st_size -= from;
	if ((text->data = malloc((size_t)st.st_size + 1)) == NULL)
		return -1;
	while (text->len < (size_t)st.st_size && n > 0) {
		n = pread(fd, text->data + text->len,
		    (size_t)st.st_size - text->len,
		    from + (off_t)text->len);
		if (n > 0)
			text->len += (size_t)n;
	}
	if (n == -1) {
		free(text->data);
		return -1;
	}
	if (from > 0 && text->len > 0 && (newline = memchr(text->data, '\n',
	    text->len)) != NULL) {
		text->len -= (size_t)(newline + 1 - text->data);
		memmove(text->data, newline + 1, text->len);
	}
	return 0;
}

/* Where the last lines begin, and how many there are in all. */
static size_t
find_last(const struct text *text, size_t *n)
{
	size_t from = 0, lines = 0;

	*n = 0;
	for (size_t i = text->len; i > 0; i--) {
		if (text->data[i - 1] != '\n' || i == text->len)
			continue;
		if (++lines == PAST_LINES)
			from = i;
	}
	*n = text->len > 0 ? lines + 1 : 0;
	return from;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len > 0; data += n, len -= (size_t)n) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		if (n == -1)
			return -1;
	}
	return 0;
}

/* Put these lines in the place of all; what was there stays if that fails. */
static void
replace(struct past *past, const char *data, size_t len)
{
	int fd = openat(past->folder, PAST_NEW,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool written;

	if (fd == -1)
		return;
	written = write_all(fd, data, len) == 0 && fsync(fd) == 0;
	if ((close(fd) == -1 || !written ||
	    renameat(past->folder, PAST_NEW, past->folder, PAST_NAME) == -1))
		unlinkat(past->folder, PAST_NEW, 0);
	past->added = 0;
}

/* Read the file under the lock, and make it shorter when it is long. */
static int
read_short(struct past *past, struct text *text)
{
	size_t from, n;
	int fd = open_file(past, O_RDONLY), error;

	if (fd == -1)
		return -1;
	error = read_text(fd, text);
	close(fd);
	if (error == -1)
		return -1;
	from = find_last(text, &n);
	text->len -= from;
	memmove(text->data, text->data + from, text->len);
	/* Not at each start: now and then. */
	if (n >= (size_t)2 * PAST_LINES)
		replace(past, text->data, text->len);
	return 0;
}

int
past_load(struct past *past, void (*add)(void *arg, const char *line),
    void *arg)
{
	struct text text;
	char *line, *end, *rest;
	int error;

	if (past->folder == -1)
		return 0;
	if (lock(past) == -1)
		return -1;
	error = read_short(past, &text);
	unlock(past);
	if (error == -1)
		return -1;
	text.data[text.len] = '\0';
	end = text.data + text.len;
	for (line = text.data; line < end; line = rest) {
		if ((rest = memchr(line, '\n', (size_t)(end - line))) != NULL)
			*rest++ = '\0';
		else
			rest = end;
		if (*line == '\0')
			continue;
		add(arg, line);
		if (rest == end)
			past->last = strdup(line);
	}
	free(text.data);
	return 0;
}

static bool
is_kept(const struct past *past, const char *line, size_t len)
{
	if (len == 0 || *line == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return false;
	return past->last == NULL || strlen(past->last) != len ||
	    memcmp(past->last, line, len) != 0;
}

/* Write at the end of a file: all, or nothing. */
static void
write_end(int fd, const char *data, size_t len)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && write_all(fd, data, len) == -1 &&
	    ftruncate(fd, st.st_size) == -1)
		return;
}

/* Add a line with its newline at the end of the file. */
static void
append(struct past *past, const char *line, size_t len)
{
	struct text text;
	int fd;

	if (lock(past) == -1)
		return;
	fd = open_file(past, O_WRONLY | O_CREAT | O_APPEND);
	if (fd != -1) {
		write_end(fd, line, len);
		close(fd);
		if (++past->added >= PAST_LINES &&
		    read_short(past, &text) == 0) {
			past->added = 0;
			free(text.data);
		}
	}
	unlock(past);
}

bool
past_add(struct past *past, const char *line, size_t len)
{
	char *copy;

	if (!is_kept(past, line, len))
		return false;
	if ((copy = malloc(len + 2)) == NULL)
		return false;
	memcpy(copy, line, len);
	memcpy(copy + len, "\n", 2);
	if (past->folder != -1)
		append(past, copy, len + 1);
	copy[len] = '\0';
	free(past->last);
	past->last = copy;
	return true;
}
