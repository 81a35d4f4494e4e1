/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SLOT_H
#define SLOT_H

/*
 * Replies that a stream owes.  A request that cannot be answered at once is a
 * slot in a queue; what comes behind it is answered meanwhile, and those
 * replies gather in the slot, so that all of them leave in order.
 *
 * A stream that owes nothing has no queue, and pays nothing for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"

struct request_env;
struct request_job;
struct slots;
struct stream;

/*
 * Make a queue, empty, of an environment that lives longer.
 *
 * stream  whose it is, to be handed to wake_cb of the environment
 *
 * Returns it, owned by the caller, slots_free(); or NULL when out of memory.
 */
struct slots *slots_new(struct request_env *, struct stream *stream);

/*
 * Free a queue, with all that is owed.  NULL is allowed.
 */
void slots_free(struct slots *);

/*
 * Owe one more reply.
 *
 * job    taken, whatever the outcome
 * since  when its request was read, for the worker's numbers
 *
 * Returns 0, or -1 when out of memory.
 */
int slots_add(struct slots *, struct request_job *job, int64_t since);

/*
 * Where the reply to a request behind all of them goes; there is one at least.
 *
 * Returns the buffer, borrowed until the next call of any function here; or
 * NULL when out of memory.
 */
struct buf *slots_out(struct slots *);

/*
 * A reply was put there, the text of which env->lent has: that goes along.
 */
void slots_lend(struct slots *, struct request_env *env);

/*
 * Count what slots_out() has grown by.
 */
void slots_count(struct slots *);

/*
 * Whether there is something to work at.
 */
bool slots_run(const struct slots *);

/*
 * Whether answers have come that slots_take() has not taken up.
 */
bool slots_are_woken(const struct slots *);

/*
 * Work at one of them for a while.  Every other time that is the first one
 * that can be worked at, for which all others wait; else it is, of those
 * behind, the one that had the fewest turns, so that what is soon done is done
 * soon.
 *
 * slice_us  for about so long, in microseconds
 * out       gets its reply where it is the first of all
 */
void slots_work(struct slots *, struct request_env *env, int64_t slice_us,
    struct buf *out);

/*
 * Wait for no answer any more: the tables that were asked are unavailable.
 */
void slots_give_up(struct slots *);

/*
 * Take up the answers that have come, and give the replies that are there and
 * wait for none.  One with a text that env->lent has is the last of a call.
 *
 * Returns 0; or -1 when out of memory, then or before.
 */
int slots_take(struct slots *, struct request_env *env, struct buf *out);

/*
 * How many replies are owed; none: free it.
 */
size_t slots_n(const struct slots *);

/*
 * Bytes of memory: of replies and what is kept of their requests; and of all,
 * with what is being searched.
 */
size_t slots_bytes(const struct slots *);
size_t slots_held(const struct slots *);

#endif
