/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INSPECT_KEY_H
#define INSPECT_KEY_H

/*
 * Where the answer for a key stands, and what it is: the command explain of
 * appmsgctl(8).
 */

#include <stddef.h>

struct control_request;
struct errands;
struct event_base;
struct inspect_keys;
struct reload;
struct remotes;
struct snapshot;

/*
 * Make who asks, also of tables on other machines, by a client of its own.
 *
 * base      whose loop the answers are told in; borrowed
 * searches  who looks for keys that are near; borrowed
 *
 * Returns it, owned by the caller, inspect_keys_free(); or NULL when out of
 * memory.
 */
struct inspect_keys *inspect_keys_new(struct event_base *base,
    struct errands *searches);

/*
 * These tables serve from now on.
 */
void inspect_keys_use(struct inspect_keys *, const struct snapshot *);

/*
 * Who looks at tables on other machines; borrowed.
 */
const struct remotes *inspect_keys_remotes(const struct inspect_keys *);

/*
 * Forget what is asked; who wants to know is told.  NULL is allowed.
 */
void inspect_keys_free(struct inspect_keys *);

/*
 * Tell where the answer for a key stands, and which others it hides; or which
 * keys are near to one that is missing.
 *
 * request   gets its reply, at once or when all is known; taken
 * key       of len bytes of UTF-8, from malloc(3); taken
 */
void inspect_key(struct inspect_keys *, const struct reload *,
    struct control_request *request, char *key, size_t len);

#endif
