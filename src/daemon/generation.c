/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Loading and counting references.
 */

#include "config.h"

#include "daemon/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/table/snapshot.h"

static void
generation_free(struct generation *gen)
{
	if (gen == NULL)
		return;
	snapshot_free(gen->snap);
	conf_free(gen->conf);
	free(gen);
}

struct generation *
generation_load(const char *path, struct problems *problems)
{
	struct generation *gen = calloc(1, sizeof(*gen));

	if (gen == NULL || (gen->conf = conf_load(path, problems)) == NULL) {
		problems_add(problems, path, 0, "%s", strerror(errno));
		goto fail;
	}
	/* The tables of a wrong configuration too: all problems at once. */
	gen->snap = snapshot_load(gen->conf, problems);
	if (problems->n > 0 || problems->dropped > 0)
		goto fail;
	conf_forget_answers(gen->conf);
	gen->loaded_at = time(NULL);
	gen->refs = 1;
	return gen;
fail:
	generation_free(gen);
	return NULL;
}

struct generation *
generation_ref(struct generation *gen)
{
	gen->refs++;
	return gen;
}

void
generation_unref(struct generation *gen)
{
	if (gen != NULL && --gen->refs == 0)
		generation_free(gen);
}
