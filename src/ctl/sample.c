/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Members by their names, each looked at before it is taken for a number or
 * an array: json-c makes a number of anything, and asserts that an array is
 * one.
 */

#include "config.h"

#include "sample.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#define NS_PER_US	1000
#define NS_MAX		1e18
#define ELEMENTS_MAX	4096	/* of an array: no daemon has more */

/* NULL where there is no such member, or no object. */
static struct json_object *
member(struct json_object *o, const char *name)
{
	struct json_object *value;

	return json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, name, &value) ? value : NULL;
}

static const char *
text(struct json_object *o, const char *name)
{
	struct json_object *value = member(o, name);

	return json_object_is_type(value, json_type_string) ?
	    json_object_get_string(value) : "-";
}

static uint64_t
number_of(struct json_object *value)
{
	int64_t n;

	if (!json_object_is_type(value, json_type_int))
		return 0;
	n = json_object_get_int64(value);
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t
number(struct json_object *o, const char *name)
{
	return number_of(member(o, name));
}

/* All numbers of a group, such as "timeouts". */
static uint64_t
sum(struct json_object *o, const char *name)
{
	struct json_object *group = member(o, name);
	uint64_t n = 0;

	if (!json_object_is_type(group, json_type_object))
		return 0;
	json_object_object_foreach(group, key, value) {
		(void)key;
		n += number_of(value);
	}
	return n;
}

/* The elements of an array that are looked at, 0 if it is none. */
static size_t
count(struct json_object *array)
{
	size_t n = json_object_is_type(array, json_type_array) ?
	    json_object_array_length(array) : 0;

	return n < ELEMENTS_MAX ? n : ELEMENTS_MAX;
}

/* Room for all elements of an array, and never none; NULL: no memory. */
static void *
room(struct json_object *array, size_t size)
{
	return calloc(count(array) + 1, size);
}

/* A pair of microseconds and a count. */
static struct sample_time
time_of(struct json_object *pair)
{
	struct sample_time t = { 0 };
	struct json_object *us;
	double ns;

	if (count(pair) != 2)
		return t;
	us = json_object_array_get_idx(pair, 0);
	if (!json_object_is_type(us, json_type_double) &&
	    !json_object_is_type(us, json_type_int))
		return t;
	ns = json_object_get_double(us) * NS_PER_US + 0.5;
	if (ns >= 1 && ns < NS_MAX)
		t.ns = (uint64_t)ns;
	t.count = number_of(json_object_array_get_idx(pair, 1));
	return t;
}

/* Those that do not rise are left out: they would be counted twice. */
static bool
read_times(struct sample_row *row, struct json_object *o)
{
	struct json_object *array = member(o, "times");
	size_t used = 0;

	if ((row->times = room(array, sizeof(*row->times))) == NULL)
		return false;
	for (size_t i = 0; i < count(array); i++) {
		struct sample_time t = time_of(
		    json_object_array_get_idx(array, i));

		if (t.ns > (used > 0 ? row->times[used - 1].ns : 0))
			row->times[used++] = t;
	}
	row->n = used;
	return true;
}

static bool
read_rows(struct sample *s)
{
	struct json_object *array = member(s->reply, "requests");

	if ((s->rows = room(array, sizeof(*s->rows))) == NULL)
		return false;
	s->n_rows = count(array);
	for (size_t i = 0; i < s->n_rows; i++) {
		struct json_object *o = json_object_array_get_idx(array, i);
		struct sample_row *row = &s->rows[i];

		row->action = text(o, "action");
		row->way = member(o, "way") != NULL ? text(o, "way") : "";
		row->outcome = text(o, "outcome");
		row->count = number(o, "count");
		if (!read_times(row, o))
			return false;
	}
	return true;
}

static bool
read_workers(struct sample *s)
{
	struct json_object *array = member(s->reply, "per-worker");

	if ((s->workers = room(array, sizeof(*s->workers))) == NULL)
		return false;
	s->n_workers = count(array);
	for (size_t i = 0; i < s->n_workers; i++) {
		struct json_object *o = json_object_array_get_idx(array, i);

		s->workers[i] = (struct sample_worker){
			.requests = number(o, "requests"),
			.bytes_in = number(o, "bytes-in"),
			.bytes_out = number(o, "bytes-out"),
			.connections = number(o, "connections")
		};
	}
	return true;
}

static bool
read_tables(struct sample *s)
{
	struct json_object *array = member(s->reply, "tables");

	if ((s->tables = room(array, sizeof(*s->tables))) == NULL)
		return false;
	s->n_tables = count(array);
	for (size_t i = 0; i < s->n_tables; i++) {
		struct json_object *o = json_object_array_get_idx(array, i);

		s->tables[i] = (struct sample_table){
			.name = text(o, "table"),
			.kind = text(o, "kind"),
			.loaded = text(o, "loaded"),
			.entries = number(o, "entries"),
			.bytes = number(o, "bytes")
		};
	}
	return true;
}

static bool
read_keys(struct sample *s, const char *name, struct sample_key **keys,
    size_t *n)
{
	struct json_object *array = member(s->reply, name);

	if ((*keys = room(array, sizeof(**keys))) == NULL)
		return false;
	*n = count(array);
	for (size_t i = 0; i < *n; i++) {
		struct json_object *o = json_object_array_get_idx(array, i);

		(*keys)[i] = (struct sample_key){
			.key = text(o, "key"),
			.count = number(o, "count"),
			.least = number(o, "least"),
			.most = number(o, "most")
		};
	}
	return true;
}

static void
read_members(struct sample *s)
{
	struct json_object *o = s->reply;
	struct json_object *reload = member(o, "last-reload");

	s->version = text(o, "version");
	s->state = text(o, "state");
	s->loaded = text(o, "loaded");
	s->log_level = text(o, "log-level");
	s->reload = text(reload, "outcome");
	s->reload_time = text(reload, "time");
	s->reload_problem = text(reload, "problem");
	s->pid = number(o, "pid");
	s->uptime = number(o, "uptime");
	s->generation = number(o, "generation");
	s->entries = number(o, "entries");
	s->table_bytes = number(o, "table-bytes");
	s->held = number(o, "held-bytes");
	s->connections = number(o, "connections");
	s->accepted = number(o, "accepted");
	s->refused = sum(o, "refused");
	s->timeouts = sum(o, "timeouts");
	s->bytes_in = number(o, "bytes-in");
	s->bytes_out = number(o, "bytes-out");
}

struct sample *
sample_new(struct json_object *reply, int64_t at_ns)
{
	struct sample *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		json_object_put(reply);
		return NULL;
	}
	s->reply = reply;
	s->at_ns = at_ns;
	read_members(s);
	if (read_rows(s) && read_workers(s) && read_tables(s) &&
	    read_keys(s, "hot-keys", &s->found, &s->n_found) &&
	    read_keys(s, "top-misses", &s->missed, &s->n_missed))
		return s;
	sample_free(s);
	return NULL;
}

void
sample_free(struct sample *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_rows; i++)
		free(s->rows[i].times);
	free(s->rows);
	free(s->workers);
	free(s->tables);
	free(s->found);
	free(s->missed);
	json_object_put(s->reply);
	free(s);
}
