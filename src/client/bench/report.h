/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

/*
 * What is said of a load: as a text, or as one JSON object.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe.h"
#include "tally.h"

struct plan;

struct report {
	const char *server;	/* its name; borrowed, as all is */
	const struct plan *plan;
	enum probe_source source;
	const char *keys;	/* the file that they are of, or NULL */
	const struct tally_sum *sum;
	int64_t warm_up_ns;
	const struct tally_sum *self;	/* with a server that does no work;
					   NULL: that was not measured */
	bool stopped;		/* earlier than was planned */
};

/*
 * Requests a second.
 */
double report_rate(const struct tally_sum *sum);

/*
 * Whether this client, not the server, is likely what ends the measured rate.
 */
bool report_is_bound(const struct report *report);

/*
 * Print the text on standard output.
 */
void report_print(const struct report *report);

/*
 * Print the object on standard output.
 *
 * Returns 0, or -1 when there is no memory.
 */
int report_print_json(const struct report *report);

#endif
