/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Replays inputs without a fuzzer: those in the files and folders that are
 * named, by default the harness's corpus below APPMSG_TOP.  That there are
 * none is a failure, or nothing would be tested unnoticed.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#ifndef FUZZ_CORPUS
#define FUZZ_CORPUS	"tests/fuzz/corpus"
#endif

/* Any directory entry but hidden ones. */
static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
replay_file(const char *path, size_t size)
{
	/* Of just its size: the sanitizers see a byte read too far. */
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *f = fopen(path, "rb");

	if (data == NULL || f == NULL)
		err(1, "%s", path);
	if (fread(data, 1, size, f) != size)
		errx(1, "%s: cannot read it", path);
	fclose(f);
	if (getenv("FUZZ_VERBOSE") != NULL)
		fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

/* Returns how many inputs there were. */
static unsigned int
replay(const char *path)
{
	struct dirent **entries;
	unsigned int n = 0;
	struct stat st;
	int found;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return 1;
	}
	if ((found = scandir(path, &entries, is_visible, alphasort)) == -1)
		err(1, "%s", path);
	for (int i = 0; i < found; i++) {
		char below[PATH_MAX];

		if (snprintf(below, sizeof(below), "%s/%s", path,
		    entries[i]->d_name) >= (int)sizeof(below))
			errx(1, "%s: the path is too long", path);
		n += replay(below);
		free(entries[i]);
	}
	free(entries);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *top = getenv("APPMSG_TOP");
	char corpus[PATH_MAX];
	unsigned int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	if (argc == 1) {
		snprintf(corpus, sizeof(corpus), "%s/%s",
		    top != NULL ? top : ".", FUZZ_CORPUS);
		n = replay(corpus);
	}
	printf("%u inputs\n", n);
	return n > 0 ? 0 : 1;
}
