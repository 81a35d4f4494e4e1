/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "fuzz_files.h"

#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/snapshot/generation.h"
#include "daemon/table/fold.h"
#include "fuzz.h"

#define LARGE		10008	/* entries; from 10,000 on they are fetched */
#define NAMES_MAX	16	/* files that were written */

static char folder[] = "/tmp/appmsgd-fuzz.XXXXXX";
static char names[NAMES_MAX][32];
static size_t n_names;

static void
remove_all(void)
{
	for (size_t i = 0; i < n_names; i++)
		unlink(files_path(names[i]));
	rmdir(folder);
}

const char *
files_path(const char *name)
{
	static char path[PATH_MAX];
	static bool made;

	if (!made) {
		if (mkdtemp(folder) == NULL)
			err(1, "%s", folder);
		/* Nobody else writes them: no need to wait, not even for a
		 * clock that is behind the one of the files. */
		file_settle_ms = -1000;
		atexit(remove_all);
		made = true;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

void
files_keep(const char *name)
{
	for (size_t i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return;
	FUZZ_CHECK(n_names < NAMES_MAX && strlen(name) < sizeof(*names));
	strcpy(names[n_names++], name);
}

void
files_write(const char *name, const void *data, size_t len)
{
	const char *path = files_path(name);
	FILE *f = fopen(path, "wb");

	files_keep(name);
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		err(1, "%s", path);
}

void
files_remove(const char *name)
{
	unlink(files_path(name));
}

/* What is the default, and text. */
#ifdef HAVE_DIVSUFSORT
#define WAYS	"search=exact,prefix,suffix,substring,fuzzy,words,text"
#else
#define WAYS	"search=exact,prefix,fuzzy,words,text"
#endif

static const char *const confs[FILES_TABLES] = {
	"listen 127.0.0.1 0\n"
	"table main " WAYS "\n"
	"answer ring \"In the caves. \xf0\x9f\x92\x8d\"\n"
	"answer a \"\"\n"
	"answer \"\\u0000\" \"\\u0000\\\"\\\\\\n\xc3\xa4\"\n"
	"table words file words.tsv " WAYS "\n"
	"binary logo file logo type=\"image/\\\"x\\\"\"\n"
	"binary \"\\u0000\" file logo\n",

	"listen 127.0.0.1 0\n"
	"answer ring first\n"
	"table words file words.tsv fold=yes duplicates=last " WAYS "\n"
	"table again file again.tsv search=exact,prefix\n"
	"table folded file again.tsv fold=yes\n",

	"listen 127.0.0.1 0\n"
	"answer k1 first\n"
	"table large file large.tsv search=exact\n"
	"table words file words.tsv\n",

	"listen 127.0.0.1 0\n",
};

static const char words[] =
	"ring\thidden by the first\nrings\t\nring road\tM\xc3\xbcnchen\n"
	"string\t\\n\nspring\t\xf0\x9f\x8c\xb1\nw\xc3\xa4hrung\tEUR\n"
	"W\xc3\xa4hrung\t\xe2\x82\xac\nri\t1\nrin\t2\nrung\t3\ngnir\t4\n"
	"\xf0\x9f\x92\x8d\tring\n";

static const char again[] =
	"Ring\tof again\nspring\t\\\\\nSTRASSE\t1\nk2\tof again\n"
	"x\\0y\t\\0\n\\u{1f430}\t\\u{1f430}\n";

static void
write_all(void)
{
	char *large = malloc(LARGE * 32), *to = large;

	FUZZ_CHECK(large != NULL);
	for (int i = 0; i < LARGE; i++)
		to += sprintf(to, "k%d\tthe answer of %d\n", i, i);
	files_write("large.tsv", large, (size_t)(to - large));
	free(large);
	files_write("words.tsv", words, sizeof(words) - 1);
	files_write("again.tsv", again, sizeof(again) - 1);
	files_write("logo", "\x89PNG", 4);
}

struct generation *
files_tables(unsigned int which)
{
	static struct generation *gens[FILES_TABLES];
	struct problems problems = PROBLEMS_INIT;

	/* Without folding there is one set less. */
	if (which == 1 && !fold_available())
		which = 0;
	if (gens[which] != NULL)
		return gens[which];
	write_all();
	files_write("tables.conf", confs[which], strlen(confs[which]));
	gens[which] = generation_load(files_path("tables.conf"), NULL,
	    &problems);
	problems_print(&problems, stderr);
	FUZZ_CHECK(gens[which] != NULL);
	return gens[which];
}
