/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Kept in a struct without pointers, so that a failure for want of memory is
 * noted like any other.
 */

#include "config.h"

#include "daemon/report/last_reload.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/iso_time.h"
#include "daemon/base/problems.h"
#include "daemon/base/tell.h"

static const char *const outcomes[] = {
	[LAST_RELOAD_NONE] = "none",
	[LAST_RELOAD_DONE] = "done",
	[LAST_RELOAD_FAILED] = "failed"
};

void
last_reload_note(struct last_reload *last, time_t now,
    const struct problems *problems)
{
	const char *text = problems->n > 0 ? problems->list[0].text :
	    "there was no memory to say why";
	size_t len = strlen(text);

	*last = (struct last_reload){ .outcome = LAST_RELOAD_DONE, .at = now,
	    .problems = problems_count(problems) };
	if (last->problems == 0)
		return;
	last->outcome = LAST_RELOAD_FAILED;
	if (len > LAST_RELOAD_PROBLEM_MAX) {
		/* Between two characters: it becomes a string of JSON. */
		len = LAST_RELOAD_PROBLEM_MAX;
		while (len > 0 && (text[len] & 0xc0) == 0x80)
			len--;
	}
	snprintf(last->problem, sizeof(last->problem), "%.*s%s", (int)len,
	    text, text[len] != '\0' ? "..." : "");
}

void
last_reload_text(const struct last_reload *last, char *text)
{
	char at[ISO_TIME_SIZE];
	int n;

	if (last->outcome == LAST_RELOAD_NONE) {
		strlcpy(text, "none since the start", LAST_RELOAD_TEXT_SIZE);
		return;
	}
	iso_time_local(last->at, at);
	n = snprintf(text, LAST_RELOAD_TEXT_SIZE, "%s, %s%s%s", at,
	    outcomes[last->outcome], last->problems > 0 ? ": " : "",
	    last->problem);
	if (last->problems > 1)
		snprintf(text + n, LAST_RELOAD_TEXT_SIZE - (size_t)n,
		    " (and %zu more)", last->problems - 1);
}

void
last_reload_tell(const struct last_reload *last, bool problem,
    struct tell *t)
{
	char at[ISO_TIME_SIZE];

	tell_object(t, "last-reload");
	tell_text(t, "outcome", outcomes[last->outcome]);
	if (last->outcome != LAST_RELOAD_NONE) {
		iso_time_local(last->at, at);
		tell_text(t, "time", at);
		tell_number(t, "problems", last->problems);
	}
	if (problem && last->problems > 0)
		tell_text(t, "problem", last->problem);
	tell_end(t);
}
