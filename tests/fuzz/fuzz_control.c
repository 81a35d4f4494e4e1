/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Requests to the control socket.  An input is three bytes of setup, then
 * what comes in on a connection:
 *
 *	1	bits: 0 the daemon drains, 1 loads take a while, 2 lengths are
 *		put right (fuzz_parts.h), 3 the peer leaves at once
 *	2	where the bytes are cut
 *
 * They go through a socket, since that is what control.c is about.  Each
 * message gets the reply that the plain reader of fuzz_json.h makes one
 * expect; what is none gets that said, once; and a part of one nothing.
 *
 * The reload is one of ours, that says what it was asked to do; so is the log,
 * in whose lines must be nothing that moves a cursor.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/escape.h"
#include "common/log.h"
#include "daemon/base/buf.h"
#include "daemon/command.h"
#include "daemon/control.h"
#include "daemon/history/history.h"
#include "daemon/inspect_key.h"
#include "daemon/publishing.h"
#include "daemon/reload.h"
#include "daemon/report/report.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "fuzz_files.h"
#include "fuzz_json.h"
#include "fuzz_parts.h"
#include "lib/appmsg.h"

#define SETUP_SIZE	3
#define CONTENT_MAX	((size_t)64 << 10)	/* that a request may have */
#define GENERATION_MAX	((int64_t)1 << 53)
#define SENT_MAX	60000	/* bytes that the socket surely holds */

const unsigned int fuzz_runs = 5000;

static struct control_request *waiting;	/* for the end of a load */
static const char *loaded;		/* what its reply says */
static bool loads_later;
static int drained;
static enum log_level level;
static struct report numbers;

/* Instead of those of reload.c. */

void
reload_start(struct reload *reload, const struct reload_wanted *wanted,
    struct control_request *request)
{
	static const char *const orders[] = { "apply", "force", "diff",
	    "rollback" };

	(void)reload;
	FUZZ_CHECK(waiting == NULL);
	FUZZ_CHECK(wanted->keys <= 1000);
	FUZZ_CHECK(wanted->to <= GENERATION_MAX);
	loaded = orders[wanted->order];
	if (loads_later)
		waiting = request;
	else
		control_say(request, true, loaded);
}

const struct generation *
reload_current(const struct reload *reload)
{
	(void)reload;
	return files_tables(0);
}

struct generation *
reload_take(const struct reload *reload)
{
	(void)reload;
	return generation_ref(files_tables(0));
}

const struct history *
reload_history(const struct reload *reload)
{
	static struct history history;

	(void)reload;
	if (history.n == 0)
		history_init(&history, files_tables(0));
	return &history;
}

/* Instead of those of log.c. */

static void check_line(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static void
check_line(const char *fmt, va_list ap)
{
	char line[1024];
	size_t used;
	uint32_t c;

	vsnprintf(line, sizeof(line), fmt, ap);
	for (size_t at = 0; line[at] != '\0'; at += used) {
		used = escape_utf8(line + at, strlen(line + at), &c);
		FUZZ_CHECK(used > 0 && (escape_is_plain(c) || c == '\\'));
	}
}

#define LOG_FUNCTION(name)						\
	void								\
	name(const char *fmt, ...)					\
	{								\
		va_list ap;						\
									\
		va_start(ap, fmt);					\
		check_line(fmt, ap);					\
		va_end(ap);						\
	}

LOG_FUNCTION(log_warn)
LOG_FUNCTION(log_warnx)
LOG_FUNCTION(log_info)
LOG_FUNCTION(log_debug)

void
log_set_level(enum log_level new)
{
	level = new;
}

const char *
log_mark(void)
{
	return "";
}

enum log_level
log_level(void)
{
	return level;
}

static void
drain_cb(void *arg)
{
	(void)arg;
	drained++;
}

static void
action_cb(struct control_request *request, const char *content, size_t len,
    void *arg)
{
	static struct command_host host = { .report = &numbers,
	    .drain_cb = drain_cb };

	if (host.asks == NULL) {
		host.asks = inspect_keys_new(arg, NULL);
		host.publishing = publishing_new(arg);
		FUZZ_CHECK(host.asks != NULL && host.publishing != NULL);
	}
	command_run(&host, request, content, len);
}

static struct event_base *
serve(int *fd)
{
	static struct event_base *base;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = files_path("control");

	if (base != NULL)
		return base;
	signal(SIGPIPE, SIG_IGN);	/* as the daemon does */
	FUZZ_CHECK((base = event_base_new()) != NULL);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(*fd != -1 && strlen(path) < sizeof(sun.sun_path));
	strcpy(sun.sun_path, path);
	FUZZ_CHECK(bind(*fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	FUZZ_CHECK(listen(*fd, 8) == 0);
	files_keep("control");
	FUZZ_CHECK(control_new(base, *fd, (gid_t)-1, action_cb, base) !=
	    NULL);
	return base;
}

static int
connect_to(int listener)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	FUZZ_CHECK(fd != -1);
	FUZZ_CHECK(getsockname(listener, (struct sockaddr *)&sun, &len) == 0);
	FUZZ_CHECK(connect(fd, (struct sockaddr *)&sun, len) == 0);
	return fd;
}

/* Until nothing is left to do. */
static void
turn(struct event_base *base)
{
	for (int i = 0; i < 4; i++)
		FUZZ_CHECK(event_base_loop(base, EVLOOP_NONBLOCK) == 0);
}

/* What must be said. */
struct expected {
	bool reply;		/* anything at all */
	bool found;
	bool text;		/* as an entry has it */
	const char *result;	/* NULL: whatever it is */
};

/* Whether a member is absent, or what it may be. */
static bool
is_fit(const struct json *content, const char *name, bool flag)
{
	const struct json *v = json_member(content, name);

	return v == NULL || (flag ? v->kind == JSON_TRUE ||
	    v->kind == JSON_FALSE : v->kind == JSON_STRING && !v->lone);
}

/* The same of a number in a range. */
static bool
is_within(const struct json *v, int64_t min, int64_t max)
{
	int64_t n;

	return v == NULL || (v->kind == JSON_NUMBER &&
	    json_integer(v, max, &n) && n >= min);
}

static bool
is_word(const struct json *v, const char *word)
{
	return json_is(v, word, strlen(word));
}

static void
expect_explain(struct expected *e, const struct json *key)
{
	struct snapshot_answer a;

	e->found = key != NULL && snapshot_find(files_tables(0)->snap, NULL,
	    key->text, key->len, &a);
	e->text = e->found;
}

static void
expect_command(struct expected *e, const struct json *content)
{
	const struct json *action = json_member(content, "action");
	const struct json *force = json_member(content, "force");
	const struct json *wanted = json_member(content, "level");
	bool change = is_word(action, "reload") || is_word(action, "diff") ||
	    is_word(action, "rollback");

	if (change && numbers.draining) {
		e->result = "the daemon is stopping";
	} else if (change) {
		e->found = true;
		e->result = is_word(action, "diff") ? "diff" :
		    is_word(action, "rollback") ? "rollback" :
		    force != NULL && force->kind == JSON_TRUE ? "force" :
		    "apply";
	} else if (is_word(action, "explain")) {
		expect_explain(e, json_member(content, "key"));
	} else if (is_word(action, "log")) {
		e->found = wanted == NULL || is_word(wanted, "warn") ||
		    is_word(wanted, "info") || is_word(wanted, "debug");
	} else if (is_word(action, "drain") || is_word(action, "stats") ||
	    is_word(action, "status") || is_word(action, "tables") ||
	    is_word(action, "history")) {
		e->found = true;
	} else {
		e->result = "this daemon has no such command";
	}
}

static struct expected
expect(const char *p, size_t len)
{
	struct expected e = { .reply = true };
	struct appmsg_header h;
	struct json *content;
	size_t used;
	int error = appmsg_header_decode(p, len, &h, &used);

	if (error == APPMSG_EAGAIN || (error == 0 &&
	    h.content_length <= CONTENT_MAX && h.content_length >
	    len - used)) {
		e.reply = false;
		return e;
	}
	if (error != 0 || h.content_length > CONTENT_MAX) {
		e.result = "the message cannot be read";
		return e;
	}
	content = json_read(p + used, (size_t)h.content_length);
	if (json_member(content, "action") != NULL &&
	    is_fit(content, "action", false) &&
	    is_fit(content, "key", false) &&
	    is_fit(content, "level", false) &&
	    is_fit(content, "force", true) &&
	    is_fit(content, "openmetrics", true) &&
	    is_within(json_member(content, "keys"), 0, 1000) &&
	    is_within(json_member(content, "mainpid"), 1, INT32_MAX) &&
	    is_within(json_member(content, "generation"), 1,
	    GENERATION_MAX))
		expect_command(&e, content);
	json_free(content);
	return e;
}

static void
check_reply(const struct expected *e, const char *p, size_t len)
{
	struct appmsg_header h;
	const struct json *result, *answer;
	struct json *reply;
	size_t used;

	FUZZ_CHECK(e->reply == (len > 0));
	if (len == 0)
		return;
	FUZZ_CHECK(appmsg_header_decode(p, len, &h, &used) == 0);
	FUZZ_CHECK(h.flaw == APPMSG_FLAW_NONE);
	FUZZ_CHECK(h.content_length == len - used);
	FUZZ_CHECK(appmsg_str_eq(&h.content_type, "text/json", 9));
	FUZZ_CHECK(appmsg_str_eq(&h.connection, "close", 5));
	FUZZ_CHECK(appmsg_str_eq(&h.status, e->found ? "found" : "error", 5));
	reply = json_read(p + used, len - used);
	result = json_member(reply, "result");
	FUZZ_CHECK(result != NULL && result->kind == JSON_STRING);
	FUZZ_CHECK(!result->lone && result->len > 0);
	FUZZ_CHECK(e->result == NULL || is_word(result, e->result));
	answer = json_member(reply, "answer");
	FUZZ_CHECK(!e->text || (answer != NULL &&
	    answer->kind == JSON_STRING));
	json_free(reply);
}

/* All that comes until the end; out stays with the caller. */
static void
receive(int fd, struct event_base *base, struct buf *out)
{
	ssize_t n;
	char *to;

	out->len = 0;
	for (int looks = 0; looks < 100; looks++) {
		FUZZ_CHECK((to = buf_reserve(out, 65536)) != NULL);
		n = recv(fd, to, 65536, MSG_DONTWAIT);
		if (n == 0)
			return;
		FUZZ_CHECK(n > 0 || errno == EAGAIN || errno == ECONNRESET);
		if (n == -1 && errno == ECONNRESET)
			return;
		out->len += n > 0 ? (size_t)n : 0;
		turn(base);
	}
	fprintf(stderr, "the connection stays open\n");
	abort();
}

static void
send_all(int fd, struct event_base *base, const struct buf *b,
    uint64_t state)
{
	size_t n;

	for (size_t at = 0; at < b->len; at += n) {
		n = state == 0 ? b->len : 1 + fuzz_random(&state,
		    fuzz_random(&state, 3) == 0 ? 4 : 300);
		if (n > b->len - at)
			n = b->len - at;
		/* It may have been told enough before. */
		if (send(fd, b->data + at, n, MSG_NOSIGNAL) == -1)
			return;
		turn(base);
	}
}

static void
read_setup(const uint8_t *data)
{
	numbers = (struct report){ .draining = data[0] & 1 };
	loads_later = data[0] & 2;
	level = LOG_LEVEL_DEBUG;
	drained = 0;
	waiting = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf in, out;
	static int listener;
	struct event_base *base = serve(&listener);
	struct expected e;
	int fd;

	if (len < SETUP_SIZE)
		return 0;
	read_setup(data);
	in.len = 0;
	FUZZ_CHECK(buf_add(&in, "", 0) == 0);
	if (data[0] & 4)
		parts_put_right(&in, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&in, data + SETUP_SIZE, len - SETUP_SIZE) ==
		    0);
	if (in.len > SENT_MAX)
		in.len = SENT_MAX;
	fd = connect_to(listener);
	send_all(fd, base, &in, (uint64_t)data[1] << 8 | data[2]);
	shutdown(fd, SHUT_WR);
	if (data[0] & 8)
		close(fd);
	turn(base);
	if (waiting != NULL)
		control_say(waiting, true, loaded);
	if (!(data[0] & 8)) {
		e = expect(in.data, in.len);
		receive(fd, base, &out);
		check_reply(&e, out.data, out.len);
		close(fd);
	}
	FUZZ_CHECK(drained <= 1);
	turn(base);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	uint64_t state = seed;

	if (len < SETUP_SIZE || max <= SETUP_SIZE ||
	    !(data[0] & 4) || fuzz_random(&state, 3) > 0)
		return LLVMFuzzerMutate(data, len, max);
	return SETUP_SIZE + parts_mutate(data + SETUP_SIZE, len - SETUP_SIZE,
	    max - SETUP_SIZE, &state);
}
