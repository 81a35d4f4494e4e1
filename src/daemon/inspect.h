/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INSPECT_H
#define INSPECT_H

/*
 * What commands of appmsgctl(8) look up in the tables that serve, and may take
 * long to find.
 */

#include <stdbool.h>
#include <stddef.h>

struct control_request;
struct errands;
struct reload;
struct report_table;

/*
 * Tell which tables there are.
 *
 * errands  who does it; NULL: it is done in the call
 * request  gets its reply, when that is done; taken
 */
void inspect_tables(const struct reload *, struct errands *errands,
    struct control_request *request);

/*
 * One table, for the table_cb of a report.
 *
 * gen  the generation that serves
 */
bool inspect_table(const void *gen, size_t i, struct report_table *);

#endif
