/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef COUNTERS_H
#define COUNTERS_H

/*
 * What the counters of record/stats.h are called, in all that programs read.
 * A counter without a row does not build.
 */

#include "daemon/record/stats.h"

struct counter_row {
	enum stats_counter counter;
	const char *group;	/* of the object: its member; NULL: none */
	const char *name;	/* the member, there or in the object */
	const char *family;	/* of OpenMetrics */
	const char *unit;	/* NULL: none */
	const char *labels;	/* of the sample, or "" */
	const char *help;	/* NULL: it is of the family above it */
};

/*
 * STATS_COUNTERS of them, in the order that they are told in: those of a
 * group follow each other, as those of a family do.
 */
extern const struct counter_row counter_rows[];

#endif
