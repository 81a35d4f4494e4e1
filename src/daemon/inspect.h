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
 * One table, as a report's table_cb has it, but for what it hides.
 *
 * remotes  who looks at those on other machines; NULL: nobody does
 */
bool inspect_table(const struct generation *, const struct remotes *remotes,
    size_t i, struct report_table *);

#endif
