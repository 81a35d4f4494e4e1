/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Between who wants an answer and who asks for it: each is told once at most
 * that the other needs it no longer.
 */

#include "config.h"

#include "daemon/request/lookup.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void
lookup_answer(struct lookup **lookup, enum lookup_result result,
    const char *text, size_t len)
{
	struct lookup *l = *lookup;

	if (l == NULL)
		return;
	*lookup = NULL;
	l->ops = NULL;
	l->result = result;
	if (result == LOOKUP_FOUND) {
		l->text = l->room != NULL && len <= l->room_len ? l->room :
		    malloc(len + 1);
		if (l->text == NULL)
			l->result = LOOKUP_FAILED;
		else if (len > 0)
			memcpy(l->text, text, len);
		l->text_len = len;
	}
	if (l->answered_cb != NULL)
		l->answered_cb(l->arg);
}

void
lookup_ask(struct lookup *l, const struct later_ops *ops, void *arg,
    const struct later *table)
{
	void (*answered_cb)(void *) = l->answered_cb;

	l->data = NULL;
	memset(&l->said, 0, offsetof(struct lookup_said, node) + 1);
	l->table = table;
	/* Which no table has: so whoever asks for it hears of this daemon. */
	if (l->key_len == 0) {
		l->ops = NULL;
		l->result = LOOKUP_MISSED;
		return;
	}
	l->said.cause = ops == NULL ? REMOTE_DOWN : REMOTE_DEADLINE;
	l->ops = ops;
	l->result = ops == NULL ? LOOKUP_UNAVAILABLE : LOOKUP_NONE;
	if (ops == NULL)
		return;
	/* Who calls this sees by itself what is answered in it. */
	l->answered_cb = NULL;
	ops->ask(arg, table, l);
	l->answered_cb = answered_cb;
}

static void
forget(struct lookup *l)
{
	const struct later_ops *ops = l->ops;

	l->ops = NULL;
	if (ops != NULL)
		ops->forget(l);
}

bool
lookup_give_up(struct lookup *l)
{
	if (l->result != LOOKUP_NONE)
		return false;
	forget(l);
	l->result = LOOKUP_UNAVAILABLE;
	l->said.cause = REMOTE_DEADLINE;
	return true;
}

void
lookup_clear(struct lookup *l)
{
	forget(l);
	if (l->text != l->room)
		free(l->text);
	l->text = NULL;
}
