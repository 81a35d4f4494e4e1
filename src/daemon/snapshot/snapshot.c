/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The tables in their order, and lookups across them.
 */

#include "config.h"

#include "daemon/snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/buf.h"
#include "daemon/builder/builder.h"
#include "daemon/conf/conf.h"
#include "daemon/snapshot/blobs.h"
#include "daemon/table/digest.h"
#include "daemon/table/fold.h"
#include "lib/appmsg.h"

/* Longer texts are no key, folded or not. */
#define FOLD_MAX_LEN	((size_t)4 * TABLE_KEY_MAX)

/* What a lookup must know before it asks a table. */
struct asked {
	const struct table *table;	/* has entries; NULL: later is asked */
	bool folds;
	const struct later *later;	/* owned */
	size_t before;		/* how many other tables are before it */
};

/* Tables in order, as others borrow them. */
struct tables {
	struct table **list;
	size_t n;
	struct asked *asked;		/* those that are not empty */
	size_t n_asked;
	size_t n_first;		/* of them, those before one that answers
				   later; without such a one all */
};

struct snapshot {
	struct tables answers;
	struct tables blobs;
	size_t files;
	size_t files_read;
	struct digest digest;
};

/* Count those that are asked before the first one that answers later. */
static void
set_first(struct tables *tables)
{
	size_t i = 0;

	while (i < tables->n_asked && tables->asked[i].later == NULL)
		i++;
	tables->n_first = i;
}

static int
tables_add(struct tables *tables, struct table *t)
{
	struct table **list = reallocarray(tables->list, tables->n + 1,
	    sizeof(struct table *));
	struct asked *asked;

	if (list == NULL) {
		table_unref(t);
		return -1;
	}
	tables->list = list;
	tables->list[tables->n++] = t;
	if (table_count(t) == 0)	/* as main often is */
		return 0;
	asked = reallocarray(tables->asked, tables->n_asked + 1,
	    sizeof(*asked));
	if (asked == NULL)
		return -1;
	tables->asked = asked;
	asked[tables->n_asked++] = (struct asked){ .table = t,
	    .folds = table_folds(t), .before = tables->n - 1 };
	set_first(tables);
	return 0;
}

static void
later_free(const struct later *later)
{
	if (later == NULL)
		return;
	conf_remote_unref(later->what);
	free((struct later *)later);
}

static void
tables_clear(struct tables *tables)
{
	for (size_t i = 0; i < tables->n; i++)
		table_unref(tables->list[i]);
	for (size_t i = 0; i < tables->n_asked; i++)
		later_free(tables->asked[i].later);
	free(tables->list);
	free(tables->asked);
}

struct snapshot *
snapshot_new(void)
{
	return calloc(1, sizeof(struct snapshot));
}

int
snapshot_add(struct snapshot *snap, struct table *t, bool binary)
{
	if (binary)
		return tables_add(&snap->blobs, t);
	return tables_add(&snap->answers, t);
}

bool
snapshot_is_told(const struct table *t)
{
	return table_count(t) > 0 || strcmp(table_name(t), CONF_MAIN) != 0;
}

/* A line each, that a person can write as well: NAME KIND DIGEST. */
static int
add_digests(struct buf *b, const struct tables *tables, const char *kind)
{
	for (size_t i = 0; i < tables->n; i++) {
		const struct table *t = tables->list[i];
		const char *name = table_name(t);
		char text[DIGEST_TEXT_SIZE];

		if (!snapshot_is_told(t))
			continue;
		digest_text(table_digest(t), text);
		if (buf_add(b, name, strlen(name)) != 0 ||
		    buf_add(b, kind, strlen(kind)) != 0 ||
		    buf_add(b, text, strlen(text)) != 0 ||
		    buf_add(b, "\n", 1) != 0)
			return -1;
	}
	return 0;
}

int
snapshot_end(struct snapshot *snap)
{
	struct buf b = { 0 };
	int error = -1;

	if (add_digests(&b, &snap->answers, " answers ") == 0 &&
	    add_digests(&b, &snap->blobs, " binary ") == 0) {
		snap->digest = digest_of(b.data, b.len);
		error = 0;
	}
	buf_clear(&b);
	return error;
}

const struct digest *
snapshot_digest(const struct snapshot *snap)
{
	return &snap->digest;
}

struct table *
snapshot_old(const struct snapshot *snap, const char *name, bool binary)
{
	const struct tables *tables = binary ? &snap->blobs : &snap->answers;

	for (size_t i = 0; i < tables->n; i++)
		if (strcmp(table_name(tables->list[i]), name) == 0)
			return tables->list[i];
	return NULL;
}

/* The next one that answers later, from i on; or NULL. */
static const struct asked *
next_later(const struct tables *tables, size_t *i)
{
	while (*i < tables->n_asked)
		if (tables->asked[(*i)++].later != NULL)
			return &tables->asked[*i - 1];
	return NULL;
}

const struct later *
snapshot_old_later(const struct snapshot *snap, const char *name)
{
	const struct asked *asked;

	for (size_t i = 0; (asked = next_later(&snap->answers, &i)) != NULL;)
		if (strcmp(asked->later->name, name) == 0)
			return asked->later;
	return NULL;
}

const struct later *
snapshot_later_at(const struct snapshot *snap, size_t at, size_t *before)
{
	const struct asked *asked;
	size_t i = 0;

	while ((asked = next_later(&snap->answers, &i)) != NULL && at > 0)
		at--;
	if (asked == NULL)
		return NULL;
	*before = asked->before;
	return asked->later;
}

const char *
snapshot_next_name(const struct snapshot *snap, struct snapshot_place *at)
{
	const struct tables *tables = &snap->answers;
	const struct asked *asked = next_later(tables, &at->asked);
	const struct table *t;

	while (asked == NULL || asked->before > at->table) {
		if (at->table == tables->n)
			return NULL;
		t = tables->list[at->table++];
		if (!snapshot_is_told(t))
			continue;
		if (asked != NULL)	/* its turn is yet to come */
			at->asked--;
		return table_name(t);
	}
	return asked->later->name;
}

static bool
laters_are_same(const struct tables *a, const struct tables *b)
{
	const struct asked *one, *other;
	size_t i = 0, j = 0;

	do {
		one = next_later(a, &i);
		other = next_later(b, &j);
		if (one == NULL || other == NULL)
			return one == other;
	} while (one->later->what == other->later->what &&
	    one->before == other->before &&
	    strcmp(one->later->name, other->later->name) == 0);
	return false;
}

static bool
tables_are_same(const struct tables *a, const struct tables *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i] != b->list[i])
			return false;
	return laters_are_same(a, b);
}

bool
snapshot_is_same(const struct snapshot *a, const struct snapshot *b)
{
	return tables_are_same(&a->answers, &b->answers) &&
	    tables_are_same(&a->blobs, &b->blobs);
}

void
snapshot_set_files(struct snapshot *snap, size_t all, size_t read)
{
	snap->files = all;
	snap->files_read = read;
}

size_t
snapshot_files(const struct snapshot *snap, size_t *read)
{
	*read = snap->files_read;
	return snap->files;
}

void
snapshot_free(struct snapshot *snap)
{
	if (snap == NULL)
		return;
	tables_clear(&snap->answers);
	tables_clear(&snap->blobs);
	free(snap);
}

const struct table *const *
snapshot_tables(const struct snapshot *snap, size_t *n)
{
	*n = snap->answers.n;
	return (const struct table *const *)snap->answers.list;
}

const struct table *const *
snapshot_first_tables(const struct snapshot *snap, size_t *n)
{
	const struct tables *tables = &snap->answers;

	*n = tables->n;
	if (tables->n_first < tables->n_asked &&
	    tables->asked[tables->n_first].before < *n)
		*n = tables->asked[tables->n_first].before;
	return (const struct table *const *)tables->list;
}

size_t
snapshot_first_later(const struct snapshot *snap)
{
	return snap->answers.n_first;
}

const struct later *
snapshot_later_first(const struct snapshot *snap)
{
	const struct tables *tables = &snap->answers;

	return tables->n_first < tables->n_asked ?
	    tables->asked[tables->n_first].later : NULL;
}

const struct table *const *
snapshot_blobs(const struct snapshot *snap, size_t *n)
{
	*n = snap->blobs.n;
	return (const struct table *const *)snap->blobs.list;
}

const struct table *
snapshot_table(const struct snapshot *snap, const struct appmsg_str *name)
{
	for (size_t i = 0; i < snap->answers.n; i++) {
		const char *other = table_name(snap->answers.list[i]);

		if (appmsg_str_eq(name, other, strlen(other)))
			return snap->answers.list[i];
	}
	return NULL;
}

int
snapshot_add_later(struct snapshot *snap, const struct later *later,
    size_t before)
{
	struct tables *tables = &snap->answers;
	struct later *copy = malloc(sizeof(*copy));
	struct asked *asked = reallocarray(tables->asked, tables->n_asked + 1,
	    sizeof(*asked));
	size_t i = 0;

	if (asked != NULL)
		tables->asked = asked;
	if (asked == NULL || copy == NULL) {
		free(copy);
		return -1;
	}
	*copy = *later;
	conf_remote_ref(copy->what);
	while (i < tables->n_asked && (asked[i].before < before ||
	    (asked[i].before == before && asked[i].later != NULL)))
		i++;
	memmove(asked + i + 1, asked + i, (tables->n_asked - i) *
	    sizeof(*asked));
	asked[i] = (struct asked){ .later = copy, .before = before };
	tables->n_asked++;
	set_first(tables);
	return 0;
}

static int
tables_part(struct tables *part, const struct tables *tables,
    bool (*is_in)(const char *, const void *), const void *arg)
{
	for (size_t i = 0; i < tables->n; i++)
		if (is_in(table_name(tables->list[i]), arg) &&
		    tables_add(part, table_ref(tables->list[i])) != 0)
			return -1;
	return 0;
}

/* How many of the first tables are in a part. */
static size_t
count_in(const struct tables *tables, size_t n,
    bool (*is_in)(const char *, const void *), const void *arg)
{
	size_t in = 0;

	for (size_t i = 0; i < n; i++)
		in += is_in(table_name(tables->list[i]), arg);
	return in;
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer forgets the first that was added at the second one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static int
part_later(struct snapshot *part, const struct tables *tables,
    bool (*is_in)(const char *, const void *), const void *arg)
{
	for (size_t i = 0; i < tables->n_asked; i++) {
		const struct later *later = tables->asked[i].later;

		if (later == NULL || !is_in(later->name, arg))
			continue;
		if (snapshot_add_later(part, later, count_in(tables,
		    tables->asked[i].before, is_in, arg)) != 0)
			return -1;
	}
	return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

struct snapshot *
snapshot_part(const struct snapshot *snap,
    bool (*is_in)(const char *, const void *), const void *arg)
{
	struct snapshot *part = snapshot_new();

	if (part == NULL ||
	    tables_part(&part->answers, &snap->answers, is_in, arg) != 0 ||
	    tables_part(&part->blobs, &snap->blobs, is_in, arg) != 0 ||
	    part_later(part, &snap->answers, is_in, arg) != 0 ||
	    snapshot_end(part) != 0) {
		snapshot_free(part);
		return NULL;
	}
	return part;
}

const struct later *
snapshot_later(const struct snapshot *snap, const struct appmsg_str *name)
{
	for (size_t i = 0; i < snap->answers.n_asked; i++) {
		const struct later *later = snap->answers.asked[i].later;

		if (later != NULL && appmsg_str_eq(name, later->name,
		    strlen(later->name)))
			return later;
	}
	return NULL;
}

/* In a table that folds: the key must be folded as its keys are. */
static table_id
find_folded(const struct table *t, const char *key, size_t key_len,
    struct table_entry *e)
{
	char folded[FOLD_ROOM(FOLD_MAX_LEN)];
	size_t len;

	if (key_len > FOLD_MAX_LEN ||
	    key_len > FOLD_OF_MOST(table_key_max(t)) ||
	    fold_as(table_drops_marks(t), key, key_len, folded, &len) != 0)
		return TABLE_NO_ID;
	return table_find_own(t, folded, len, key, key_len, e);
}

static inline bool
find_in(const struct asked *asked, uint64_t hash, const char *key,
    size_t key_len, struct snapshot_answer *a)
{
	struct table_entry e;

	a->id = asked->folds ? find_folded(asked->table, key, key_len, &e) :
	    table_find_hashed(asked->table, hash, key, key_len, &e);
	if (a->id == TABLE_NO_ID)
		return false;
	a->table = asked->table;
	a->text = e.value;
	a->text_len = e.value_len;
	a->type = NULL;
	a->type_len = 0;
	return true;
}

enum snapshot_found
snapshot_find(const struct snapshot *snap, const struct table *only,
    const char *key, size_t key_len, struct snapshot_answer *a)
{
	uint64_t hash;

	if (only != NULL && table_count(only) == 0)
		return SNAPSHOT_MISSED;
	hash = table_hash(key, key_len);
	if (only == NULL)
		return snapshot_find_hashed(snap, hash, key, key_len, a);
	return find_in(&(struct asked){ .table = only,
	    .folds = table_folds(only) }, hash, key, key_len, a) ?
	    SNAPSHOT_FOUND : SNAPSHOT_MISSED;
}

enum snapshot_found
snapshot_find_hashed(const struct snapshot *snap, uint64_t hash,
    const char *key, size_t key_len, struct snapshot_answer *a)
{
	const struct tables *tables = &snap->answers;

	for (size_t i = 0; i < tables->n_first; i++)
		if (find_in(&tables->asked[i], hash, key, key_len, a))
			return SNAPSHOT_FOUND;
	return tables->n_first == tables->n_asked ? SNAPSHOT_MISSED :
	    SNAPSHOT_LATER;
}

enum snapshot_found
snapshot_find_from(const struct snapshot *snap, size_t *at, const char *key,
    size_t key_len, struct snapshot_answer *a, const struct later **later)
{
	const struct tables *tables = &snap->answers;
	uint64_t hash = 0;
	bool hashed = false;

	while (*at < tables->n_asked) {
		const struct asked *asked = &tables->asked[(*at)++];

		if (asked->later != NULL) {
			*later = asked->later;
			return SNAPSHOT_LATER;
		}
		if (!hashed)
			hash = table_hash(key, key_len);
		hashed = true;
		if (find_in(asked, hash, key, key_len, a))
			return SNAPSHOT_FOUND;
	}
	return SNAPSHOT_MISSED;
}

bool
snapshot_find_blob(const struct snapshot *snap, const char *key,
    size_t key_len, struct snapshot_answer *a)
{
	uint64_t hash;

	if (key_len > TABLE_KEY_MAX)
		return false;
	hash = table_hash(key, key_len);
	for (size_t i = 0; i < snap->blobs.n_asked; i++) {
		if (!find_in(&snap->blobs.asked[i], hash, key, key_len, a))
			continue;
		blob_read(a->text, a->text_len, &a->type, &a->type_len,
		    &a->text, &a->text_len);
		return true;
	}
	return false;
}

char *
snapshot_answer_text(const struct snapshot_answer *a, size_t *len)
{
	/* Escaped or not: unescaping plain text copies it. */
	struct appmsg_str str = { a->text, a->text_len,
	    APPMSG_STR_ESCAPED };
	char *text = malloc(a->text_len + 1);

	if (text != NULL && appmsg_str_decode(&str, text, a->text_len,
	    len) != 0) {
		free(text);
		text = NULL;
	}
	return text;
}

static size_t
tables_sum(const struct tables *tables, size_t (*what)(const struct table *))
{
	size_t sum = 0;

	for (size_t i = 0; i < tables->n; i++)
		sum += what(tables->list[i]);
	return sum;
}

size_t
snapshot_count(const struct snapshot *snap)
{
	return tables_sum(&snap->answers, table_count) +
	    tables_sum(&snap->blobs, table_count);
}

size_t
snapshot_memory(const struct snapshot *snap)
{
	return tables_sum(&snap->answers, table_memory) +
	    tables_sum(&snap->blobs, table_memory);
}
