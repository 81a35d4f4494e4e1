/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The queue of what a stream owes.  A slot's own reply is apart from those
 * behind it, since they may be there sooner; that of the first slot is never
 * kept, but goes to the stream's output at once.
 */

#include "config.h"

#include "daemon/request/slot.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "daemon/record/stats.h"
#include "daemon/request/env.h"
#include "daemon/request/job.h"
#include "daemon/snapshot/generation.h"

struct slot {
	STAILQ_ENTRY(slot) entry;
	STAILQ_ENTRY(slot) answered_entry;
	struct slots *slots;		/* borrowed: that it is in */
	struct request_job *job;	/* owned; NULL: no longer worked at */
	struct buf reply;	/* to its request, when job is NULL */
	struct buf behind;	/* to later requests, up to the next slot */
	struct request_lent lent;	/* what the last of them lacks */
	size_t bytes;		/* as they are counted */
	size_t held;
	int64_t since;
	unsigned int turns;
	bool runs;	/* as it is counted: its job is worked at */
	bool ready;	/* the reply is made when it is the first one's */
};

struct slots {
	STAILQ_HEAD(, slot) list;
	STAILQ_HEAD(, slot) answered;	/* what their jobs waited for is there */
	struct request_env *env;	/* borrowed */
	struct stream *stream;		/* borrowed */
	struct slot *last;	/* NULL: none */
	size_t n;
	size_t n_run;		/* of them, those whose jobs do */
	size_t bytes;		/* sums of the slots' */
	size_t held;
	bool others;		/* the next turn is not the first one's */
	bool failed;		/* memory was out */
};

struct slots *
slots_new(struct request_env *env, struct stream *stream)
{
	struct slots *slots = calloc(1, sizeof(*slots));

	if (slots == NULL)
		return NULL;
	STAILQ_INIT(&slots->list);
	STAILQ_INIT(&slots->answered);
	slots->env = env;
	slots->stream = stream;
	return slots;
}

static void
slot_free(struct slots *slots, struct slot *slot)
{
	request_job_free(slot->job);
	buf_clear(&slot->reply);
	buf_clear(&slot->behind);
	request_lent_clear(&slot->lent);
	spares_give(&slots->env->slots, slot);
}

/* The first one goes. */
static void
remove_first(struct slots *slots)
{
	struct slot *slot = STAILQ_FIRST(&slots->list);

	STAILQ_REMOVE_HEAD(&slots->list, entry);
	if (slots->last == slot)
		slots->last = NULL;
	slots->n--;
	slots->bytes -= slot->bytes;
	slots->held -= slot->held;
	slots->n_run -= slot->runs;
	slot_free(slots, slot);
}

void
slots_free(struct slots *slots)
{
	if (slots == NULL)
		return;
	while (!STAILQ_EMPTY(&slots->list))
		remove_first(slots);
	free(slots);
}

static bool
runs(const struct slot *slot)
{
	return slot->job != NULL && request_job_runs(slot->job);
}

/* After whatever may have changed it: its size, and whether it runs. */
static void
count(struct slots *slots, struct slot *slot)
{
	bool is_running = runs(slot);
	size_t bytes = sizeof(*slot) + request_job_held(slot->job) +
	    slot->reply.cap + slot->behind.cap;
	size_t held = bytes + request_job_search_held(slot->job);

	slots->bytes += bytes - slot->bytes;
	slots->held += held - slot->held;
	slots->n_run = slots->n_run + is_running - slot->runs;
	slot->bytes = bytes;
	slot->held = held;
	slot->runs = is_running;
}

static void
answered_cb(void *arg)
{
	struct slot *slot = arg;
	struct slots *slots = slot->slots;
	bool first = STAILQ_EMPTY(&slots->answered);

	STAILQ_INSERT_TAIL(&slots->answered, slot, answered_entry);
	if (first && slots->env->wake_cb != NULL)
		slots->env->wake_cb(slots->stream, slots->env->wake_arg);
}

int
slots_add(struct slots *slots, struct request_job *job, int64_t since)
{
	struct slot *slot = spares_take(&slots->env->slots, sizeof(*slot));

	if (slot == NULL) {
		request_job_free(job);
		return -1;
	}
	/* What is behind it ends there. */
	if (slots->last != NULL && slots->last->behind.cap > 0) {
		buf_trim(&slots->last->behind);
		count(slots, slots->last);
	}
	*slot = (struct slot){ .slots = slots, .job = job };
	if (job != NULL)
		request_job_watch(job, answered_cb, slot);
	slot->since = since;
	STAILQ_INSERT_TAIL(&slots->list, slot, entry);
	slots->last = slot;
	slots->n++;
	count(slots, slot);
	return 0;
}

struct buf *
slots_out(struct slots *slots)
{
	/* What a lent text belongs into ends there. */
	if (slots->last->lent.text != NULL && slots_add(slots, NULL, 0) != 0)
		return NULL;
	return &slots->last->behind;
}

void
slots_lend(struct slots *slots, struct request_env *env)
{
	struct slot *last = slots->last;

	last->lent = env->lent;
	/* Others may serve by the time that its turn comes. */
	last->lent.gen = generation_ref(env->gen);
	env->lent.text = NULL;
}

void
slots_count(struct slots *slots)
{
	count(slots, slots->last);
}

/* The first that can be worked at; or the one behind it that is next. */
static struct slot *
next_slot(struct slots *slots)
{
	struct slot *first = NULL, *next = NULL, *slot;

	STAILQ_FOREACH(slot, &slots->list, entry) {
		if (!slot->runs)
			continue;
		if (first == NULL)
			first = slot;
		else if (next == NULL || slot->turns < next->turns)
			next = slot;
	}
	slots->others = !slots->others && next != NULL;
	return slots->others ? next : first;
}

bool
slots_run(const struct slots *slots)
{
	return slots->n_run > 0;
}

bool
slots_are_woken(const struct slots *slots)
{
	return !STAILQ_EMPTY(&slots->answered);
}

static void
work(struct slots *slots, struct slot *slot, struct request_env *env,
    int64_t slice_us, struct buf *out)
{
	/* Nothing goes behind a text that is lent. */
	if (slot != STAILQ_FIRST(&slots->list) || env->lent.text != NULL)
		out = &slot->reply;
	switch (request_job_work(slot->job, env, slice_us, out)) {
	case REQUEST_LATER:
		break;
	case REQUEST_ANSWERED:
		stats_end(env->stats, slot->since);
		request_job_free(slot->job);
		slot->job = NULL;
		buf_trim(&slot->reply);
		break;
	case REQUEST_FAILED:
		slots->failed = true;
		break;
	}
	count(slots, slot);
}

void
slots_work(struct slots *slots, struct request_env *env, int64_t slice_us,
    struct buf *out)
{
	struct slot *slot = next_slot(slots);

	if (slot == NULL)
		return;
	slot->turns++;
	work(slots, slot, env, slice_us, out);
}

void
slots_give_up(struct slots *slots)
{
	struct slot *slot;

	STAILQ_FOREACH(slot, &slots->list, entry)
		if (slot->job != NULL && request_job_give_up(slot->job))
			STAILQ_INSERT_TAIL(&slots->answered, slot,
			    answered_entry);
}

/* A text of a reply behind a slot is lent by the replies in out now. */
static void
lend(struct request_env *env, struct request_lent *lent, size_t before)
{
	env->lent = *lent;
	env->lent.at += before;
	*lent = (struct request_lent){ 0 };
}

/* Give the replies that are there and have none before them that is not. */
static int
give(struct slots *slots, struct request_env *env, struct buf *out)
{
	const struct buf *b;
	struct slot *slot;

	while (!slots->failed && env->lent.text == NULL &&
	    (slot = STAILQ_FIRST(&slots->list)) != NULL) {
		if (slot->ready) {
			slot->ready = false;
			work(slots, slot, env, 0, out);
		}
		if (slot->job != NULL)
			break;
		b = &slot->reply;
		if (b->len > 0 && buf_add(out, b->data, b->len) != 0)
			return -1;
		b = &slot->behind;
		if (slot->lent.text != NULL)
			lend(env, &slot->lent, out->len);
		if (b->len > 0 && buf_add(out, b->data, b->len) != 0)
			return -1;
		remove_first(slots);
	}
	return slots->failed ? -1 : 0;
}

int
slots_take(struct slots *slots, struct request_env *env, struct buf *out)
{
	struct slot *slot;

	while ((slot = STAILQ_FIRST(&slots->answered)) != NULL) {
		STAILQ_REMOVE_HEAD(&slots->answered, answered_entry);
		slot->ready = slot->job != NULL &&
		    request_job_has_found(slot->job);
		if (slot->ready)
			count(slots, slot);
		else
			work(slots, slot, env, 0, out);
	}
	return give(slots, env, out);
}

size_t
slots_n(const struct slots *slots)
{
	return slots->n;
}

size_t
slots_bytes(const struct slots *slots)
{
	return slots->bytes;
}

size_t
slots_held(const struct slots *slots)
{
	return sizeof(*slots) + slots->held;
}
