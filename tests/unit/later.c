/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list of what was asked.  A lookup that was answered or forgotten may be
 * gone: it is not looked at any more.
 */

#include "config.h"

#include "later.h"

#include <stdlib.h>
#include <string.h>

static void
ask(void *arg, const struct later *table, struct lookup *lookup)
{
	struct later_fake *fake = arg;
	struct later_asked *a = &fake->asked[fake->n++];
	enum lookup_result result = LOOKUP_NONE;
	const char *text = NULL;
	size_t len = lookup->key_len;

	if (fake->n > LATER_MAX)
		abort();
	*a = (struct later_asked){ .fake = fake, .table = table,
	    .lookup = lookup };
	memcpy(a->key, lookup->key, len < sizeof(a->key) ? len :
	    sizeof(a->key) - 1);
	lookup->data = a;
	if (fake->at_once != NULL)
		result = fake->at_once(table, lookup, &text);
	if (result != LOOKUP_NONE)
		later_answer(fake, fake->n - 1, result, text);
}

static void
forget(struct lookup *lookup)
{
	struct later_asked *a = lookup->data;

	/* Once, and only what was not answered. */
	if (a->lookup != lookup)
		abort();
	a->lookup = NULL;
	a->forgotten = true;
}

const struct later_ops later_fake_ops = { ask, forget, NULL, NULL };

void
later_answer(struct later_fake *fake, size_t i, enum lookup_result result,
    const char *text)
{
	lookup_answer(&fake->asked[i].lookup, result, text,
	    text != NULL ? strlen(text) : 0);
}

size_t
later_waiting(const struct later_fake *fake)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->n; i++)
		count += fake->asked[i].lookup != NULL;
	return count;
}

size_t
later_forgotten(const struct later_fake *fake)
{
	size_t count = 0;

	for (size_t i = 0; i < fake->n; i++)
		count += fake->asked[i].forgotten;
	return count;
}
