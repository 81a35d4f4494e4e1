/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Outcomes are texts, so that one comparison sees all that differs.
 */

#include "config.h"

#include "loaded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/escape.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source.h"
#include "daemon/source/source_job.h"
#include "folder.h"

static struct source_tuning usual;
struct table_options loaded_options;
struct table_columns loaded_columns;

int
loaded_setup(void **state)
{
	(void)state;
	loaded_options = (struct table_options){ .name = "t",
	    .ways = TABLE_WAY(TABLE_EXACT) };
	loaded_columns = (struct table_columns){ .key = NULL };
	usual = source_tuning;
	return 0;
}

int
loaded_teardown(void **state)
{
	(void)state;
	source_tuning = usual;
	return 0;
}

struct table *
loaded_table(const char *const *paths, size_t n, unsigned int threads,
    struct problems *problems)
{
	struct source source = { .options = loaded_options, .paths = paths,
	    .n_paths = n, .columns = &loaded_columns, .said_file = "conf",
	    .said_line = 9 };

	*problems = (struct problems)PROBLEMS_INIT;
	return source_load(&source, threads, NULL, problems);
}

char *
loaded_outcome(const char *path, unsigned int threads)
{
	char *text = NULL, folder[4096], escaped[1000];
	size_t len = 0, n;
	struct problems problems;
	struct table *t = loaded_table(&path, 1, threads, &problems);
	FILE *f = open_memstream(&text, &len);
	table_id id = TABLE_NO_ID;
	struct table_entry e;
	const char *file, *line_text;
	unsigned int line;

	assert_non_null(f);
	assert_true((t == NULL) == (problems.n + problems.dropped > 0));
	while (t != NULL && table_next(t, &id, &e)) {
		table_locate(t, id, &file, &line);
		assert_string_equal(file, path);
		fprintf(f, "%u ", line);
		escape(escaped, sizeof(escaped), e.key, e.key_len);
		fprintf(f, "%s=", escaped);
		escape(escaped, sizeof(escaped), e.value, e.value_len);
		fprintf(f, "%s", escaped);
		if (table_weight(t, id) != 0)
			fprintf(f, " *%u", table_weight(t, id));
		fprintf(f, "\n");
	}
	n = (size_t)(strrchr(path, '/') + 1 - path);
	memcpy(folder, path, n);
	folder[n] = '\0';
	for (size_t i = 0; i < problems.n; i++) {
		char *at;

		line_text = problems.list[i].text;
		while ((at = strstr(line_text, folder)) != NULL) {
			fprintf(f, "%.*s", (int)(at - line_text), line_text);
			line_text = at + n;
		}
		fprintf(f, "%s\n", line_text);
	}
	if (problems.dropped > 0)
		fprintf(f, "and %zu more\n", problems.dropped);
	assert_int_equal(fclose(f), 0);
	table_unref(t);
	problems_clear(&problems);
	return text;
}

void
loaded_expect(const char *path, unsigned int threads, const char *expected)
{
	char *text = loaded_outcome(path, threads);

	assert_string_equal(text, expected);
	free(text);
}

void
loaded_expect_always(const char *name, const struct text *file,
    const char *expected)
{
	const char *path;
	uint64_t parts = file->len < 70 ? file->len + 1 : 70;
	unsigned int from, to;

	/* To overwrite a file may wait for the disk. */
	unlink(folder_path(name));
	path = folder_write(name, file->p, file->len);
	loaded_expect(path, 1, expected);
	loaded_expect(path, 3, expected);
	source_tuning.parts = 100000;
	for (uint64_t part = 1; part <= parts; part++) {
		source_tuning.part_min = part;
		/* More threads where there are more parts. */
		from = part < 8 ? 1 : 1 + (unsigned int)part % 4;
		to = part < 8 ? 4 : from;
		for (unsigned int threads = from; threads <= to; threads++) {
			source_tuning.block = 1 + (part + threads) % 9;
			loaded_expect(path, threads, expected);
		}
	}
	source_tuning = usual;
}
