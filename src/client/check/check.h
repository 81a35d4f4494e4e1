/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CHECK_H
#define CHECK_H

/*
 * Does a server, whoever wrote it, speak the protocol?  It is asked in many
 * ways, each of which is a point of the protocol, and each point that it does
 * not keep is told in words that help to mend it: as TAP, the lines of which
 * many programs read.
 */

struct call;

/*
 * Check the only server of a call.  What was found is printed; that a point is
 * not kept counts as something that was missed, and a server that cannot be
 * checked as a failure.
 */
void check_run(struct call *call);

#endif
