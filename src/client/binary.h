/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BINARY_H
#define BINARY_H

struct call;

/*
 * Send the text of the options, or all of standard input, as binary content
 * and print the bytes of the reply.  What fails is told and counted in call.
 */
void binary_run(struct call *call);

#endif
