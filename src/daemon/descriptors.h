/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/*
 * How many descriptors the process may have, and who may have the last ones.
 */

struct conf;

/*
 * Let the process open as many descriptors as the limits of a configuration
 * need, as far as it may; warn where that is less.
 */
void descriptors_raise(const struct conf *);

#endif
