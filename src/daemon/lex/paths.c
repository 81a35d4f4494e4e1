/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The files that a word of a line means: a path, or all that a pattern
 * matches.  Not by glob(3): it takes a folder that could not be read to its
 * end, or a file that could not be looked for, as having no match, and so a
 * load would lose files without a word.
 */

#include "config.h"

#include "daemon/lex/paths.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/file.h"

#define PATTERN_CHARACTERS	"*?["

struct paths {
	char **list;		/* owned, as each of them */
	size_t n;
};

void
paths_free(char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}

static void
paths_clear(struct paths *paths)
{
	paths_free(paths->list, paths->n);
	*paths = (struct paths){ .list = NULL };
}

static int
paths_add(struct paths *paths, const char *folder, const char *name,
    const char *end)
{
	char **more = reallocarray(paths->list, paths->n + 1, sizeof(*more));
	char *one;

	if (more == NULL)
		return -1;
	paths->list = more;
	if (asprintf(&one, "%s%s%s", folder, name, end) == -1) {
		errno = ENOMEM;
		return -1;
	}
	more[paths->n++] = one;
	return 0;
}

/* What is not there does not match; all other errors are told. */
static bool
is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/* Add what a folder has that matches; -1 with errno. */
static int
match_folder(struct paths *paths, const char *folder, const char *pattern,
    const char *end)
{
	DIR *dir = opendir(*folder != '\0' ? folder : ".");
	const struct dirent *d;
	int error = 0, why;

	if (dir == NULL)
		return is_absent(errno) ? 0 : -1;
	for (;;) {
		errno = 0;
		if ((d = readdir(dir)) == NULL) {
			error = errno != 0 ? -1 : 0;
			break;
		}
		if (fnmatch(pattern, d->d_name, FNM_PERIOD) == 0 &&
		    (error = paths_add(paths, folder, d->d_name, end)) != 0)
			break;
	}
	why = errno;
	closedir(dir);
	errno = why;
	return error;
}

/*
 * A part of a pattern, between slashes.
 *
 * Returns it, owned by the caller: a pattern, or a name without its escapes;
 * or NULL with errno.
 */
static char *
part_new(const char *text, size_t len, bool *is_pattern)
{
	char *part = malloc(len + 1);
	size_t n = 0;

	*is_pattern = false;
	if (part == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len) {
			i++;
		} else if (text[i] == '\\' && text[len] == '/') {
			len--;		/* a slash is one, escaped or not */
			break;
		} else if (strchr(PATTERN_CHARACTERS, text[i]) != NULL) {
			*is_pattern = true;
		}
		part[n++] = text[i];
	}
	if (*is_pattern)
		memcpy(part, text, n = len);
	part[n] = '\0';
	return part;
}

/* Go one part further from each of some paths; -1 with errno. */
static int
paths_step(struct paths *paths, const char *text, size_t len, const char *end)
{
	struct paths next = { .list = NULL };
	bool is_pattern;
	char *part = part_new(text, len, &is_pattern);
	int error = part == NULL ? -1 : 0;

	for (size_t i = 0; i < paths->n && error == 0; i++)
		error = is_pattern ? match_folder(&next, paths->list[i], part,
		    end) : paths_add(&next, paths->list[i], part, end);
	free(part);
	paths_clear(paths);
	*paths = next;
	return error;
}

/* Leave out those that are not there; -1 with errno. */
static int
paths_check(struct paths *paths)
{
	size_t n = 0;
	int error = 0;

	for (size_t i = 0; i < paths->n; i++) {
		struct stat sb;
		char *one = paths->list[i];

		if (error != 0 || lstat(one, &sb) == 0) {
			paths->list[n++] = one;
		} else if (is_absent(errno)) {
			free(one);
		} else {
			error = -1;
			paths->list[n++] = one;
		}
	}
	paths->n = n;
	return error;
}

static int
path_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that a pattern matches, beside a file; -1 with errno. */
static int
paths_match(struct paths *paths, const char *file, const char *pattern)
{
	const char *slash = pattern[0] == '/' ? NULL : strrchr(file, '/');
	size_t folder = slash != NULL ? (size_t)(slash + 1 - file) : 0;
	char *start = strndup(file, folder);
	int error = start == NULL ? -1 : paths_add(paths, start, "", "");

	free(start);
	while (error == 0 && *pattern != '\0') {
		size_t len = strcspn(pattern, "/");
		bool more = pattern[len] == '/';

		error = paths_step(paths, pattern, len, more ? "/" : "");
		pattern += len + more;
	}
	if (error == 0)
		error = paths_check(paths);
	if (error == 0 && paths->n > 0)
		qsort(paths->list, paths->n, sizeof(*paths->list), path_cmp);
	return error;
}

static int
paths_plain(struct paths *paths, const char *file, const char *path)
{
	char *one = file_beside(file, path);
	int error = one == NULL ? -1 : paths_add(paths, one, "", "");

	free(one);
	return error;
}

bool
paths_is_pattern(const char *path)
{
	return strpbrk(path, PATTERN_CHARACTERS) != NULL;
}

int
paths_find(const char *file, const char *path, char ***list, size_t *n)
{
	struct paths paths = { .list = NULL };
	int error = paths_is_pattern(path) ?
	    paths_match(&paths, file, path) : paths_plain(&paths, file, path);
	int why = errno;

	if (error != 0) {
		paths_clear(&paths);
		errno = why;
	}
	*list = paths.list;
	*n = paths.n;
	return error;
}
