/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Loading and counting references.
 */

#include "config.h"

#include "daemon/snapshot/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/descriptors.h"
#include "daemon/conf/conf.h"
#include "daemon/record/access_file.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/snapshot/snapshot_load.h"
#include "daemon/snapshot/views.h"
#include "daemon/thread/crew.h"

static void
generation_free(struct generation *gen)
{
	if (gen == NULL)
		return;
	/* Before the tables that they are made of. */
	views_free(gen->views);
	if (gen->base != NULL) {
		generation_unref(gen->base);
	} else {
		snapshot_free(gen->snap);
		conf_free(gen->conf);
	}
	access_file_unref(gen->access);
	free(gen);
}

struct generation *
generation_read(const char *path, struct problems *problems)
{
	struct generation *gen = calloc(1, sizeof(*gen));

	if (gen == NULL || (gen->conf = conf_load(path, problems)) == NULL) {
		problems_add(problems, path, 0, "%s", strerror(errno));
		free(gen);
		return NULL;
	}
	gen->refs = 1;
	return gen;
}

static int
fill(struct generation *gen, const struct generation *old,
    const struct source_progress *progress, struct problems *problems)
{
	/* Each thread reads a file. */
	gen->snap = snapshot_load(gen->conf, old != NULL ? old->snap : NULL,
	    descriptors_files(crew_cores()), progress, problems);
	if (problems_count(problems) > 0)
		return -1;
	if (views_new(gen->conf, &gen->views) != 0) {
		problems_add(problems, NULL, 0, "%s", strerror(ENOMEM));
		return -1;
	}
	conf_forget_answers(gen->conf);
	gen->loaded_at = time(NULL);
	return 0;
}

int
generation_fill(struct generation *gen,
    const struct source_progress *progress, struct problems *problems)
{
	return fill(gen, NULL, progress, problems);
}

struct generation *
generation_reload(const struct generation *old, const char *path,
    const struct source_progress *progress, struct problems *problems)
{
	struct generation *gen = generation_read(path, problems);

	/* The tables of a wrong configuration too: all problems at once. */
	if (gen != NULL && fill(gen, old, progress, problems) != 0) {
		generation_free(gen);
		gen = NULL;
	}
	return gen;
}

struct generation *
generation_load(const char *path, const struct source_progress *progress,
    struct problems *problems)
{
	return generation_reload(NULL, path, progress, problems);
}

bool
generation_is_same(const struct generation *a, const struct generation *b)
{
	return origin_is_same(a->conf->origin, b->conf->origin) &&
	    snapshot_is_same(a->snap, b->snap);
}

struct generation *
generation_again(struct generation *old)
{
	struct generation *gen = calloc(1, sizeof(*gen));

	if (gen == NULL || views_new(old->conf, &gen->views) != 0) {
		free(gen);
		return NULL;
	}
	gen->loaded_at = old->loaded_at;
	gen->conf = old->conf;
	gen->snap = old->snap;
	gen->access = access_file_ref(old->access);
	/* Never a chain: what is under it is the load itself. */
	gen->base = generation_ref(old->base != NULL ? old->base : old);
	gen->refs = 1;
	return gen;
}

/* Who holds a view holds what it is a part of. */
static struct generation *
whole_of(struct generation *gen)
{
	return gen->whole != NULL ? gen->whole : gen;
}

struct generation *
generation_ref(struct generation *gen)
{
	whole_of(gen)->refs++;
	return gen;
}

void
generation_unref(struct generation *gen)
{
	if (gen != NULL && --whole_of(gen)->refs == 0)
		generation_free(whole_of(gen));
}
