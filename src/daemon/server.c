/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What happens once: the start, draining, the end.  This thread serves no
 * message, so that signals and the administrator are heard however busy the
 * workers are; and it waits for nothing but events, so that what takes long has
 * threads of its own.
 */

#include "config.h"

#include "daemon/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/clock.h"
#include "common/human.h"
#include "common/log.h"
#include "daemon/base/problems.h"
#include "daemon/command.h"
#include "daemon/conf/conf.h"
#include "daemon/control.h"
#include "daemon/hiding.h"
#include "daemon/http/http.h"
#include "daemon/http/http_search.h"
#include "daemon/inspect.h"
#include "daemon/inspect_key.h"
#include "daemon/manager/inherit.h"
#include "daemon/manager/notify.h"
#include "daemon/manager/watchdog.h"
#include "daemon/net/listeners.h"
#include "daemon/publishing.h"
#include "daemon/reload.h"
#include "daemon/report/report.h"
#include "daemon/report/usage.h"
#include "daemon/signals.h"
#include "daemon/snapshot/generation.h"
#include "daemon/snapshot/snapshot.h"
#include "daemon/system/confine.h"
#include "daemon/system/pid.h"
#include "daemon/thread/errand.h"
#include "daemon/thread/mailbox.h"
#include "daemon/tls/tls.h"
#include "daemon/worker/worker.h"

/* What the end takes at most after the drain. */
#define STOP_SPARE_MS	10000

struct server {
	const char *path;
	struct generation *first;	/* a reference; NULL: it is served */
	struct tls *tls;		/* borrowed */
	struct event_base *base;
	struct listeners listeners;
	struct workers *workers;
	struct watchdog *watchdog;
	struct reload *reload;
	struct control *control;
	struct errands *counts, *searches;	/* of commands */
	struct inspect_keys *asks;
	struct hiding *hiding;
	struct publishing *publishing;
	struct http *http;		/* NULL: no such listener */
	struct pid pid;
	enum log_level level;		/* logged at least */
	struct mailbox *mailbox;	/* from the workers */
	struct mail deaf_mail, drained_mail;
	bool workers_drained, http_drained;
	struct signals *signals;
	struct event *drain_timer;
	time_t started;
	int64_t started_ms;		/* the same, by clock_ms() */
	bool draining;
};

/* For reports. */
static bool
server_table(const void *arg, size_t i, struct report_table *table)
{
	const struct server *server = arg;
	const struct generation *gen = reload_current(server->reload);

	if (!inspect_table(gen, inspect_keys_remotes(server->asks), i,
	    table))
		return false;
	table->counted = hiding_get(server->hiding, gen->number, i,
	    &table->hidden);
	return true;
}

static bool
server_certificate(void *tls, size_t i, struct report_certificate *c)
{
	return tls_certificate(tls, i, c->name, sizeof(c->name), &c->ends);
}

/* The numbers of now; borrowed until control returns to the loop. */
static struct report
server_report(const struct server *server)
{
	const struct generation *gen = reload_current(server->reload);
	struct report r = { .draining = server->draining,
	    .started = server->started,
	    .uptime = (clock_ms() - server->started_ms) / 1000,
	    .loaded = gen->loaded_at,
	    .last_reload = *reload_last(server->reload),
	    .generation = gen->number,
	    .digest = *snapshot_digest(gen->snap),
	    .entries = snapshot_count(gen->snap),
	    .table_bytes = snapshot_memory(gen->snap),
	    .held = workers_held(server->workers),
	    .connections = workers_connections(server->workers),
	    .workers = workers_stats(server->workers),
	    .n = workers_count(server->workers),
	    .keys = true, .table_cb = server_table, .tables = server,
	    .certificate_cb = server_certificate, .tls = server->tls,
	    .usage_cb = usage_read };

	reload_counts(server->reload, &r.reloads, &r.reloads_failed);
	reload_kept(server->reload, &r.kept, &r.kept_bytes);
	return r;
}

/* What others may find of it. */
static void
server_remove_paths(struct server *server)
{
	listeners_close(&server->listeners);
	listeners_close_control(&server->listeners);
	pid_remove(&server->pid);
}

static void
server_drain_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	log_warnx("drain timed out connections=%" PRId64,
	    workers_connections(server->workers) +
	    (server->http != NULL ? http_connections(server->http) : 0));
	event_base_loopbreak(server->base);
}

/* Accept no more, owe nothing, end. */
static void
server_drain(struct server *server, const char *by)
{
	const struct conf *conf = reload_current(server->reload)->conf;
	struct timeval tv = { .tv_sec = conf->timeouts.drain / 1000 };

	server->draining = true;
	log_info("draining by=%s connections=%" PRId64, by,
	    workers_connections(server->workers));
	notify("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%" PRId64,
	    (conf->timeouts.drain + STOP_SPARE_MS) * 1000);
	event_add(server->drain_timer, &tv);
	publishing_stop(server->publishing);
	workers_drain(server->workers);
}

static void
server_drain_asked_cb(void *arg)
{
	struct server *server = arg;

	if (!server->draining)
		server_drain(server, "control");
}

static void
server_action_cb(struct control_request *request, const char *content,
    size_t len, void *arg)
{
	struct server *server = arg;
	const struct report report = server_report(server);
	const struct command_host host = {
		.reload = server->reload, .publishing = server->publishing,
		.report = &report,
		.remotes = inspect_keys_remotes(server->asks),
		.counts = server->counts, .asks = server->asks,
		.drain_cb = server_drain_asked_cb, .arg = server
	};

	command_run(&host, request, content, len);
}

/* The second time it is meant at once. */
static void
server_terminate(struct server *server, int signum)
{
	if (!server->draining) {
		server_drain(server, signum == SIGINT ? "SIGINT" : "SIGTERM");
		return;
	}
	/* Not even a load that is under way is waited for. */
	log_info("stopping at once signal=%d", signum);
	/* Workers look at the sockets until the very end. */
	listeners_unlink(&server->listeners);
	pid_remove(&server->pid);
	_exit(EX_OK);
}

static void
server_signal_cb(int signum, void *arg)
{
	struct server *server = arg;

	if (signum == SIGUSR1)
		reload_access_log(server->reload);
	else if (signum != SIGHUP)
		server_terminate(server, signum);
	else if (!server->draining)
		reload_start(server->reload, &(struct reload_wanted){
		    .order = RELOAD_APPLY }, NULL);
}

static void
server_end_if_drained(const struct server *server)
{
	if (server->workers_drained && server->http_drained)
		event_base_loopbreak(server->base);
}

static void
http_drained_cb(void *arg)
{
	struct server *server = arg;

	server->http_drained = true;
	server_end_if_drained(server);
}

/* The workers are deaf, or have drained. */
static void
server_mail_cb(struct mail *mail, void *arg)
{
	struct server *server = arg;

	if (mail == &server->drained_mail) {
		server->workers_drained = true;
		server_end_if_drained(server);
		return;
	}
	if (server->http != NULL)
		http_drain(server->http, http_drained_cb, server);
	else
		server->http_drained = true;
	listeners_close(&server->listeners);
}

static void
workers_swapped_cb(void *arg)
{
	struct server *server = arg;

	reload_swapped(server->reload);
}

static void
workers_deaf_cb(void *arg)
{
	struct server *server = arg;

	mailbox_send(server->mailbox, &server->deaf_mail);
}

static void
workers_drained_cb(void *arg)
{
	struct server *server = arg;

	mailbox_send(server->mailbox, &server->drained_mail);
}

static bool
workers_beat_cb(void *arg)
{
	struct server *server = arg;

	return workers_beat(server->workers);
}

/* What of a configuration is the server's: at the start and by reloads. */
static void
server_change_cb(const struct generation *gen, void *arg)
{
	struct server *server = arg;

	log_set_level(gen->conf->log_level > server->level ?
	    gen->conf->log_level : server->level);
	confine_descriptors(gen->conf);
	pid_use(&server->pid, gen->conf, geteuid(), NULL);
	if (server->http != NULL)
		http_use(server->http, gen->conf);
	inspect_keys_use(server->asks, gen->snap);
}

static struct report
server_report_cb(const void *arg, bool count)
{
	const struct server *server = arg;

	if (count)
		hiding_want(server->hiding, server->reload);
	return server_report(server);
}

/* The listeners that no worker looks at. */
static int
server_http(struct server *server)
{
	for (size_t i = 0; i < server->listeners.n; i++) {
		const struct listener *l = &server->listeners.list[i];

		if (l->conf.service != CONF_SERVICE_HTTP || l->conf.search)
			continue;
		if (server->http == NULL) {
			server->http = http_new(server->base,
			    server_report_cb, server,
			    workers_held_counter(server->workers));
			if (server->http == NULL)
				return -1;
			http_use(server->http,
			    reload_current(server->reload)->conf);
		}
		if (http_listen(server->http, l->fd, &l->conf) != 0)
			return -1;
	}
	return 0;
}

/* What libevent has to say is a line of the log like all others. */
static void
libevent_cb(int severity, const char *text)
{
	if (severity != EVENT_LOG_DEBUG)
		log_warnx("libevent: %s", text);
}

/* In a signal handler: only what such a one may call. */
static void
server_end_cb(void *arg)
{
	struct server *server = arg;

	listeners_close(&server->listeners);
	listeners_close_control(&server->listeners);
	pid_remove(&server->pid);
}

/*
 * The steps of a start, in their order: bind, drop, read, build.
 *
 * To bind is the first since it takes rights: to a port below 1024, to a
 * folder of root's, to the manager's socket.
 */
static int
server_bind(struct server *server, struct inherited *inherited,
    struct problems *problems)
{
	if (listeners_open(&server->listeners, server->first->conf,
	    inherited, problems) != 0)
		return -1;
	/* There are paths now, which nobody shall find afterwards. */
	signals_clean_up(server_end_cb, server);
	/* In the sandbox it could not be connected any more. */
	notify_open();
	return 0;
}

/*
 * Rights go before a table is read, whose folder may be that of a user who
 * has put a link there; and before there are threads, since each has its own.
 */
static int
server_drop(struct server *server, struct problems *problems)
{
	const struct conf *conf = server->first->conf;
	const struct listener *l = server->listeners.list;
	const struct conf_listen *conf_l;

	TAILQ_FOREACH(conf_l, &conf->listens, entry) {
		if (confine_give_listen(conf_l, l->kept, problems) != 0)
			return -1;
		if (l->own)
			confine_take_listen(conf_l);
		l++;
	}
	return confine_process(conf, &server->pid, problems);
}

/* What this loop hears.  Behind all that is asked of then. */
static int
server_hear(struct server *server)
{
	const struct conf *conf = server->first->conf;
	int fd = server->listeners.control_fd;

	server->drain_timer = evtimer_new(server->base, server_drain_cb,
	    server);
	server->mailbox = mailbox_new(server->base, server_mail_cb, server);
	server->signals = signals_new(server->base, server_signal_cb, server);
	server->counts = errands_new(server->base);
	server->searches = errands_new(server->base);
	server->asks = server->searches == NULL ? NULL :
	    inspect_keys_new(server->base, server->searches);
	server->hiding = hiding_new(server->counts);
	server->publishing = publishing_new(server->base);
	if (server->drain_timer == NULL || server->mailbox == NULL ||
	    server->signals == NULL || server->counts == NULL ||
	    server->asks == NULL || server->hiding == NULL ||
	    server->publishing == NULL)
		return -1;
	inspect_keys_use(server->asks, server->first->snap);
	server->watchdog = watchdog_new(server->base, workers_beat_cb,
	    server);
	if (fd != -1 && (server->control = control_new(server->base, fd,
	    conf->control_group != NULL ? conf->control_gid :
	    CREDENTIALS_NO_GROUP, server_action_cb, server)) == NULL)
		return -1;
	return server_http(server);
}

/*
 * What serves comes last, since workers begin with the tables that they
 * answer from; who connects meanwhile waits in the kernel.  A reload gives
 * to workers, so they come before it.
 */
static int
server_build(struct server *server)
{
	const struct workers_events events = { &http_search, workers_swapped_cb,
	    workers_deaf_cb, workers_drained_cb, server };
	struct generation *gen = server->first;

	if ((server->base = event_base_new()) == NULL)
		return -1;
	server->workers = workers_new((size_t)gen->conf->workers,
	    server->listeners.list, server->listeners.n, gen, server->tls,
	    &events);
	if (server->workers == NULL)
		return -1;
	server->reload = reload_new(server->base, server->path, gen,
	    server->workers, server_change_cb, server);
	if (server->reload == NULL || server_hear(server) != 0)
		return -1;
	generation_unref(server->first);
	server->first = NULL;
	return 0;
}

struct server *
server_new(const char *path, struct generation *gen, struct tls *tls,
    enum log_level level)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		generation_unref(gen);
		log_warn("cannot start");
		return NULL;
	}
	gen->number = 1;
	server->first = gen;
	server->tls = tls;
	server->level = level;
	log_set_level(gen->conf->log_level > level ? gen->conf->log_level :
	    level);
	server->path = path;
	server->started = time(NULL);
	server->started_ms = clock_ms();
	server->listeners.control_fd = -1;
	event_set_log_callback(libevent_cb);
	return server;
}

int
server_open(struct server *server, struct inherited *inherited,
    struct problems *problems)
{
	if (server_bind(server, inherited, problems) == 0 &&
	    server_drop(server, problems) == 0)
		return EX_OK;
	return problems_count(problems) > 0 ? EX_CONFIG : EX_OSERR;
}

int
server_load(struct server *server, struct problems *problems)
{
	int rc = reload_first(server->first, problems);

	if (rc != EX_OK || server_build(server) == 0)
		return rc;
	log_warn("cannot start");
	return EX_OSERR;
}

/* Signals are the server's, whatever thread the system would choose. */
static int
start_workers(struct server *server)
{
	sigset_t all, saved;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	error = workers_start(server->workers);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return error;
}

int
server_run(struct server *server, void (*ready_cb)(void *), void *arg)
{
	const struct generation *gen = reload_current(server->reload);
	char entries[HUMAN_SIZE];
	sigset_t all;
	int error;

	error = start_workers(server);
	if (error == 0) {
		log_info("ready generation=%" PRIu64 " entries=%zu "
		    "workers=%zu", gen->number, snapshot_count(gen->snap),
		    workers_count(server->workers));
		notify("READY=1\nSTATUS=generation %" PRIu64 ", %s",
		    gen->number, human_count(snapshot_count(gen->snap),
		    "entry", "entries", entries));
		ready_cb(arg);
		error = event_base_loop(server->base,
		    EVLOOP_NO_EXIT_ON_EMPTY);
		if (error == 0)
			log_info("stopped");
		else
			log_warn("cannot wait for events");
	} else {
		log_warn("cannot start the workers");
	}
	/* One more signal must not end what is being cleared up. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	workers_stop(server->workers);
	return error;
}

/*
 * A load reads for as long as its files are large, and what it comes to is
 * for nobody any more: it ends with the process.
 */
static void
server_leave(struct server *server)
{
	control_free(server->control);
	server_remove_paths(server);
	log_end();
	_exit(EX_OK);
}

void
server_free(struct server *server)
{
	if (server == NULL)
		return;
	signals_clean_up(NULL, NULL);
	watchdog_free(server->watchdog);
	/* Before those that count for it. */
	http_free(server->http);
	workers_free(server->workers);
	/* While those who wait for them can be told. */
	inspect_keys_free(server->asks);
	errands_free(server->counts);
	errands_free(server->searches);
	publishing_free(server->publishing);
	hiding_free(server->hiding);
	if (server->reload != NULL && reload_abandon(server->reload))
		server_leave(server);
	reload_free(server->reload);
	control_free(server->control);
	mailbox_discard(server->mailbox);
	signals_free(server->signals);
	if (server->drain_timer != NULL)
		event_free(server->drain_timer);
	server_remove_paths(server);
	listeners_clear(&server->listeners);
	pid_clear(&server->pid);
	generation_unref(server->first);
	if (server->base != NULL)
		event_base_free(server->base);
	free(server);
}
