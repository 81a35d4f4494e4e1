/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A blob's value is its type's length in two bytes, the low one first, since
 * digests are the same everywhere, its type and its bytes.
 * Blobs are first gathered in a list, since the arena wants to know how much
 * comes before the first of them.
 */

#include "config.h"

#include "daemon/snapshot/blobs.h"

#include <sys/queue.h>
#include <sys/stat.h>

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/file.h"
#include "daemon/base/problems.h"
#include "daemon/base/quote.h"
#include "daemon/builder/builder.h"
#include "daemon/conf/conf.h"
#include "daemon/source/source.h"
#include "daemon/table/origin.h"
#include "daemon/table/table.h"
#include "lib/appmsg.h"

#define BLOB_MAX_SIZE	((size_t)1 << 30)
#define DEFAULT_TYPE	"application/octet-stream"

struct blob {
	STAILQ_ENTRY(blob) entry;
	char key[TABLE_KEY_MAX];
	size_t key_len;
	char *value;			/* owned; NULL: not read */
	size_t value_len;
	const char *type;		/* borrowed; NULL: the default */
	size_t type_len;
	char *path;			/* owned */
	struct file_look look;
	size_t number;			/* as they came */
	bool again;			/* an earlier one has the key */
	const struct conf_place *place;	/* where it is named; borrowed */
};

struct blobs {
	STAILQ_HEAD(, blob) list;
	size_t n;
	size_t room;			/* in the arena */
	struct table *old;		/* borrowed, as what follows; or NULL */
	struct source_files *files;
	struct problems *problems;
};

static void
blobs_clear(struct blobs *blobs)
{
	struct blob *blob;

	while ((blob = STAILQ_FIRST(&blobs->list)) != NULL) {
		STAILQ_REMOVE_HEAD(&blobs->list, entry);
		free(blob->value);
		free(blob->path);
		free(blob);
	}
}

/* Type and bytes as one value; -1 with errno. */
static int
make_value(struct blob *blob, const char *bytes, size_t len)
{
	const char *type = blob->type != NULL ? blob->type : DEFAULT_TYPE;
	size_t type_len = blob->type != NULL ? blob->type_len : strlen(type);
	char escaped[6 * CONF_TYPE_LEN_MAX];
	uint16_t n, low_first;

	n = (uint16_t)appmsg_escape(type, type_len, escaped, sizeof(escaped));
	low_first = htole16(n);
	blob->value_len = sizeof(n) + n + len;
	if ((blob->value = malloc(blob->value_len)) == NULL)
		return -1;
	memcpy(blob->value, &low_first, sizeof(low_first));
	memcpy(blob->value + sizeof(n), escaped, n);
	memcpy(blob->value + sizeof(n) + n, bytes, len);
	return 0;
}

void
blob_read(const char *value, size_t value_len, const char **type,
    size_t *type_len, const char **bytes, size_t *bytes_len)
{
	uint16_t n;

	memcpy(&n, value, sizeof(n));
	n = le16toh(n);
	*type = value + sizeof(n);
	*type_len = n;
	*bytes = *type + n;
	*bytes_len = value_len - sizeof(n) - n;
}

/*
 * One file into the list, which is looked at and read later; with no type yet.
 *
 * Returns what it became, or NULL with a problem.
 */
static struct blob *
add_file(struct blobs *blobs, const struct conf_place *place,
    const char *path, const char *key, size_t key_len)
{
	struct blob *blob = calloc(1, sizeof(*blob));

	if (blob == NULL || (blob->path = strdup(path)) == NULL) {
		problems_add(blobs->problems, place->file, place->line,
		    "%s: %s", path, strerror(ENOMEM));
		free(blob);
		return NULL;
	}
	memcpy(blob->key, key, key_len);
	blob->key_len = key_len;
	blob->place = place;
	blob->number = blobs->n++;
	file_look(path, &blob->look);
	STAILQ_INSERT_TAIL(&blobs->list, blob, entry);
	return blob;
}

static void
read_file(struct blobs *blobs, struct blob *blob)
{
	const char *why;
	size_t len;
	char *bytes = file_read_seen(blob->path, &blob->look, BLOB_MAX_SIZE,
	    &len, &why);

	if (bytes != NULL && make_value(blob, bytes, len) != 0)
		why = strerror(errno);
	if (blob->value == NULL)
		problems_add(blobs->problems, blob->place->file,
		    blob->place->line, "%s: %s", blob->path, why);
	else
		blobs->room += TABLE_ENTRY_ROOM(blob->key_len,
		    blob->value_len);
	free(bytes);
}

static int
add_blob(struct table_builder *b, const struct blob *blob)
{
	const struct table_entry e = { .key = blob->key,
	    .key_len = blob->key_len, .value = blob->value,
	    .value_len = blob->value_len };

	return table_builder_add(b, blob->place->file, blob->place->line, &e);
}

/* What decides how the table comes out; of files that were opened. */
static struct origin
blobs_origin(const struct blobs *blobs)
{
	const struct blob *blob;
	struct origin_sum sum;

	origin_start(&sum);
	STAILQ_FOREACH(blob, &blobs->list, entry) {
		origin_bytes(&sum, blob->key, blob->key_len);
		origin_bytes(&sum, blob->type, blob->type != NULL ?
		    blob->type_len : 0);
		origin_file(&sum, blob->path, &blob->look.sb, blob->look.sure);
		/* That is where the entry stands. */
		origin_bytes(&sum, blob->place->file,
		    strlen(blob->place->file));
		origin_number(&sum, blob->place->line);
	}
	return origin_end(&sum);
}

/* As source.c does it: files are opened all the same. */
static bool
blobs_are_old(struct blobs *blobs)
{
	struct blob *blob;
	const char *why;

	if (blobs->old == NULL)
		return false;
	STAILQ_FOREACH(blob, &blobs->list, entry) {
		int fd = file_open(blob->path, &blob->look, &why);

		if (fd == -1)
			return false;
		close(fd);
	}
	return origin_is_same(blobs_origin(blobs), table_origin(blobs->old));
}

/* Read all that is listed. */
static struct table *
build(struct blobs *blobs, const struct table_options *options)
{
	struct table_builder *b;
	struct blob *blob;
	struct table *t;

	STAILQ_FOREACH(blob, &blobs->list, entry)
		read_file(blobs, blob);
	blobs->files->read += blobs->n;
	b = table_builder_new(options, blobs->room);
	if (b == NULL)
		goto fail;
	STAILQ_FOREACH(blob, &blobs->list, entry)
		if (blob->value != NULL && !blob->again &&
		    add_blob(b, blob) != 0)
			goto fail;
	t = table_builder_finish(b, 1, blobs->problems);
	if (t != NULL)
		table_set_origin(t, blobs_origin(blobs));
	return t;
fail:
	problems_add(blobs->problems, options->said_file, options->said_line,
	    "binary entries: %s", strerror(errno));
	table_builder_free(b);
	return NULL;
}

/* The list to a table; place is that of its directive, or none. */
static struct table *
finish(struct blobs *blobs, const char *name, struct conf_place place)
{
	const struct table_options options = { .name = name,
	    .ways = TABLE_WAY(TABLE_EXACT), .said_file = place.file,
	    .said_line = place.line, .old = blobs->old };
	struct table *t;

	blobs->files->all += blobs->n;
	t = blobs_are_old(blobs) ? table_ref(blobs->old) :
	    build(blobs, &options);
	blobs_clear(blobs);
	return t;
}

struct table *
blobs_load_main(const struct conf *conf, struct table *old,
    struct source_files *files, struct problems *problems)
{
	struct blobs blobs = { .old = old, .files = files,
	    .problems = problems };
	const struct conf_answer *a;
	struct blob *blob;

	STAILQ_INIT(&blobs.list);
	STAILQ_FOREACH(a, &conf->binaries, entry) {
		blob = add_file(&blobs, &a->place, a->path, a->key,
		    a->key_len);
		if (blob == NULL)
			continue;
		blob->type = a->type;
		blob->type_len = a->type_len;
	}
	return finish(&blobs, CONF_MAIN, (struct conf_place){ NULL, 0 });
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A file's name to a key.  Returns what is wrong, or NULL. */
static const char *
name_to_key(const char *name, char *key, size_t *key_len)
{
	size_t n = 0;

	for (; *name != '\0'; name++) {
		char c = *name;

		if (n == TABLE_KEY_MAX)
			return "the key is too long";
		if (c == '%') {
			if (hex(name[1]) == -1 || hex(name[2]) == -1)
				return "a % must be followed by two hex "
				    "digits";
			c = (char)(hex(name[1]) << 4 | hex(name[2]));
			name += 2;
		}
		key[n++] = c;
	}
	*key_len = n;
	return n == 0 ? "the key is empty" : NULL;
}

static void
add_named(struct blobs *blobs, const struct conf_table *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path, *why;
	char key[TABLE_KEY_MAX];
	struct blob *blob;
	size_t len;

	if ((why = name_to_key(name, key, &len)) != NULL) {
		problems_add(blobs->problems, t->place.file, t->place.line,
		    "%s: %s", path, why);
		return;
	}
	blob = add_file(blobs, &t->place, path, key, len);
	if (blob != NULL) {
		blob->type = t->type;
		blob->type_len = t->type_len;
	}
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void
add_folder(struct blobs *blobs, const struct conf_table *t, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, is_visible, alphasort);

	if (n == -1) {
		problems_add(blobs->problems, t->place.file, t->place.line,
		    "%s: %s", path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char *file;

		if (asprintf(&file, "%s/%s", path, names[i]->d_name) != -1) {
			add_named(blobs, t, file);
			free(file);
		} else {
			problems_add(blobs->problems, t->place.file,
			    t->place.line, "%s: %s", path, strerror(ENOMEM));
		}
		free(names[i]);
	}
	free(names);
}

/* Equal keys together, as they came. */
static int
blob_cmp(const void *a, const void *b)
{
	const struct blob *x = *(struct blob *const *)a;
	const struct blob *y = *(struct blob *const *)b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int diff = memcmp(x->key, y->key, len);

	if (diff != 0)
		return diff;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/*
 * All files of a table are named by one line: tell of a key that comes again
 * which ones have it.
 */
static void
find_twice(struct blobs *blobs)
{
	struct blob **list, *blob, *first;
	char key[QUOTE_SIZE];
	size_t n = 0;

	list = reallocarray(NULL, blobs->n + 1, sizeof(*list));
	if (list == NULL)
		return;		/* the builder tells, but not the files */
	STAILQ_FOREACH(blob, &blobs->list, entry)
		list[n++] = blob;
	qsort(list, n, sizeof(*list), blob_cmp);
	for (size_t i = 1, from = 0; i < n; i++) {
		first = list[from];
		if (first->key_len != list[i]->key_len ||
		    memcmp(first->key, list[i]->key, first->key_len) != 0) {
			from = i;
			continue;
		}
		list[i]->again = true;
		quote(key, first->key, first->key_len);
		problems_add(blobs->problems, first->place->file,
		    first->place->line, "%s: the key \"%s\" was given "
		    "before, by %s", list[i]->path, key, first->path);
	}
	free(list);
}

struct table *
blobs_load_table(const struct conf_table *t, struct table *old,
    struct source_files *files, struct problems *problems)
{
	struct blobs blobs = { .old = old, .files = files,
	    .problems = problems };
	struct stat sb;

	STAILQ_INIT(&blobs.list);
	for (size_t i = 0; i < t->n_paths; i++) {
		if (stat(t->paths[i], &sb) == 0 && S_ISDIR(sb.st_mode))
			add_folder(&blobs, t, t->paths[i]);
		else
			add_named(&blobs, t, t->paths[i]);
	}
	find_twice(&blobs);
	return finish(&blobs, t->name, t->place);
}
