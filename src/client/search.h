/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CLIENT_SEARCH_H
#define CLIENT_SEARCH_H

struct call;

/*
 * Ask for each key of the options and print the answers, in order.  What
 * fails is told and counted in call.
 */
void search_run(struct call *call);

#endif
