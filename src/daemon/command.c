/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A command is a row in the table below and the function that it names, here
 * or in a file of its own; appmsgctl has a row for it too.  Each function
 * owes one control_reply().  What a request says is read by the scanner that
 * reads the peers' requests, and no member has another meaning than it has.
 */

#include "config.h"

#include "daemon/command.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/human.h"
#include "common/log.h"
#include "daemon/base/buf.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/tell.h"
#include "daemon/conf/rows.h"
#include "daemon/control.h"
#include "daemon/inspect.h"
#include "daemon/inspect_key.h"
#include "daemon/publishing.h"
#include "daemon/reload.h"
#include "daemon/report/report.h"
#include "daemon/snapshot/diff_keys.h"
#include "lib/scan.h"

/* Numbers that every JSON parser takes exactly. */
#define GENERATION_MAX	((int64_t)1 << 53)

/* What a request may say; raw is NULL where it does not. */
struct words {
	struct appmsg_str action, key, level, from, to;
	bool force, openmetrics, rollback;
	int64_t keys, generation, mainpid;
};

static const struct word {
	const char *name;
	enum { WORD_TEXT, WORD_FLAG, WORD_NUMBER } type;
	size_t offset;		/* in struct words */
	const char *wrong;	/* what is said of a value of another type */
	int64_t min, max;	/* of a number */
} words_known[] = {
	{ "action", WORD_TEXT, offsetof(struct words, action),
	    "\"action\" is not a string of Unicode text", 0, 0 },
	{ "key", WORD_TEXT, offsetof(struct words, key),
	    "\"key\" is not a string of Unicode text", 0, 0 },
	{ "level", WORD_TEXT, offsetof(struct words, level),
	    "\"level\" is not a string of Unicode text", 0, 0 },
	{ "from", WORD_TEXT, offsetof(struct words, from),
	    "\"from\" is not a string of Unicode text", 0, 0 },
	{ "to", WORD_TEXT, offsetof(struct words, to),
	    "\"to\" is not a string of Unicode text", 0, 0 },
	{ "keys", WORD_NUMBER, offsetof(struct words, keys),
	    "\"keys\" is no number from 0 to 1000", 0, DIFF_KEYS_MAX },
	{ "generation", WORD_NUMBER, offsetof(struct words, generation),
	    "\"generation\" is no number from 1 on", 1,
	    GENERATION_MAX },
	{ "mainpid", WORD_NUMBER, offsetof(struct words, mainpid),
	    "\"mainpid\" is no number of a process", 1, INT32_MAX },
	{ "force", WORD_FLAG, offsetof(struct words, force),
	    "\"force\" is neither true nor false", 0, 0 },
	{ "openmetrics", WORD_FLAG, offsetof(struct words, openmetrics),
	    "\"openmetrics\" is neither true nor false", 0, 0 },
	{ "rollback", WORD_FLAG, offsetof(struct words, rollback),
	    "\"rollback\" is neither true nor false", 0, 0 },
};

#define N_WORDS		(sizeof(words_known) / sizeof(words_known[0]))

/* Take a member's value.  Returns NULL, or what is wrong with it. */
static const char *
word_take(const struct word *word, const struct scan_value *v,
    struct words *words)
{
	void *to = (char *)words + word->offset;
	int64_t number;

	if (word->type == WORD_TEXT && v->type == SCAN_STRING &&
	    !(v->str.flags & APPMSG_STR_LONE))
		*(struct appmsg_str *)to = v->str;
	else if (word->type == WORD_FLAG && (v->type == SCAN_TRUE ||
	    v->type == SCAN_FALSE))
		*(bool *)to = v->type == SCAN_TRUE;
	else if (word->type == WORD_NUMBER && v->type == SCAN_NUMBER &&
	    scan_integer(v, word->max, &number) == 0 && number >= word->min)
		*(int64_t *)to = number;
	else
		return word->wrong;
	return NULL;
}

/*
 * Read a request; other members mean nothing, and the last of the same name
 * is the one that counts.
 *
 * Returns NULL, or what is wrong with it.
 */
static const char *
words_read(const char *content, size_t len, struct words *words)
{
	const char *wrong[N_WORDS] = { NULL };
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;

	*words = (struct words){ .keys = DIFF_KEYS };
	scan_init(&scan, content, len);
	if (scan_object(&scan) == SCAN_OK)
		while (scan_member(&scan, &name) == SCAN_OK &&
		    scan_value(&scan, &v) == SCAN_OK)
			for (size_t i = 0; i < N_WORDS; i++)
				if (appmsg_str_eq(&name, words_known[i].name,
				    strlen(words_known[i].name)))
					wrong[i] = word_take(&words_known[i],
					    &v, words);
	if (scan_end(&scan) != SCAN_OK)
		return "the request is no JSON object with an \"action\"";
	for (size_t i = 0; i < N_WORDS; i++)
		if (wrong[i] != NULL)
			return wrong[i];
	return words->action.raw != NULL ? NULL :
	    "the request is no JSON object with an \"action\"";
}

static bool
word_is(const struct appmsg_str *word, const char *text)
{
	return appmsg_str_eq(word, text, strlen(text));
}

/* What is under way takes a line, what is not none. */
static void
add_publishing(const struct publishing *publishing, char *text, size_t cap)
{
	struct publishing_state state;
	size_t len = strlen(text);

	if (publishing_state(publishing, &state))
		snprintf(text + len, cap - len, "\n"
		    "publishing   %s to %s, %u%%", state.from != NULL ?
		    state.from : "back", state.to, state.share);
}

static void
tell_publishing(const struct publishing *publishing, struct tell *reply)
{
	struct publishing_state state;

	if (!publishing_state(publishing, &state))
		return;
	tell_object(reply, "publishing");
	if (state.from != NULL)
		tell_text(reply, "from", state.from);
	tell_text(reply, "to", state.to);
	tell_number(reply, "share", state.share);
	tell_end(reply);
}

static void
command_status(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	const struct report *r = host->report;
	char text[1024 + LAST_RELOAD_TEXT_SIZE], loaded[ISO_TIME_SIZE];
	char last_reload[LAST_RELOAD_TEXT_SIZE];
	char up[HUMAN_SIZE], bytes[HUMAN_SIZE], held[HUMAN_SIZE];
	char kept[HUMAN_SIZE], kept_bytes[HUMAN_SIZE];
	char digest[DIGEST_TEXT_SIZE], remote[64] = "";
	size_t tables_up, tables = report_remote_tables(r, &tables_up);
	struct tell reply;

	(void)words;
	iso_time_local(r->loaded, loaded);
	last_reload_text(&r->last_reload, last_reload);
	if (tables > 0)
		snprintf(remote, sizeof(remote), "\nremote       %zu of %zu "
		    "tables up", tables_up, tables);
	snprintf(text, sizeof(text), "%s\n"
	    "version      %s\n"
	    "pid          %ld\n"
	    "uptime       %s\n"
	    "generation   %" PRIu64 "\n"
	    "loaded       %s\n"
	    "digest       %s\n"
	    "last reload  %s\n"
	    "entries      %zu\n"
	    "memory       %s of tables, %s held for peers\n"
	    "kept         %s, %s\n"
	    "connections  %" PRId64 "\n"
	    "workers      %zu\n"
	    "log level    %s%s", r->draining ? "draining" : "serving",
	    PACKAGE_VERSION, (long)getpid(),
	    human_span(r->uptime, up), r->generation, loaded,
	    digest_text(&r->digest, digest), last_reload,
	    r->entries, human_bytes(r->table_bytes, bytes),
	    human_bytes((uint64_t)r->held, held),
	    human_count(r->kept, "generation", "generations", kept),
	    human_bytes(r->kept_bytes, kept_bytes), r->connections, r->n,
	    conf_levels[log_level()], remote);
	add_publishing(host->publishing, text, sizeof(text));
	tell_init(&reply);
	tell_text(&reply, "result", text);
	report_status(r, &reply);
	tell_publishing(host->publishing, &reply);
	control_reply(request, true, &reply);
}

/* The text goes without the end of its last line, which a printer adds. */
static void
command_stats(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	struct buf text = { 0 };
	struct tell reply;

	if ((words->openmetrics ? report_metrics : report_text)(host->report,
	    &text) != 0) {
		buf_clear(&text);
		control_say(request, false, "out of memory");
		return;
	}
	tell_init(&reply);
	tell_bytes(&reply, "result", text.data, text.len - 1);
	buf_clear(&text);
	if (!words->openmetrics) {
		report_status(host->report, &reply);
		report_stats(host->report, &reply);
	}
	control_reply(request, true, &reply);
}

/* Where the answer for a key stands, and what it is. */
static void
command_explain(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	char *key = NULL;
	size_t len;

	if (words->key.raw == NULL)
		control_say(request, false, "no key");
	else if ((key = malloc(words->key.len + 1)) == NULL ||
	    appmsg_str_decode(&words->key, key, words->key.len, &len) != 0)
		control_say(request, false, "out of memory");
	else {
		inspect_key(host->asks, host->reload, request, key, len);
		return;
	}
	free(key);
}

static void
command_tables(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	(void)words;
	inspect_tables(host->reload, host->remotes, host->counts, request);
}

static void
command_history(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	(void)words;
	inspect_history(host->reload, host->counts, request);
}

static void
command_diff(const struct command_host *host, struct control_request *request,
    const struct words *words)
{
	reload_start(host->reload, &(struct reload_wanted){
	    .order = RELOAD_DIFF, .keys = (size_t)words->keys }, request);
}

/* Whether it is this daemon's service manager that has it asked. */
static bool
is_manager(const struct words *words)
{
	return words->mainpid == getpid();
}

static void
command_rollback(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	reload_start(host->reload, &(struct reload_wanted){
	    .order = RELOAD_ROLLBACK, .to = (uint64_t)words->generation,
	    .manager = is_manager(words) }, request);
}

static void
command_reload(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	reload_start(host->reload, &(struct reload_wanted){
	    .order = words->force ? RELOAD_FORCE : RELOAD_APPLY,
	    .manager = is_manager(words) }, request);
}

static void
command_publish(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	publishing_start(host->publishing, host->reload,
	    &(struct publishing_wanted){ .from = &words->from,
	    .to = &words->to, .force = words->force,
	    .back = words->rollback }, request);
}

/* The level with a name; says in the reply what is wrong with it. */
static bool
find_level(const struct appmsg_str *name, enum log_level *level, char *why,
    size_t cap)
{
	size_t n;

	for (n = 0; conf_levels[n] != NULL; n++)
		if (word_is(name, conf_levels[n])) {
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

static void
tell_level(struct control_request *request)
{
	const char *level = conf_levels[log_level()];
	struct tell reply;
	char text[64];

	snprintf(text, sizeof(text), "log level is %s", level);
	tell_init(&reply);
	tell_text(&reply, "result", text);
	tell_text(&reply, "level", level);
	control_reply(request, true, &reply);
}

/* Until the next reload, whatever the configuration or -v say. */
static void
command_log(const struct command_host *host, struct control_request *request,
    const struct words *words)
{
	enum log_level old = log_level(), new;
	struct tell reply;
	char text[128];

	(void)host;
	if (words->level.raw == NULL) {
		tell_level(request);
		return;
	}
	if (!find_level(&words->level, &new, text, sizeof(text))) {
		control_say(request, false, text);
		return;
	}
	snprintf(text, sizeof(text), "log level was %s, is now %s",
	    conf_levels[old], conf_levels[new]);
	tell_init(&reply);
	tell_text(&reply, "result", text);
	tell_text(&reply, "old", conf_levels[old]);
	tell_text(&reply, "new", conf_levels[new]);
	/* In the log, when either level has such lines. */
	log_set_level(new > old ? new : old);
	log_info("log level old=%s new=%s", conf_levels[old],
	    conf_levels[new]);
	log_set_level(new);
	control_reply(request, true, &reply);
}

/* Once is enough: a second time only tells how far it is. */
static void
command_drain(const struct command_host *host,
    struct control_request *request, const struct words *words)
{
	int64_t n = host->report->connections;
	struct tell reply;
	char text[64 + HUMAN_SIZE], connections[HUMAN_SIZE];

	(void)words;
	snprintf(text, sizeof(text), "draining, %s", human_count((uint64_t)n,
	    "connection", "connections", connections));
	tell_init(&reply);
	tell_text(&reply, "result", text);
	tell_text(&reply, "state", "draining");
	tell_integer(&reply, "connections", n);
	control_reply(request, true, &reply);
	if (!host->report->draining)
		host->drain_cb(host->arg);
}

static const struct command {
	const char *name;
	void (*run)(const struct command_host *, struct control_request *,
	    const struct words *);
	bool changes;		/* something, so the log says who asked */
	bool to_the_end;	/* done while the daemon drains, too */
} commands[] = {
	{ "diff", command_diff, false, false },
	{ "drain", command_drain, true, true },
	{ "explain", command_explain, false, true },
	{ "history", command_history, false, true },
	{ "log", command_log, true, true },
	{ "publish", command_publish, true, false },
	{ "reload", command_reload, true, false },
	{ "rollback", command_rollback, true, false },
	{ "stats", command_stats, false, true },
	{ "status", command_status, false, true },
	{ "tables", command_tables, false, true },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* Whoever says no level only looks. */
static bool
is_change(const struct command *command, const struct words *words)
{
	return command->changes &&
	    (command->run != command_log || words->level.raw != NULL);
}

static void
log_command(const struct command *command, bool changes,
    const struct control_request *request)
{
	const struct credentials *peer = control_peer(request);

	if (changes)
		log_info("control command=%s uid=%ju pid=%jd", command->name,
		    (uintmax_t)peer->uid, (intmax_t)peer->pid);
	else
		log_debug("control command=%s uid=%ju pid=%jd", command->name,
		    (uintmax_t)peer->uid, (intmax_t)peer->pid);
}

void
command_run(const struct command_host *host, struct control_request *request,
    const char *content, size_t len)
{
	const struct command *command = NULL;
	struct words words;
	const char *wrong = words_read(content, len, &words);
	bool changes;

	if (wrong != NULL) {
		control_say(request, false, wrong);
		return;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (word_is(&words.action, commands[i].name))
			command = &commands[i];
	if (command == NULL) {
		control_say(request, false, "this daemon has no such command");
		return;
	}
	changes = is_change(command, &words);
	log_command(command, changes, request);
	if (changes)
		control_note_change(request);
	if (host->report->draining && !command->to_the_end)
		control_say(request, false, "the daemon is stopping");
	else
		command->run(host, request, &words);
}
