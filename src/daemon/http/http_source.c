/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A timer, and reports.
 */

#include "config.h"

#include "daemon/http/http_source.h"

#include <stdlib.h>

#include <event2/event.h>

#include "common/clock.h"
#include "daemon/base/tell.h"
#include "daemon/report/past.h"

struct http_source {
	struct http_numbers numbers;
	struct report (*report)(const void *, bool);
	const void *arg;		/* borrowed */
	struct event *second;		/* owned */
	struct past past;
};

static int
stats(struct buf *out, bool keys, void *arg)
{
	const struct http_source *source = arg;
	struct report r = source->report(source->arg, true);

	r.keys = keys;
	return report_json(&r, out);
}

static int
history(struct buf *out, void *arg)
{
	const struct http_source *source = arg;
	struct tell t;
	int error;

	tell_init(&t);
	past_tell(&source->past, clock_ms(), &t);
	error = tell_print(&t, out);
	tell_clear(&t);
	return error;
}

static int
metrics(struct buf *out, bool classic, void *arg)
{
	const struct http_source *source = arg;
	const struct report r = source->report(source->arg, false);

	return classic ? report_metrics_classic(&r, out) :
	    report_metrics(&r, out);
}

static bool
healthy(void *arg)
{
	const struct http_source *source = arg;

	return !source->report(source->arg, false).draining;
}

static void
second_cb(int fd, short what, void *arg)
{
	struct http_source *source = arg;
	const struct report r = source->report(source->arg, false);

	(void)fd;
	(void)what;
	past_sample(&source->past, &r, clock_ms());
}

struct http_source *
http_source_new(struct event_base *base,
    struct report (*report)(const void *, bool), const void *arg)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct http_source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	source->numbers = (struct http_numbers){ stats, history, metrics,
	    healthy, source };
	source->report = report;
	source->arg = arg;
	source->second = event_new(base, -1, EV_PERSIST, second_cb, source);
	if (source->second == NULL ||
	    event_add(source->second, &second) != 0) {
		http_source_free(source);
		return NULL;
	}
	return source;
}

void
http_source_free(struct http_source *source)
{
	if (source == NULL)
		return;
	if (source->second != NULL)
		event_free(source->second);
	free(source);
}

const struct http_numbers *
http_source_numbers(const struct http_source *source)
{
	return &source->numbers;
}
