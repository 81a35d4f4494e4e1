/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ZONE_H
#define ZONE_H

/*
 * Local times, for tests that compare texts which have some.
 */

/*
 * Be a machine in India, whatever zone this one is in: what a group of cmocka
 * takes as its setup.
 */
int zone_setup(void **state);

#endif
