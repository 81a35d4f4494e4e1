/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TABLES_H
#define TABLES_H

struct call;

/*
 * Print the names of the tables that the server lets this client ask.
 */
void tables_run(struct call *call);

#endif
