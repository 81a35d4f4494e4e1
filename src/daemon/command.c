/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A command is a row in the table below and the function that it names, here
 * or in a file of its own; appmsgctl has a row for it too.  Each function
 * owes one control_reply().
 */

#include "config.h"

#include "daemon/command.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json.h>

#include "common/escape.h"
#include "common/log.h"
#include "daemon/buf.h"
#include "daemon/conf/conf_table.h"
#include "daemon/control.h"
#include "daemon/credentials.h"
#include "daemon/generation.h"
#include "daemon/reload.h"
#include "daemon/stats/report.h"
#include "daemon/table/snapshot.h"

#define TIME_SIZE	32	/* of report_time() */

static void
add_text(struct json_object *reply, const char *name, const char *text)
{
	json_object_object_add(reply, name, json_object_new_string(text));
}

static void
add_number(struct json_object *reply, const char *name, int64_t n)
{
	json_object_object_add(reply, name, json_object_new_int64(n));
}

static void
add_generation(struct json_object *reply, const struct generation *gen)
{
	json_object_object_add(reply, "generation",
	    json_object_new_uint64(gen->number));
}

static void
command_status(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	const struct report *r = host->report;
	char text[512], loaded[TIME_SIZE];
	struct json_object *reply;

	(void)content;
	report_time(r->loaded, loaded, sizeof(loaded));
	snprintf(text, sizeof(text), "%s\n"
	    "version      %s\n"
	    "pid          %ld\n"
	    "uptime       %jd s\n"
	    "generation   %" PRIu64 "\n"
	    "loaded       %s\n"
	    "entries      %zu\n"
	    "memory       %zu bytes of tables, %" PRId64 " held for peers\n"
	    "connections  %" PRId64 "\n"
	    "workers      %zu\n"
	    "log level    %s", r->draining ? "draining" : "serving",
	    PACKAGE_VERSION, (long)getpid(),
	    (intmax_t)(time(NULL) - r->started), r->generation, loaded,
	    r->entries, r->table_bytes, r->held, r->connections, r->n,
	    conf_levels[log_level()]);
	reply = control_result(text);
	report_status(r, reply);
	control_reply(request, true, reply);
}

/* The text goes without the end of its last line, which a printer adds. */
static void
command_stats(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	bool metrics = json_object_get_boolean(json_object_object_get(content,
	    "openmetrics"));
	struct json_object *reply, *result;
	struct buf text = { 0 };

	if ((metrics ? report_metrics : report_text)(host->report,
	    &text) != 0) {
		buf_clear(&text);
		control_reply(request, false, control_result("out of memory"));
		return;
	}
	result = json_object_new_string_len(text.data, (int)text.len - 1);
	buf_clear(&text);
	reply = json_object_new_object();
	json_object_object_add(reply, "result", result);
	if (!metrics) {
		report_status(host->report, reply);
		report_json(host->report, reply);
	}
	control_reply(request, true, reply);
}

/* The name of a file is any bytes; JSON is UTF-8. */
static void
add_file(struct json_object *reply, const char *file, unsigned int line)
{
	size_t len = strlen(file), cap = ESCAPE_SIZE(len);
	char *escaped;

	if (escape_is_utf8(file, len)) {
		add_text(reply, "file", file);
	} else if ((escaped = malloc(cap)) != NULL) {
		escape(escaped, cap, file, len);
		add_text(reply, "file", escaped);
		free(escaped);
	}
	if (line != 0)		/* not every format has lines */
		add_number(reply, "line", line);
}

/* Of what explain found: the same as its text, in parts. */
static void
add_parts(struct json_object *reply, const struct snapshot_answer *a,
    const struct generation *gen)
{
	char loaded[TIME_SIZE];
	const char *file;
	unsigned int line;
	size_t len;
	char *answer = snapshot_answer_text(a, &len);

	if (answer != NULL)
		json_object_object_add(reply, "answer",
		    json_object_new_string_len(answer, (int)len));
	free(answer);
	add_text(reply, "table", table_name(a->table));
	table_locate(a->table, a->id, &file, &line);
	add_file(reply, file, line);
	add_text(reply, "match", "exact");
	add_generation(reply, gen);
	report_time(gen->loaded_at, loaded, sizeof(loaded));
	add_text(reply, "loaded", loaded);
}

/* Where the answer for a key stands, and what it is. */
static void
command_explain(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	const struct generation *gen = reload_current(host->reload);
	struct json_object *key, *reply;
	struct snapshot_answer a;
	char *text;

	if (!json_object_object_get_ex(content, "key", &key) ||
	    !json_object_is_type(key, json_type_string)) {
		control_reply(request, false, control_result("no key"));
		return;
	}
	if (!snapshot_find(gen->snap, NULL, json_object_get_string(key),
	    (size_t)json_object_get_string_len(key), &a)) {
		reply = control_result("no table has an answer for that key");
		add_generation(reply, gen);
		control_reply(request, false, reply);
		return;
	}
	text = snapshot_explain(&a, gen->number, gen->loaded_at);
	reply = control_result(text != NULL ? text : "out of memory");
	add_parts(reply, &a, gen);
	control_reply(request, text != NULL, reply);
	free(text);
}

static void
command_diff(const struct command_host *host, struct control_request *request,
    struct json_object *content)
{
	(void)content;
	reload_start(host->reload, RELOAD_DIFF, request);
}

static void
command_rollback(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	(void)content;
	reload_start(host->reload, RELOAD_ROLLBACK, request);
}

static void
command_reload(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	bool force = json_object_get_boolean(
	    json_object_object_get(content, "force"));

	reload_start(host->reload, force ? RELOAD_FORCE : RELOAD_APPLY,
	    request);
}

/* The level with a name; says in the reply what is wrong with it. */
static bool
find_level(const char *name, enum log_level *level, char *why, size_t cap)
{
	size_t n;

	for (n = 0; conf_levels[n] != NULL; n++)
		if (strcmp(conf_levels[n], name) == 0) {
			*level = (enum log_level)n;
			return true;
		}
	strlcpy(why, "there is no such log level; there are", cap);
	for (size_t i = 0; i < n; i++) {
		strlcat(why, i == 0 ? " " : ", ", cap);
		strlcat(why, conf_levels[i], cap);
	}
	return false;
}

/* Until the next reload, whatever the configuration or -v say. */
static void
command_log(const struct command_host *host, struct control_request *request,
    struct json_object *content)
{
	const char *name = json_object_get_string(
	    json_object_object_get(content, "level"));
	enum log_level old = log_level(), new;
	struct json_object *reply;
	char text[128];

	(void)host;
	if (!find_level(name != NULL ? name : "", &new, text, sizeof(text))) {
		control_reply(request, false, control_result(text));
		return;
	}
	snprintf(text, sizeof(text), "log level was %s, is now %s",
	    conf_levels[old], conf_levels[new]);
	reply = control_result(text);
	add_text(reply, "old", conf_levels[old]);
	add_text(reply, "new", conf_levels[new]);
	/* In the log, when either level has such lines. */
	log_set_level(new > old ? new : old);
	log_info("log level old=%s new=%s", conf_levels[old],
	    conf_levels[new]);
	log_set_level(new);
	control_reply(request, true, reply);
}

/* Once is enough: a second time only tells how far it is. */
static void
command_drain(const struct command_host *host,
    struct control_request *request, struct json_object *content)
{
	int64_t n = host->report->connections;
	struct json_object *reply;
	char text[64];

	(void)content;
	snprintf(text, sizeof(text), "draining, %" PRId64 " connection%s", n,
	    n == 1 ? "" : "s");
	reply = control_result(text);
	add_text(reply, "state", "draining");
	add_number(reply, "connections", n);
	control_reply(request, true, reply);
	if (!host->report->draining)
		host->drain_cb(host->arg);
}

static const struct command {
	const char *name;
	void (*run)(const struct command_host *, struct control_request *,
	    struct json_object *content);
	bool changes;		/* something, so the log says who asked */
	bool to_the_end;	/* done while the daemon drains, too */
} commands[] = {
	{ "diff", command_diff, false, false },
	{ "drain", command_drain, true, true },
	{ "explain", command_explain, false, true },
	{ "log", command_log, true, true },
	{ "reload", command_reload, true, false },
	{ "rollback", command_rollback, true, false },
	{ "stats", command_stats, false, true },
	{ "status", command_status, false, true },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void
log_command(const struct command *command,
    const struct control_request *request)
{
	const struct credentials *peer = control_peer(request);

	if (command->changes)
		log_info("control command=%s uid=%ju pid=%jd", command->name,
		    (uintmax_t)peer->uid, (intmax_t)peer->pid);
	else
		log_debug("control command=%s uid=%ju pid=%jd", command->name,
		    (uintmax_t)peer->uid, (intmax_t)peer->pid);
}

void
command_run(const struct command_host *host, struct control_request *request,
    const char *name, struct json_object *content)
{
	const struct command *command = NULL;

	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			command = &commands[i];
	if (command == NULL) {
		control_reply(request, false,
		    control_result("this daemon has no such command"));
		return;
	}
	log_command(command, request);
	if (host->report->draining && !command->to_the_end)
		control_reply(request, false,
		    control_result("the daemon is stopping"));
	else
		command->run(host, request, content);
}
