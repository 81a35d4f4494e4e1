/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BENCH_H
#define BENCH_H

/*
 * The action that loads a server, and says what it takes.
 */

struct call;

/*
 * Load the server, and print what was measured; failures are counted in call.
 */
void bench_run(struct call *call);

#endif
