/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a table is like is asked of it; what it was made of, of its directive.
 */

#include "config.h"

#include "daemon/snapshot/inventory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/human.h"
#include "daemon/base/address.h"
#include "daemon/base/buf.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
#include "daemon/builder/builder.h"
#include "daemon/conf/conf.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/hidden.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/table/digest.h"

/* The cells of a line for people, the files behind them. */
enum {
	CELL_NAME,
	CELL_KIND,
	CELL_ENTRIES,
	CELL_MEMORY,
	CELL_HIDDEN,
	CELL_LOADED,
	CELL_WAYS,
	CELL_DIGEST,
	CELLS
};
#define CELL_SIZE	128	/* a name has 64 bytes at most */
typedef char cells[CELLS][CELL_SIZE];

/* What the table itself says: of the others there is one for each directive. */
static void
fill(struct inventory_row *row, const struct table *t, bool binary)
{
	bool of_lines = strcmp(table_name(t), CONF_MAIN) == 0;

	*row = (struct inventory_row){ .name = table_name(t),
	    .kind = binary ? "binary" : of_lines ? "answer" : "file",
	    .entries = table_count(t), .bytes = table_memory(t),
	    .ways = table_ways(t), .binary = binary,
	    .folds = table_folds(t), .loaded = table_loaded(t),
	    .digest = table_digest(t) };
}

static const struct conf_table *
find_directive(const struct conf *conf, const char *name)
{
	const struct conf_table *t;

	if (strcmp(name, CONF_MAIN) == 0)
		return NULL;
	STAILQ_FOREACH(t, &conf->tables, entry)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

/* What its directive says, which must be looked for. */
static void
fill_files(struct inventory_row *row, const struct conf *conf,
    const struct table *t)
{
	const struct conf_table *said = find_directive(conf, row->name);

	if (said != NULL) {
		row->files = (const char *const *)said->paths;
		row->n_files = said->n_paths;
		row->mapped = said->mmap;
		return;
	}
	row->files = table_files(t);
	while (row->files[row->n_files] != NULL)
		row->n_files++;
}

/* What is known here of one on other machines. */
static void
fill_later(struct inventory_row *row, const struct later *later)
{
	*row = (struct inventory_row){ .name = later->name,
	    .kind = remotes_kind(later->what), .remote = later->what,
	    .ways = TABLE_WAY(TABLE_EXACT) };
}

/*
 * The table of a row that answers later, or NULL.
 *
 * row  then becomes what its number is without these
 */
static const struct later *
find_later(const struct snapshot *snap, size_t *row)
{
	const struct table *const *list;
	const struct later *later;
	size_t n, before, at, k = 0;

	list = snapshot_tables(snap, &n);
	while ((later = snapshot_later_at(snap, k, &before)) != NULL) {
		at = before - (before > 0 && !snapshot_is_told(list[0])) + k;
		if (*row == at)
			return later;
		if (*row < at)
			break;
		k++;
	}
	*row -= k;
	return NULL;
}

/*
 * The tables of a row's sort, and where among them its own is; or NULL.
 */
static const struct table *const *
find_table(const struct snapshot *snap, size_t row, size_t *at, bool *binary)
{
	const struct table *const *list;
	size_t n;

	for (int blobs = 0; blobs < 2; blobs++) {
		list = blobs ? snapshot_blobs(snap, &n) :
		    snapshot_tables(snap, &n);
		*binary = blobs;
		/* Those of lines are the first. */
		*at = row + (n > 0 && !snapshot_is_told(list[0]));
		if (*at < n)
			return list;
		row = *at - n;
	}
	return NULL;
}

bool
inventory_row(const struct generation *gen, size_t i,
    struct inventory_row *row)
{
	const struct later *later = find_later(gen->snap, &i);
	const struct table *const *list;
	bool binary;
	size_t at;

	if (later != NULL) {
		fill_later(row, later);
		return true;
	}
	list = find_table(gen->snap, i, &at, &binary);
	if (list != NULL)
		fill(row, list[at], binary);
	return list != NULL;
}

/* How many rows there may be. */
static size_t
count_rows(const struct snapshot *snap)
{
	size_t n_answers, n_blobs, n_laters = 0, before;

	snapshot_tables(snap, &n_answers);
	snapshot_blobs(snap, &n_blobs);
	while (snapshot_later_at(snap, n_laters, &before) != NULL)
		n_laters++;
	return n_answers + n_blobs + n_laters;
}

int
inventory_count(const struct generation *gen, const atomic_bool *stop,
    struct inventory_row **rows, size_t *n)
{
	const struct table *const *list;
	struct inventory_row *row;
	size_t at, i;
	bool binary;

	*rows = calloc(count_rows(gen->snap) + 1, sizeof(**rows));
	if (*rows == NULL)
		return -1;
	for (*n = 0; inventory_row(gen, *n, row = *rows + *n); ++*n) {
		if (row->remote != NULL)
			continue;
		i = *n;
		find_later(gen->snap, &i);
		list = find_table(gen->snap, i, &at, &binary);
		fill_files(row, gen->conf, list[at]);
		if (hidden_count(list, at, stop, &row->hidden) != 0) {
			free(*rows);
			return -1;
		}
	}
	return 0;
}

static void
set_ways(unsigned int ways, char *text, size_t cap)
{
	*text = '\0';
	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (ways & TABLE_WAY(i)) {
			if (*text != '\0')
				strlcat(text, ",", cap);
			strlcat(text, table_way_names[i], cap);
		}
}

/* What only its servers know, if somebody asked them. */
static void
set_remote(const struct inventory_row *row, cells c)
{
	for (size_t i = CELL_ENTRIES; i < CELLS; i++)
		strlcpy(c[i], "-", CELL_SIZE);
	if (row->look.published == 0)
		return;
	snprintf(c[CELL_ENTRIES], CELL_SIZE, "%" PRIu64, row->look.entries);
	iso_time_local(row->look.published_at, c[CELL_LOADED]);
	strlcpy(c[CELL_DIGEST], row->look.digest, CELL_SIZE);
}

static void
set_cells(const struct inventory_row *row, cells c)
{
	strlcpy(c[CELL_NAME], row->name, CELL_SIZE);
	strlcpy(c[CELL_KIND], row->kind, CELL_SIZE);
	if (row->remote != NULL) {
		set_remote(row, c);
		set_ways(row->ways, c[CELL_WAYS], CELL_SIZE);
		return;
	}
	snprintf(c[CELL_ENTRIES], CELL_SIZE, "%zu", row->entries);
	human_bytes(row->bytes, c[CELL_MEMORY]);
	snprintf(c[CELL_HIDDEN], CELL_SIZE, "%zu", row->hidden);
	iso_time_local(row->loaded, c[CELL_LOADED]);
	set_ways(row->ways, c[CELL_WAYS], CELL_SIZE);
	digest_text(row->digest, c[CELL_DIGEST]);
}

static void
widen(cells c, size_t *widths)
{
	for (size_t i = 0; i < CELLS; i++)
		if (strlen(c[i]) > widths[i])
			widths[i] = strlen(c[i]);
}

/* Numbers are right, words left. */
static int
add_cells(struct buf *b, cells c, const size_t *widths)
{
	for (size_t i = 0; i < CELLS; i++) {
		bool right = i >= CELL_ENTRIES && i <= CELL_HIDDEN;
		char cell[CELL_SIZE + 2];
		int len = snprintf(cell, sizeof(cell), "%*s  ",
		    right ? (int)widths[i] : -(int)widths[i], c[i]);

		if (len < 0 || buf_add(b, cell, (size_t)len) != 0)
			return -1;
	}
	return 0;
}

/* The first server, how many there are besides, and how they are. */
static int
add_servers(struct buf *b, const struct inventory_row *row)
{
	const struct conf_server *first = &row->remote->servers[0];
	const struct remote_look *look = &row->look;
	char text[ADDRESS_MAX + 128], address[ADDRESS_MAX], more[64] = "";
	int len;

	if (row->remote->n_servers > 1)
		snprintf(more, sizeof(more), " and %zu more",
		    row->remote->n_servers - 1);
	len = snprintf(text, sizeof(text), "%s%s%s%s", address_text(
	    (const struct sockaddr *)&first->ss, first->ss_len, address,
	    sizeof(address)), more, !look->known ? "" : look->up ? ", up" :
	    ", down: ", !look->known || look->up ? "" :
	    remote_cause_words[look->cause]);
	return buf_add(b, text, (size_t)len);
}

/* The first file, and how many there are besides. */
static int
add_files(struct buf *b, const struct inventory_row *row)
{
	char more[64] = "";
	size_t len, cap;
	char *to;

	if (row->remote != NULL)
		return add_servers(b, row);
	if (row->n_files == 0)
		return buf_add(b, "-", 1);
	len = strlen(row->files[0]);
	cap = ESCAPE_SIZE(len);
	if ((to = buf_reserve(b, cap)) == NULL)
		return -1;
	escape(to, cap, row->files[0], len);
	b->len += strlen(to);
	if (row->n_files > 1)
		snprintf(more, sizeof(more), " and %zu more",
		    row->n_files - 1);
	return buf_add(b, more, strlen(more));
}

int
inventory_text(const struct inventory_row *rows, size_t n, struct buf *b)
{
	cells c = { "table", "kind", "entries", "memory", "hidden", "loaded",
	    "ways", "digest" };
	size_t widths[CELLS] = { 0 };
	cells head;

	memcpy(head, c, sizeof(head));
	widen(head, widths);
	for (size_t i = 0; i < n; i++) {
		set_cells(&rows[i], c);
		widen(c, widths);
	}
	if (add_cells(b, head, widths) != 0 || buf_add(b, "files", 5) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		set_cells(&rows[i], c);
		if (buf_add(b, "\n", 1) != 0 ||
		    add_cells(b, c, widths) != 0 ||
		    add_files(b, &rows[i]) != 0)
			return -1;
	}
	return 0;
}

static void
tell_remote(const struct inventory_row *row, struct tell *t)
{
	tell_object(t, NULL);
	tell_text(t, "table", row->name);
	tell_text(t, "kind", row->kind);
	tell_bool(t, "binary", false);
	tell_number(t, "entries", row->look.entries);
	tell_array(t, "ways");
	tell_text(t, NULL, table_way_names[TABLE_EXACT]);
	tell_end(t);
	remotes_tell(row->remote, &row->look, t);
	tell_end(t);
}

static void
tell_row(const struct inventory_row *row, struct tell *t)
{
	char loaded[ISO_TIME_SIZE], digest[DIGEST_TEXT_SIZE];

	iso_time_local(row->loaded, loaded);
	tell_object(t, NULL);
	tell_text(t, "table", row->name);
	tell_text(t, "kind", row->kind);
	tell_bool(t, "binary", row->binary);
	tell_array(t, "files");
	for (size_t i = 0; i < row->n_files; i++)
		tell_path(t, NULL, row->files[i]);
	tell_end(t);
	tell_number(t, "entries", row->entries);
	tell_number(t, "bytes", row->bytes);
	tell_number(t, "hidden", row->hidden);
	tell_array(t, "ways");
	for (size_t i = 0; i < TABLE_WAYS; i++)
		if (row->ways & TABLE_WAY(i))
			tell_text(t, NULL, table_way_names[i]);
	tell_end(t);
	tell_bool(t, "fold", row->folds);
	tell_bool(t, "mmap", row->mapped);
	tell_text(t, "loaded", loaded);
	tell_text(t, "digest", digest_text(row->digest, digest));
	tell_end(t);
}

void
inventory_tell(const struct inventory_row *rows, size_t n, struct tell *t)
{
	tell_array(t, "tables");
	for (size_t i = 0; i < n; i++)
		if (rows[i].remote != NULL)
			tell_remote(&rows[i], t);
		else
			tell_row(&rows[i], t);
	tell_end(t);
}
