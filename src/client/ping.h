/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PING_H
#define PING_H

struct call;

/*
 * Ask for the empty key, which no table has, and print how long that took and
 * which generation serves; with -q, nothing.  What fails is told and counted
 * in call; a miss is none.
 */
void ping_run(struct call *call);

#endif
