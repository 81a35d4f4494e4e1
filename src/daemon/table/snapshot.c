/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The table "main", made of answer lines, and the binary entries.  An entry's
 * origin is its line, and the number of its file in files; a blob's value is
 * its type's length, its type and its bytes.
 */

#include "config.h"

#include "daemon/table/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/file.h"
#include "daemon/table/table.h"
#include "lib/appmsg.h"

#define BLOB_MAX_SIZE	((size_t)1 << 30)
#define DEFAULT_TYPE	"application/octet-stream"
#define TYPE_CAP	(6 * CONF_TYPE_LEN_MAX)

struct snapshot {
	struct table *answers;
	struct table *blobs;
	const char **files;	/* names borrowed from the configuration */
	size_t n_files;
};

/* A load in progress. */
struct load {
	struct snapshot *snap;
	const struct conf *conf;
	struct problems *problems;
};

static void
load_problem(struct load *load, const struct conf_place *place,
    const char *what, const char *why)
{
	problems_add(load->problems, place->file, place->line, "%s: %s", what,
	    why);
}

static uint64_t
origin_of(const struct snapshot *snap, const struct conf_place *place)
{
	size_t i = 0;

	while (snap->files[i] != place->file)
		i++;
	return (uint64_t)place->line * snap->n_files + i;
}

static void
origin_tell(const struct snapshot *snap, uint64_t origin, const char **file,
    unsigned int *line)
{
	*file = snap->files[origin % snap->n_files];
	*line = (unsigned int)(origin / snap->n_files);
}

static void
twice_cb(const struct table_entry *first, const struct table_entry *again,
    void *arg)
{
	struct load *load = arg;
	const char *file, *first_file;
	unsigned int line, first_line;

	origin_tell(load->snap, first->origin, &first_file, &first_line);
	origin_tell(load->snap, again->origin, &file, &line);
	problems_add(load->problems, file, line, "the key \"%.*s\" was given "
	    "before, at %s:%u", (int)again->key_len, again->key, first_file,
	    first_line);
}

static int
add_answer(struct load *load, struct table_builder *b,
    const struct conf_answer *a)
{
	size_t cap = 6 * a->text_len + 1, len;
	char *text = malloc(cap);
	int error = -1;

	if (text != NULL) {
		len = appmsg_escape(a->text, a->text_len, text, cap);
		error = table_builder_add(b, a->key, a->key_len, text, len,
		    origin_of(load->snap, &a->place));
	}
	if (error != 0)
		load_problem(load, &a->place, "answer", strerror(errno));
	free(text);
	return error;
}

static int
add_blob(struct load *load, struct table_builder *b,
    const struct conf_answer *a)
{
	char *bytes = NULL, *value = NULL, type[TYPE_CAP];
	size_t len, type_len;
	const char *why = NULL;
	int error = -1;

	type_len = a->type != NULL ?
	    appmsg_escape(a->type, a->type_len, type, sizeof(type)) :
	    appmsg_escape(DEFAULT_TYPE, sizeof(DEFAULT_TYPE) - 1, type,
	    sizeof(type));
	bytes = file_read(a->path, BLOB_MAX_SIZE, &len, &why);
	if (bytes != NULL &&
	    (value = malloc(sizeof(uint16_t) + type_len + len)) != NULL) {
		uint16_t n = (uint16_t)type_len;

		memcpy(value, &n, sizeof(n));
		memcpy(value + sizeof(n), type, type_len);
		memcpy(value + sizeof(n) + type_len, bytes, len);
		error = table_builder_add(b, a->key, a->key_len, value,
		    sizeof(n) + type_len + len,
		    origin_of(load->snap, &a->place));
	}
	if (error != 0)
		load_problem(load, &a->place, a->path,
		    why != NULL ? why : strerror(errno));
	free(value);
	free(bytes);
	return error;
}

/* One table of the entries of a list. */
static struct table *
load_list(struct load *load, const struct conf_answers *list,
    int (*add)(struct load *, struct table_builder *,
    const struct conf_answer *))
{
	struct table_builder *b = table_builder_new();
	const struct conf_answer *a;
	struct table *t;

	if (b == NULL) {
		problems_add(load->problems, NULL, 0, "%s", strerror(errno));
		return NULL;
	}
	STAILQ_FOREACH(a, list, entry)
		if (add(load, b, a) != 0 && errno == ENOMEM)
			break;
	t = table_builder_finish(b, twice_cb, load);
	if (t == NULL)
		problems_add(load->problems, NULL, 0, "%s", strerror(errno));
	return t;
}

static int
list_files(struct snapshot *snap, const struct conf *conf)
{
	const struct conf_file *f;
	size_t n = 0;

	STAILQ_FOREACH(f, &conf->files, entry)
		n++;
	snap->files = calloc(n, sizeof(*snap->files));
	if (snap->files == NULL)
		return -1;
	STAILQ_FOREACH(f, &conf->files, entry)
		snap->files[snap->n_files++] = f->path;
	return 0;
}

struct snapshot *
snapshot_load(const struct conf *conf, struct problems *problems)
{
	struct load load = { .conf = conf, .problems = problems };
	size_t before = problems->n + problems->dropped;

	load.snap = calloc(1, sizeof(*load.snap));
	if (load.snap == NULL || list_files(load.snap, conf) != 0) {
		problems_add(problems, NULL, 0, "%s", strerror(errno));
	} else {
		load.snap->answers = load_list(&load, &conf->answers,
		    add_answer);
		load.snap->blobs = load_list(&load, &conf->binaries,
		    add_blob);
	}
	if (problems->n + problems->dropped != before) {
		snapshot_free(load.snap);
		return NULL;
	}
	return load.snap;
}

void
snapshot_free(struct snapshot *snap)
{
	if (snap == NULL)
		return;
	table_free(snap->answers);
	table_free(snap->blobs);
	free(snap->files);
	free(snap);
}

bool
snapshot_find(const struct snapshot *snap, const char *key, size_t key_len,
    struct snapshot_answer *a)
{
	struct table_entry e;

	if (!table_find(snap->answers, key, key_len, &e))
		return false;
	a->text = e.value;
	a->text_len = e.value_len;
	a->type = NULL;
	a->type_len = 0;
	a->table = "main";
	origin_tell(snap, e.origin, &a->file, &a->line);
	return true;
}

bool
snapshot_find_blob(const struct snapshot *snap, const char *key,
    size_t key_len, struct snapshot_answer *a)
{
	struct table_entry e;
	uint16_t n;

	if (key_len > CONF_KEY_MAX ||
	    !table_find(snap->blobs, key, key_len, &e))
		return false;
	memcpy(&n, e.value, sizeof(n));
	a->type = e.value + sizeof(n);
	a->type_len = n;
	a->text = a->type + n;
	a->text_len = e.value_len - sizeof(n) - n;
	a->table = "main";
	origin_tell(snap, e.origin, &a->file, &a->line);
	return true;
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

size_t
snapshot_count(const struct snapshot *snap)
{
	return table_count(snap->answers) + table_count(snap->blobs);
}

size_t
snapshot_memory(const struct snapshot *snap)
{
	return table_memory(snap->answers) + table_memory(snap->blobs);
}
