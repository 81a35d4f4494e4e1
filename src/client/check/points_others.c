/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What one client does is nothing to another.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

#define AT_ONCE	20

static const struct request_parts plain = { .header = NULL };

/* Another client is answered. */
static void
must_serve(struct checked *c)
{
	struct dialogue d;

	dialogue_ask(&d, c, &plain);
	dialogue_close(&d);
}

/* How much of a request a client sends, and how it leaves. */
struct manner {
	size_t sent;
	enum { STAYS, CLOSES, RESETS } end;
};

static void
judge_beside(struct checked *c, const struct point *point)
{
	const struct manner *manner = point->arg;
	struct dialogue d;
	struct request r = { .data = NULL };

	if (dialogue_open(&d, c) && request_make(&r, &plain) == 0) {
		dialogue_send(&d, r.data, manner->sent);
		dialogue_pause();
		if (manner->end == CLOSES)
			dialogue_close(&d);
		else if (manner->end == RESETS)
			dialogue_reset(&d);
		/* Such that it is noticed before the next one comes. */
		dialogue_pause();
		must_serve(c);
	}
	request_clear(&r);
	dialogue_close(&d);
}

/* All ask before any is heard, and the last one first. */
static void
judge_at_once(struct checked *c, const struct point *point)
{
	struct dialogue all[AT_ONCE];
	struct request r = { .data = NULL };
	size_t n = 0;

	(void)point;
	if (request_make(&r, &plain) == 0) {
		while (n < AT_ONCE && dialogue_open(&all[n], c))
			n++;
		for (size_t i = 0; i < n; i++)
			dialogue_send(&all[i], r.data, r.len);
		for (size_t i = n; i-- > 0 && c->seen[0] == '\0';)
			dialogue_expect(&all[i]);
	}
	for (size_t i = 0; i < n; i++)
		dialogue_close(&all[i]);
	request_clear(&r);
}

#define WHY_BESIDE \
	"While a server waits for one client, it has to look at the others: " \
	"with a selector or asyncio for all, or a thread for each."
#define WHY_LEFT \
	"An exception that one connection raises must end that connection " \
	"only."

static const struct point all_points[] = {
	{ "a client that leaves without a word is no end", WHY_LEFT,
	    judge_beside, &(const struct manner){ 0, CLOSES } },
	{ "a client that leaves within a header is no end", WHY_LEFT,
	    judge_beside, &(const struct manner){ 20, CLOSES } },
	{ "a client that leaves within its content is no end", WHY_LEFT,
	    judge_beside, &(const struct manner){ 110, CLOSES } },
	{ "a connection that is reset is no end", WHY_LEFT,
	    judge_beside, &(const struct manner){ 20, RESETS } },
	{ "a client that says nothing does not hold up another", WHY_BESIDE,
	    judge_beside, &(const struct manner){ 0, STAYS } },
	{ "a client with a part of a header does not hold up another",
	    WHY_BESIDE, judge_beside, &(const struct manner){ 20, STAYS } },
	{ "twenty clients are answered at once", WHY_BESIDE, judge_at_once,
	    NULL }
};

const struct points points_others = {
	"Other clients", all_points, sizeof(all_points) / sizeof(all_points[0]),
	false
};
