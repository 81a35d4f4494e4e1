/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What cannot be written fails the test that wanted it.
 */

#include "config.h"

#include "folder.h"

#include <sys/stat.h>

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/base/file.h"

static char folder[PATH_MAX];

int
folder_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	/* Files are read right after they were written, all the time. */
	file_settle_ms = 0;
	if (tmp == NULL || *tmp == '\0')
		tmp = "/tmp";
	if (snprintf(folder, sizeof(folder), "%s/appmsgd-unit.XXXXXX", tmp) >=
	    (int)sizeof(folder) || mkdtemp(folder) == NULL) {
		perror(folder);
		return -1;
	}
	return 0;
}

static int
remove_cb(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
folder_teardown(void **state)
{
	(void)state;
	return nftw(folder, remove_cb, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
folder_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	assert_true(snprintf(path, PATH_MAX, "%s/%s", folder, name) <
	    PATH_MAX);
	return path;
}

const char *
folder_write(const char *name, const void *bytes, size_t len)
{
	const char *path = folder_path(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

const char *
folder_write_text(const char *name, const char *text)
{
	return folder_write(name, text, strlen(text));
}
