/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef INTERACTIVE_H
#define INTERACTIVE_H

/*
 * The client without an action: a prompt, lines that are searched for, and
 * commands that say how.
 */

struct call;

/*
 * Run until the input ends.  Ends the process itself when it ended by a
 * signal, or a search hangs that was broken off; the terminal is as it was
 * before.
 */
void interactive_run(struct call *call);

#endif
