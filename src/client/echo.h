/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ECHO_H
#define ECHO_H

struct call;

/*
 * Send the texts of the options to an echo service on all connections at once
 * and compare what comes back.  What fails is told and counted in call.
 */
void echo_run(struct call *call);

#endif
