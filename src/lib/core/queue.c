/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A ring of requests.
 */

#include "config.h"

#include "lib/core/queue.h"

#include <string.h>

#include "lib/core/ask.h"

#define QUEUE_MIN	((size_t)64)

uint64_t
core_queue_id(const struct core_queue *queue, size_t index)
{
	return CORE_ID_FIRST + (queue->number + index) % CORE_ID_COUNT;
}

int
core_queue_grow(const struct appmsg_alloc *alloc, struct core_queue *queue,
    size_t more)
{
	size_t cap = queue->cap == 0 ? QUEUE_MIN : queue->cap;
	struct core_request *all;

	if (more > SIZE_MAX / sizeof(*all) / 4 - queue->n)
		return APPMSG_ENOMEM;
	while (cap - queue->n < more)
		cap *= 2;
	all = alloc->malloc_cb(alloc->arg, cap * sizeof(*all));
	if (all == NULL)
		return APPMSG_ENOMEM;
	for (size_t i = 0; i < queue->n; i++)
		all[i] = *core_queue_get(queue, i);
	if (queue->all != NULL && !queue->given)
		alloc->free_cb(alloc->arg, queue->all);
	queue->all = all;
	queue->cap = cap;
	queue->head = 0;
	queue->given = false;
	return 0;
}

void
core_queue_give(struct core_queue *queue, void *memory, size_t size)
{
	size_t n = size / sizeof(*queue->all);

	for (queue->cap = 1; queue->cap <= n / 2; queue->cap *= 2)
		;
	if (n == 0) {
		queue->cap = 0;
		return;
	}
	queue->all = memory;
	queue->given = true;
}

static void
queue_drop_first(struct core_queue *queue)
{
	queue->head = (queue->head + 1) & (queue->cap - 1);
	queue->number++;
	queue->n--;
}

void
core_queue_answer(struct core_queue *queue, size_t index)
{
	if (index > 0) {
		core_queue_get(queue, index)->answered = true;
		queue->n_answered++;
		return;
	}
	queue_drop_first(queue);
	while (queue->n_answered > 0 && core_queue_get(queue, 0)->answered) {
		queue_drop_first(queue);
		queue->n_answered--;
	}
}

void
core_queue_forget(struct core_queue *queue)
{
	queue->number += queue->n;
	queue->head = queue->n = queue->n_answered = 0;
}

void
core_queue_compact(struct core_queue *queue)
{
	size_t to = 0;

	if (queue->n_answered == 0)
		return;
	for (size_t i = 0; i < queue->n; i++)
		if (!core_queue_get(queue, i)->answered)
			*core_queue_get(queue, to++) =
			    *core_queue_get(queue, i);
	queue->n = to;
	queue->n_answered = 0;
}

void
core_queue_clear(const struct appmsg_alloc *alloc, struct core_queue *queue)
{
	if (queue->all != NULL && !queue->given)
		alloc->free_cb(alloc->arg, queue->all);
	memset(queue, 0, sizeof(*queue));
}
