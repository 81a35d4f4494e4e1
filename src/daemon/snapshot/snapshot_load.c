/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Each table is loaded, whatever became of those before it: so all problems
 * are told at once.
 */

#include "config.h"

#include "daemon/snapshot/snapshot_load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/conf/conf.h"
#include "daemon/snapshot/blobs.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/source/source.h"
#include "lib/appmsg.h"

/* A load of a snapshot. */
struct load {
	struct snapshot *snap;
	const struct snapshot *old;	/* NULL: nothing was before */
	const struct conf *conf;
	unsigned int threads;
	const struct source_progress *progress;
	struct source_files files;
	struct problems *problems;
	size_t before;		/* problems that there were */
};

static struct table *
find_old(const struct load *load, const char *name, bool binary)
{
	return load->old == NULL ? NULL : snapshot_old(load->old, name,
	    binary);
}

static int
add_answer(struct table_builder *b, const struct conf_answer *a)
{
	size_t cap = 6 * a->text_len + 1;
	char *text = malloc(cap);
	struct table_entry e = { .key = a->key, .key_len = a->key_len,
	    .value = text };
	int error = -1;

	if (text != NULL) {
		e.value_len = appmsg_escape(a->text, a->text_len, text, cap);
		error = table_builder_add(b, a->place.file, a->place.line, &e);
	}
	free(text);
	return error;
}

static struct table_options
options_of(const struct conf_table *t, const struct load *load)
{
	return (struct table_options){
		.name = t->name,
		.ways = t->ways,
		.duplicates = t->duplicates,
		.fold = t->fold,
		.marks = t->marks,
		.mapped = t->mmap,
		.said_file = t->place.file,
		.said_line = t->place.line,
		.old = find_old(load, t->name, false)
	};
}

/* The table of the answer lines. */
static struct table *
load_main(const struct load *load)
{
	const struct conf *conf = load->conf;
	const struct table_options options = conf->main != NULL ?
	    options_of(conf->main, load) :
	    (struct table_options){ .name = CONF_MAIN,
	    .old = find_old(load, CONF_MAIN, false) };
	struct problems *problems = load->problems;
	const struct conf_answer *a;
	struct table_builder *b;
	size_t room = 0;

	if (!source_can_fold(&options, problems))
		return NULL;
	STAILQ_FOREACH(a, &conf->answers, entry)
		room += TABLE_ENTRY_ROOM(a->key_len, 6 * a->text_len);
	if ((b = table_builder_new(&options, room)) == NULL)
		goto fail;
	STAILQ_FOREACH(a, &conf->answers, entry)
		if (add_answer(b, a) != 0)
			goto fail;
	return table_builder_finish(b, 1, problems);
fail:
	problems_add(problems, NULL, 0, "answers: %s", strerror(errno));
	table_builder_free(b);
	return NULL;
}

/* One table directive. */
static struct table *
load_table(struct load *load, const struct conf_table *t)
{
	const struct source source = {
		.options = options_of(t, load),
		.paths = (const char *const *)t->paths,
		.n_paths = t->n_paths,
		.said_file = t->place.file,
		.said_line = t->place.line,
		.columns = &t->columns,
		.files = &load->files
	};

	if (t->binary)
		return blobs_load_table(t, find_old(load, t->name, true),
		    &load->files, load->problems);
	return source_load(&source, load->threads, load->progress,
	    load->problems);
}

/*
 * Have what came of one table.  Without a table the snapshot is none: there
 * must be a problem then.
 *
 * Returns 0, or -1 when out of memory.
 */
static int
take(const struct load *load, struct table *t, bool binary)
{
	if (t == NULL)
		return problems_count(load->problems) == load->before ? -1 : 0;
	return snapshot_add(load->snap, t, binary);
}

/* A table on other machines, which nobody asks for that. */
static int
take_remote(const struct load *load, const struct conf_remote *remote)
{
	const struct later *old = load->old == NULL ? NULL :
	    snapshot_old_later(load->old, remote->name);
	struct later later = { .what = remote };
	size_t before;

	if (old != NULL && old->what != NULL &&
	    conf_remote_is_same(old->what, remote))
		later.what = old->what;
	later.name = later.what->name;
	snapshot_tables(load->snap, &before);
	return snapshot_add_later(load->snap, &later, before);
}

static int
load_all(struct load *load)
{
	const struct conf_table *t;
	int error;

	if (take(load, load_main(load), false) != 0 ||
	    take(load, blobs_load_main(load->conf, find_old(load, CONF_MAIN,
	    true), &load->files, load->problems), true) != 0)
		return -1;
	STAILQ_FOREACH(t, &load->conf->tables, entry) {
		error = t->remote != NULL ? take_remote(load, t->remote) :
		    take(load, load_table(load, t), t->binary);
		if (error != 0)
			return -1;
	}
	snapshot_set_files(load->snap, load->files.all, load->files.read);
	return snapshot_end(load->snap);
}

struct snapshot *
snapshot_load(const struct conf *conf, const struct snapshot *old,
    unsigned int threads, const struct source_progress *progress,
    struct problems *problems)
{
	struct load load = { .snap = snapshot_new(), .old = old,
	    .conf = conf, .threads = threads, .progress = progress,
	    .problems = problems, .before = problems_count(problems) };

	if (load.snap == NULL || load_all(&load) != 0)
		problems_add(problems, NULL, 0, "%s", strerror(ENOMEM));
	else if (problems_count(problems) == load.before)
		return load.snap;
	snapshot_free(load.snap);
	return NULL;
}
