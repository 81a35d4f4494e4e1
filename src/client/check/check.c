/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The points in their order, and what is printed of them.
 */

#include "config.h"

#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/options/options.h"
#include "client/base/output.h"
#include "points.h"

/* For all points, where the call has no deadline of its own. */
#define CHECK_MS	19000

/* So many replies may be waited for in vain until that is over. */
#define CHECK_VAIN	19

/* A reason is printed in lines of so many characters. */
#define CHECK_WIDTH	70

static const struct points *const groups[] = {
	&points_reply, &points_pieces, &points_request, &points_wrong,
	&points_others, &points_kept
};

#define GROUPS	(sizeof(groups) / sizeof(groups[0]))

struct check {
	struct checked checked;
	bool json, quiet;
	bool is_limited;	/* the call has a deadline of its own */
	const char *why;	/* that was printed last */
	size_t n, bad, skipped;
	bool failed;		/* there was no memory to tell */
};

void
point_seen(struct checked *checked, const char *fmt, ...)
{
	va_list ap;

	if (checked->seen[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(checked->seen, sizeof(checked->seen), fmt, ap);
	va_end(ap);
}

/* A text in lines of comment. */
static void
tell_lines(const char *first, const char *text)
{
	size_t column = 0;

	printf("#   %s", first);
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + len > CHECK_WIDTH) {
			output_text(stdout, "\n#     ");
			column = 0;
		}
		output_text(stdout, " ");
		output_field(stdout, text, len);
		column += len + 1;
		text += len + (text[len] == ' ');
	}
	output_text(stdout, "\n");
}

/* Returns 0, or -1 when there is no memory. */
static int
tell_json(const struct check *check, const struct point *point, bool ok)
{
	const struct checked *c = &check->checked;
	struct json_object *object = json_object_new_object();
	int error = -1;

	if (object == NULL)
		return -1;
	if (output_json_add(object, "point",
	    json_object_new_int64((int64_t)check->n)) == 0 &&
	    output_json_add(object, "ok", json_object_new_boolean(ok)) == 0 &&
	    output_json_add(object, "title",
	    json_object_new_string(point->title)) == 0 &&
	    (c->skip == NULL || output_json_add(object, "skip",
	    json_object_new_string(c->skip)) == 0) &&
	    (ok || (output_json_bytes(object, "seen", c->seen,
	    strlen(c->seen)) == 0 && output_json_add(object, "why",
	    json_object_new_string(point->why)) == 0)))
		error = output_json(object);
	json_object_put(object);
	return error;
}

static void
tell(struct check *check, const struct point *point, bool ok)
{
	const struct checked *c = &check->checked;

	if (check->json) {
		check->failed |= tell_json(check, point, ok) != 0;
	} else if (!check->quiet || !ok) {
		printf("%s %zu - %s%s%s\n", ok ? "ok" : "not ok", check->n,
		    point->title, c->skip != NULL ? " # SKIP " : "",
		    c->skip != NULL ? c->skip : "");
		if (!ok) {
			tell_lines("seen:", c->seen);
			tell_lines("why:", point->why == check->why ?
			    "as above" : point->why);
			check->why = point->why;
		}
	}
	output_flush();
}

static bool
is_late(const struct check *check)
{
	return appmsg_deadline(0) >= check->checked.until_ms;
}

/* Judge a point; whether the next ones can be. */
static bool
judge(struct check *check, const struct points *group, size_t i)
{
	struct checked *c = &check->checked;
	const struct point *point = &group->all[i];
	int64_t start = appmsg_deadline(0);
	bool ok;

	c->seen[0] = '\0';
	c->skip = NULL;
	c->silent = false;
	point->judge(c, point);
	if (c->silent && is_late(check))
		return false;
	/* A network may be slow: only what was waited in vain counts. */
	if (!c->silent && !check->is_limited)
		c->until_ms += appmsg_deadline(0) - start;
	ok = c->seen[0] == '\0' || c->skip != NULL;
	check->n++;
	check->bad += !ok;
	check->skipped += c->skip != NULL;
	tell(check, point, ok);
	return ok || !group->needed || i > 0;
}

/* Say that the rest cannot be judged. */
static void
bail(struct check *check, int status, const char *why)
{
	if (!check->json)
		printf("Bail out! %s\n", why);
	call_tell(check->checked.call, "%s", why);
	call_fail(check->checked.call, status);
}

static bool
judge_all(struct check *check)
{
	for (size_t g = 0; g < GROUPS; g++) {
		if (!check->json && !check->quiet)
			printf("# %s\n", groups[g]->title);
		for (size_t i = 0; i < groups[g]->n; i++) {
			if (judge(check, groups[g], i))
				continue;
			if (is_late(check))
				bail(check, EX_TEMPFAIL, "the time is over: it "
				    "lets us wait too often");
			else
				bail(check, check->checked.silent ?
				    EX_TEMPFAIL : EX_PROTOCOL, "it does not "
				    "answer a search, so that nothing else "
				    "can be checked");
			return false;
		}
	}
	return true;
}

void
check_run(struct call *call)
{
	struct check check = { .json = call->options->json,
	    .quiet = call->options->quiet };
	size_t planned = 0;

	/* When nobody is there, that is told; or else it is asked over this. */
	check.checked.first = call_open(call);
	if (check.checked.first == NULL)
		return;
	for (size_t g = 0; g < GROUPS; g++)
		planned += groups[g]->n;
	check.checked.call = call;
	check.is_limited = call->deadline_ms >= 0;
	check.checked.until_ms = check.is_limited ? call->deadline_ms :
	    appmsg_deadline(CHECK_MS);
	check.checked.patience_ms = (check.checked.until_ms -
	    appmsg_deadline(0)) / CHECK_VAIN;
	if (!check.json && !check.quiet)
		printf("1..%zu\n", planned);
	if (judge_all(&check) && !check.json && !check.quiet)
		printf("# %zu of %zu points kept, %zu not judged\n",
		    check.n - check.bad - check.skipped, planned,
		    check.skipped);
	if (check.bad > 0)
		call->missed = true;
	if (check.failed)
		call_error(call, NULL, APPMSG_ENOMEM);
	free(check.checked.ring);
}
