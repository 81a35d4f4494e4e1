/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables from files.  An input is two bytes of setup, then a file:
 *
 *	1	bits 0 and 1: .tsv, .json, .jsonl or .cdb; 2 keys are folded,
 *		3 and 4 what duplicates are: wrong, the first, the last one,
 *		joined;
 *		5 of a .cdb: the bytes are records, KEY FF ANSWER FF ..., of
 *		which a whole file is made; 6: a .csv, and bits 0 and 1 say
 *		what is said of its columns: nothing, a header, the second one
 *		is the key and the first the answer, the answer is all
 *	1	where the file is cut, and what is read at once
 *
 * A file is refused, with problems that name it and of a text a line that it
 * has, or makes a table.  Then each entry that a walk meets is found by its
 * key, there are as many as the table says, and their texts are fit for a
 * reply.
 *
 * Cut into parts, read by small blocks or in two threads, mapped or copied,
 * the outcome must be the same; and the entries, written as .tsv, make that
 * table again.
 */

#include "config.h"

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "../unit/cdbs.h"
#include "../unit/plain.h"
#include "common/escape.h"
#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source_job.h"
#include "daemon/table/fold.h"
#include "daemon/table/table.h"
#include "fuzz_files.h"
#include "fuzz_json.h"
#include "lib/appmsg.h"

#define SETUP_SIZE	2

const unsigned int fuzz_runs = 3000;

enum format { TSV, JSON, JSONL, CDB, CSV };

static const char *const file_names[] = { "f.tsv", "f.json", "f.jsonl",
    "f.cdb", "f.csv" };

/* What is said of the columns of a .csv. */
static struct table_columns columns;

static void
read_columns(uint8_t setup)
{
	static char one[] = "1", two[] = "2", all[] = "*";

	columns = (struct table_columns){
		.header = (setup & 3) == 1 ? TABLE_HEADER_YES :
		    TABLE_HEADER_AUTO,
		.key = (setup & 3) == 2 ? two : NULL,
		.answer = (setup & 3) == 2 ? one : (setup & 3) == 3 ? all :
		    NULL
	};
}

static struct table_options
read_options(uint8_t setup)
{
	return (struct table_options){
		.name = "t",
		.ways = TABLE_WAY(TABLE_EXACT) | TABLE_WAY(TABLE_PREFIX),
		.fold = setup & 4 && fold_available(),
		.duplicates = (setup & 24) == 24 ? TABLE_DUPLICATES_JOIN :
		    setup & 16 ? TABLE_DUPLICATES_LAST :
		    setup & 8 ? TABLE_DUPLICATES_FIRST :
		    TABLE_DUPLICATES_ERROR
	};
}

/* Sizes from one byte; 0: as they are. */
static void
tune(uint8_t setup)
{
	static struct source_tuning usual;

	if (usual.block == 0)
		usual = source_tuning;
	source_tuning = usual;
	if (setup == 0)
		return;
	source_tuning.part_min = 1 + (setup & 15);
	source_tuning.parts = 1 + (setup >> 2 & 31);
	source_tuning.block = 1 + (setup >> 4);
}

static struct table *
load(const char *name, const struct table_options *options,
    unsigned int threads, struct problems *problems)
{
	/* They live as long as the table. */
	static char paths[2][4096];
	static const char *list[2][1];
	static unsigned int next;
	struct source source = { .options = *options, .n_paths = 1,
	    .columns = &columns, .said_file = "conf", .said_line = 7 };

	next = (next + 1) % 2;
	strlcpy(paths[next], files_path(name), sizeof(paths[next]));
	list[next][0] = paths[next];
	source.paths = list[next];
	return source_load(&source, threads, NULL, problems);
}

static size_t
count_lines(const uint8_t *p, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += p[i] == '\n';
	return n;
}

static void
check_problems(const struct problems *problems, enum format format,
    const uint8_t *data, size_t len)
{
	FUZZ_CHECK(problems->n > 0);
	for (size_t i = 0; i < problems->n; i++) {
		const struct problem *p = &problems->list[i];

		FUZZ_CHECK(strstr(p->text, file_names[format]) != NULL);
		/* The number of those that are not told. */
		if (p->more > 0)
			continue;
		if (strcmp(p->file, "conf") == 0) {
			FUZZ_CHECK(p->line == 7);
			/* All of a text is in its lines. */
			FUZZ_CHECK(format == CDB);
			continue;
		}
		FUZZ_CHECK(strcmp(p->file, files_path(file_names[format])) ==
		    0);
		FUZZ_CHECK(format != CDB);
		FUZZ_CHECK(p->line > 0 && p->line <= count_lines(data, len));
	}
}

/* An answer is kept as it stands between quotes. */
static void
check_value(const struct table_entry *e)
{
	char *quoted = malloc(e->value_len + 2);
	struct json *v;

	FUZZ_CHECK(quoted != NULL);
	quoted[0] = quoted[e->value_len + 1] = '"';
	memcpy(quoted + 1, e->value, e->value_len);
	v = json_read(quoted, e->value_len + 2);
	FUZZ_CHECK(v != NULL && v->kind == JSON_STRING && !v->lone);
	json_free(v);
	free(quoted);
}

static void
check_table(const struct table *t, const struct table_options *options,
    enum format format, const uint8_t *data, size_t len)
{
	struct table_entry e, found;
	table_id id = TABLE_NO_ID;
	unsigned int line, before = 0;
	const char *file;
	size_t n = 0;

	for (; table_next(t, &id, &e); n++) {
		FUZZ_CHECK(e.key_len > 0 && e.shown_len > 0 &&
		    e.shown_len <= TABLE_KEY_MAX);
		FUZZ_CHECK(options->fold || (e.key_len == e.shown_len &&
		    memcmp(e.key, e.shown, e.key_len) == 0));
		FUZZ_CHECK(plain_utf8((const uint8_t *)e.key, e.key_len) ==
		    e.key_len);
		check_value(&e);
		FUZZ_CHECK(table_find_own(t, e.key, e.key_len, e.shown,
		    e.shown_len, &found) == id);
		FUZZ_CHECK(found.value == e.value);
		table_locate(t, id, &file, &line);
		FUZZ_CHECK(strcmp(file, files_path(file_names[format])) == 0);
		/* What is joined stands behind all else. */
		FUZZ_CHECK(line >= before ||
		    options->duplicates == TABLE_DUPLICATES_JOIN);
		FUZZ_CHECK((line == 0) == (format == CDB));
		FUZZ_CHECK(line <= count_lines(data, len));
		before = line;
	}
	FUZZ_CHECK(n == table_count(t));
	FUZZ_CHECK(table_find(t, "no such key", 11, &found) == TABLE_NO_ID ||
	    memmem(data, len, "o such k", 8) != NULL ||
	    memmem(data, len, "\\", 1) != NULL || options->fold);
}

/* Every entry of both, in order. */
static void
check_same(const struct table *a, const struct table *b, bool lines)
{
	table_id x = TABLE_NO_ID, y = TABLE_NO_ID;
	unsigned int line_a, line_b;
	struct table_entry d, e;
	const char *file;

	FUZZ_CHECK(table_count(a) == table_count(b));
	while (table_next(a, &x, &d)) {
		FUZZ_CHECK(table_next(b, &y, &e));
		FUZZ_CHECK(d.shown_len == e.shown_len &&
		    memcmp(d.shown, e.shown, d.shown_len) == 0);
		FUZZ_CHECK(d.value_len == e.value_len &&
		    memcmp(d.value, e.value, d.value_len) == 0);
		table_locate(a, x, &file, &line_a);
		table_locate(b, y, &file, &line_b);
		FUZZ_CHECK(!lines || line_a == line_b);
	}
}

static void
check_same_problems(const struct problems *a, const struct problems *b)
{
	FUZZ_CHECK(a->n == b->n && a->dropped == b->dropped);
	for (size_t i = 0; i < a->n; i++)
		FUZZ_CHECK(strcmp(a->list[i].text, b->list[i].text) == 0);
}

/* Once more, in another way. */
static void
load_again(const struct table *t, const struct problems *before,
    enum format format, const struct table_options *options,
    unsigned int threads)
{
	struct problems problems = PROBLEMS_INIT;
	struct table *again = load(file_names[format], options, threads,
	    &problems);

	FUZZ_CHECK((again == NULL) == (t == NULL));
	check_same_problems(before, &problems);
	if (t != NULL)
		check_same(t, again, true);
	table_unref(again);
	problems_clear(&problems);
}

static void
put_field(struct buf *b, const char *text, size_t len)
{
	char *to = buf_reserve(b, ESCAPE_SIZE(len));

	FUZZ_CHECK(to != NULL);
	b->len += escape(to, ESCAPE_SIZE(len), text, len);
}

static void
put_value(struct buf *b, const struct table_entry *e)
{
	const struct appmsg_str s = { e->value, e->value_len,
	    APPMSG_STR_ESCAPED };
	char *text = malloc(e->value_len + 1);
	size_t len;

	FUZZ_CHECK(text != NULL);
	FUZZ_CHECK(appmsg_str_decode(&s, text, e->value_len, &len) == 0);
	put_field(b, text, len);
	free(text);
}

/* The entries as another file. */
static void
write_again(const struct table *t, const struct table_options *options)
{
	static struct buf b;
	struct problems problems = PROBLEMS_INIT;
	struct table_entry e;
	table_id id = TABLE_NO_ID;
	struct table *again;

	b.len = 0;
	FUZZ_CHECK(buf_add(&b, "", 0) == 0);
	while (table_next(t, &id, &e)) {
		/* At the start of a file it would be a mark. */
		bool mark = b.len == 0 && e.shown_len >= 3 &&
		    memcmp(e.shown, "\xef\xbb\xbf", 3) == 0;

		if (mark)
			FUZZ_CHECK(buf_add(&b, "\\u{feff}", 8) == 0);
		put_field(&b, e.shown + (mark ? 3 : 0), e.shown_len -
		    (mark ? 3 : 0));
		FUZZ_CHECK(buf_add(&b, "\t", 1) == 0);
		put_value(&b, &e);
		FUZZ_CHECK(buf_add(&b, "\n", 1) == 0);
	}
	files_write("again.tsv", b.data, b.len);
	again = load("again.tsv", options, 1, &problems);
	problems_print(&problems, stderr);
	FUZZ_CHECK(again != NULL);
	check_same(t, again, false);
	table_unref(again);
}

/* A field of records, and what follows it. */
static size_t
take_field(const uint8_t **data, const uint8_t *end, const char **field)
{
	const uint8_t *mark = memchr(*data, 0xff, (size_t)(end - *data));
	size_t n = (size_t)((mark != NULL ? mark : end) - *data);

	*field = (const char *)*data;
	*data = mark != NULL ? mark + 1 : end;
	return n;
}

static void
make_cdb(struct cdb_bytes *cdb, const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len;
	const char *key, *answer;
	size_t key_len, n;

	cdb_start(cdb);
	while (data < end) {
		key_len = take_field(&data, end, &key);
		n = take_field(&data, end, &answer);
		cdb_put(cdb, key, key_len, answer, n, true);
	}
	cdb_finish(cdb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct problems problems = PROBLEMS_INIT;
	static struct cdb_bytes cdb;
	struct table_options options;
	enum format format;
	bool records;
	struct table *t;
	uint8_t setup;

	if (len < SETUP_SIZE)
		return 0;
	format = data[0] & 64 ? CSV : data[0] & 3;
	read_columns(data[0]);
	options = read_options(data[0]);
	records = format == CDB && data[0] & 32;
	setup = data[1];
	data += SETUP_SIZE;
	len -= SETUP_SIZE;
	if (records) {
		make_cdb(&cdb, data, len);
		data = (const uint8_t *)cdb.p;
		len = cdb.len;
	}
	files_write(file_names[format], data, len);
	tune(0);
	t = load(file_names[format], &options, 1, &problems);
	if (t == NULL)
		check_problems(&problems, format, data, len);
	else
		check_table(t, &options, format, data, len);
	tune(setup);
	load_again(t, &problems, format, &options, 1);
	if (setup % 8 == 7)
		load_again(t, &problems, format, &options, 2);
	if (format == CDB) {
		options.mapped = true;
		load_again(t, &problems, format, &options, 1);
		options.mapped = false;
	}
	tune(0);
	if (t != NULL)
		write_again(t, &options);
	table_unref(t);
	problems_clear(&problems);
	return 0;
}
