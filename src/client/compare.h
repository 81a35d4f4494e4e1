/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COMPARE_H
#define COMPARE_H

/*
 * Whether servers serve the same.
 */

struct call;

/*
 * Ask each server of the options in turn for what it serves, each with an
 * equal share of the time that is left, and say so; then which of them serve
 * other entries than the first one that has said it.
 */
void compare_run(struct call *call);

#endif
