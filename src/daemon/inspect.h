/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INSPECT_H
#define INSPECT_H

/*
 * What commands of appmsgctl(8) look up, in the tables that serve or the
 * system's, and may take long to find.
 */

#include <stdbool.h>
#include <stddef.h>

struct control_request;
struct errands;
struct generation;
struct reload;
struct remotes;
struct report_table;

/*
 * Tell which tables there are.
 *
 * remotes  who looks at those on other machines, borrowed until the reply;
 *          NULL: nobody does
 * errands  who does it; NULL: it is done in the call
 * request  gets its reply, when that is done; taken
 */
void inspect_tables(const struct reload *, const struct remotes *remotes,
    struct errands *errands, struct control_request *request);

/*
 * Tell what was loaded since the start, by whom.
 *
 * errands, request  likewise
 */
void inspect_history(const struct reload *, struct errands *errands,
    struct control_request *request);

/*
 * Tell where the answer for a key stands, and which others it hides; or which
 * keys are near to one that is missing.
 *
 * searches  who looks for those; NULL: it is done in the call
 * request   gets its reply, at once or when that is done; taken
 * key       of len bytes of UTF-8, from malloc(3); taken
 */
void inspect_key(const struct reload *, struct errands *searches,
    struct control_request *request, char *key, size_t len);

/*
 * One table, as a report's table_cb has it, but for what it hides and what is
 * looked for on other machines.
 */
bool inspect_table(const struct generation *, size_t i,
    struct report_table *);

#endif
