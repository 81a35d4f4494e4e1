/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The two columns share the width: a key has what it needs, but leaves most to
 * the results where these need it.  What is too long for its column goes on
 * below, for some lines.
 */

#include "config.h"

#include "view.h"

#include <sys/ioctl.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json.h>

#include "catch.h"
#include "cells.h"
#include "client/base/call.h"
#include "client/base/color.h"
#include "client/base/output.h"
#include "client/base/reply.h"
#include "client/options/query.h"

#define VIEW_WIDTH	80	/* of who does not tell */
#define VIEW_WIDTH_MIN	16
#define VIEW_GAP	2
#define VIEW_LINES	4	/* of one match */

struct column {
	size_t width;
	const char *rest;	/* of the text that is printed */
	size_t rest_len;
};

struct view {
	struct column key, result;
	bool color;
	const char *way;	/* that was asked for; borrowed, as the next */
	const char *asked;
	size_t asked_len;
};

size_t
view_width(void)
{
	struct winsize size = { .ws_col = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1)
		size.ws_col = 0;
	return size.ws_col > 0 ? size.ws_col : VIEW_WIDTH;
}

static void
set_text(struct column *column, struct json_object *match, const char *name)
{
	struct json_object *value = json_object_object_get(match, name);

	column->rest = json_object_get_string(value);
	column->rest_len = (size_t)json_object_get_string_len(value);
}

/* The cells of the widest text of a name, or of its title. */
static size_t
widest(struct json_object *matches, const char *name, size_t max)
{
	struct column column = { .width = 0 };
	size_t w, width = strlen(name);

	for (size_t i = 0; i < json_object_array_length(matches); i++) {
		set_text(&column, json_object_array_get_idx(matches, i),
		    name);
		w = cells_width(column.rest, column.rest_len, max);
		if (w > width)
			width = w;
	}
	return width < max ? width : max;
}

static void
set_widths(struct view *view, struct json_object *matches)
{
	size_t width = view_width(), key, result, most;

	if (width < VIEW_WIDTH_MIN)
		width = VIEW_WIDTH_MIN;
	width -= VIEW_GAP;
	key = widest(matches, "key", width);
	result = widest(matches, "result", width);
	most = width * 2 / 5;
	if (width - result > most)
		most = width - result;
	view->key.width = key < most ? key : most;
	view->result.width = width - view->key.width;
}

/* Print a line of a column; how many cells that took. */
static size_t
print_line(struct column *column, bool is_last)
{
	size_t n, width;

	if (is_last) {
		width = cells_print_cut(stdout, column->rest,
		    column->rest_len, column->width);
		column->rest_len = 0;
		return width;
	}
	n = cells_fold(column->rest, column->rest_len, column->width, &width);
	cells_print(stdout, column->rest, n);
	column->rest += n;
	column->rest_len -= n;
	/* The blank at which it was folded. */
	if (column->rest_len > 0 && *column->rest == ' ') {
		column->rest++;
		column->rest_len--;
	}
	return width;
}

/* The same of the key, which is in colour where it is whole. */
static size_t
print_key(struct view *view)
{
	struct column *key = &view->key;
	size_t width = cells_width(key->rest, key->rest_len, key->width);
	size_t start = 0, marked;

	if (!view->color || key->rest_len == 0 || width > key->width ||
	    !cells_is_escaped(key->rest, key->rest_len))
		return print_line(key, false);
	marked = color_find(view->way, key->rest, key->rest_len, view->asked,
	    view->asked_len, &start);
	color_key(stdout, key->rest, key->rest_len, start, marked);
	key->rest_len = 0;
	return width;
}

static void
print_match(struct view *view)
{
	size_t width;

	for (int line = 1; line <= VIEW_LINES; line++) {
		width = line == 1 ? print_key(view) :
		    print_line(&view->key, line == VIEW_LINES);
		if (view->result.rest_len > 0) {
			/* One that no column is wide enough for takes more. */
			if (width < view->key.width)
				cells_pad(stdout, view->key.width - width);
			cells_pad(stdout, VIEW_GAP);
			print_line(&view->result, line == VIEW_LINES);
		}
		output_text(stdout, "\n");
		if (view->key.rest_len == 0 && view->result.rest_len == 0)
			break;
	}
}

static void
print_more(int limit)
{
	if (limit >= QUERY_LIMIT_MAX) {
		output_text(stdout, "... and more\n");
		return;
	}
	printf("... and more: \\n %d\n", limit * 5 < QUERY_LIMIT_MAX ?
	    limit * 5 : QUERY_LIMIT_MAX);
}

void
view_matches(const struct call *call, const struct reply *reply,
    const struct query *query, const char *asked, size_t len)
{
	struct view view = { .color = call->color, .way = query->match,
	    .asked = asked, .asked_len = len };
	struct json_object *match;

	set_widths(&view, reply->matches);
	output_text(stdout, "KEY");
	cells_pad(stdout, view.key.width - 3 + VIEW_GAP);
	output_text(stdout, "RESULT\n");
	for (size_t i = 0; i < json_object_array_length(reply->matches); i++) {
		match = json_object_array_get_idx(reply->matches, i);
		set_text(&view.key, match, "key");
		set_text(&view.result, match, "result");
		print_match(&view);
		if (catch_has_interrupt() || output_has_failed())
			return;
	}
	if (reply_has_more(reply))
		print_more(query->limit);
}
