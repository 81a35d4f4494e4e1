/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef RATES_H
#define RATES_H

/*
 * What came between two samples, a second.  Without an earlier one, or when
 * that was another daemon's, it is what came since the start.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sample;
struct sample_row;

enum rates_quantile {
	RATES_P50, RATES_P90, RATES_P99, RATES_P999,
	RATES_MOST,
	RATES_QUANTILES
};

/* How long requests took: nanoseconds that so many did not exceed, 0 if there
 * were none; exact to 6.25%, and rather too long, as the daemon counts. */
struct rates_times {
	uint64_t ns[RATES_QUANTILES];
};

struct rates_row {
	const struct sample_row *row;	/* borrowed from the newer sample */
	uint64_t count;			/* in all of the time */
	double requests;
	struct rates_times times;
};

struct rates_worker {
	double requests, bytes_in, bytes_out;
};

struct rates {
	double seconds;			/* that these were */
	bool since_start;
	double requests, found, missed, errors;
	double accepted, refused, timeouts, bytes_in, bytes_out;
	struct rates_times times;	/* of all requests */
	struct rates_row *rows;		/* owned; those that came, the most
					   frequent first */
	struct rates_worker *workers;	/* owned; as many as the sample has */
	size_t n_rows;
};

/*
 * Take the difference of two samples.
 *
 * old  NULL: there is none
 * now  must live as long as the result
 *
 * Returns it, owned by the caller, rates_free(); or NULL when out of memory.
 */
struct rates *rates_new(const struct sample *old, const struct sample *now);

/*
 * Free it.  NULL is allowed.
 */
void rates_free(struct rates *);

#endif
