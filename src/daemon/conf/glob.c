/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The files that a word of a line means: a path, or all that a glob matches.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/file.h"

#define GLOB_CHARACTERS	"*?["

/* Of a glob: whether a folder that cannot be read is an error. */
static int
glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

/*
 * As file_beside() for a glob: the folder stands for itself, whatever
 * characters are in its name.
 */
static char *
glob_beside(const char *file, const char *pattern)
{
	const char *slash = strrchr(file, '/');
	size_t folder = slash != NULL ? (size_t)(slash + 1 - file) : 0, n = 0;
	char *joined;

	if (pattern[0] == '/')
		return strdup(pattern);
	joined = malloc(2 * folder + strlen(pattern) + 1);
	if (joined == NULL)
		return NULL;
	for (size_t i = 0; i < folder; i++) {
		if (strchr(GLOB_CHARACTERS "\\", file[i]) != NULL)
			joined[n++] = '\\';
		joined[n++] = file[i];
	}
	strcpy(joined + n, pattern);
	return joined;
}

static int
add_path(struct parser *parser, const char *path, char ***paths, size_t *n)
{
	char **more = reallocarray(*paths, *n + 1, sizeof(*more));
	char *one = parse_copy(parser, path, strlen(path));

	if (more != NULL)
		*paths = more;
	if (more == NULL || one == NULL) {
		free(one);
		return -1;
	}
	more[(*n)++] = one;
	return 0;
}

void
parse_free_paths(char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}

int
parse_glob(struct parser *parser, const char *path, char ***paths, size_t *n)
{
	bool plain = strpbrk(path, GLOB_CHARACTERS) == NULL;
	char *pattern = plain ? file_beside(parser->file, path) :
	    glob_beside(parser->file, path);
	glob_t found;
	int error = 0;

	*paths = NULL;
	*n = 0;
	if (pattern == NULL) {
		parse_problem(parser, "%s", strerror(errno));
		return -1;
	}
	if (plain) {
		error = add_path(parser, pattern, paths, n);
		free(pattern);
		return error;
	}
	switch (glob(pattern, 0, glob_error, &found)) {
	case 0:
		for (size_t i = 0; i < found.gl_pathc && error == 0; i++)
			error = add_path(parser, found.gl_pathv[i], paths, n);
		globfree(&found);
		break;
	case GLOB_NOMATCH:
		break;
	default:
		parse_problem(parser, "cannot read the folders of %s: %s",
		    pattern, strerror(errno));
		error = -1;
	}
	free(pattern);
	return error;
}
