/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A server is looked at, then loaded; then this client loads one that does no
 * work, in the same way, which says what it can do itself.
 */

#include "config.h"

#include "bench.h"

#include <sys/resource.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/base/output.h"
#include "client/options/options.h"
#include "live.h"
#include "load.h"
#include "plan.h"
#include "probe.h"
#include "report.h"
#include "workless.h"

#define BENCH_MS	INT64_C(1000000)
#define BENCH_PATIENCE	(10000 * BENCH_MS)
#define BENCH_SELF_PART	4	/* of the time, to measure this client */
#define BENCH_SELF_MAX	(500 * BENCH_MS)	/* but no longer */
#define BENCH_SELF_MIN	(50 * BENCH_MS)
#define BENCH_SELF_WARM	5	/* a part of that, to warm up */
#define BENCH_FILES	64	/* that are open beside connections */

static volatile sig_atomic_t interrupted;

static void
interrupt_cb(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* A second one ends the program as ever. */
static void
catch_signals(bool caught)
{
	struct sigaction sa = {
		.sa_handler = caught ? interrupt_cb : SIG_DFL,
		.sa_flags = caught ? (int)SA_RESETHAND : 0
	};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* Have as many descriptors as connections want; twice, to measure ourselves. */
static bool
raise_files(struct call *call, int connections)
{
	rlim_t want = 2 * (rlim_t)connections + BENCH_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
	    limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= want)
		return true;
	limit.rlim_cur = limit.rlim_max != RLIM_INFINITY &&
	    limit.rlim_max < want ? limit.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= (rlim_t)connections + BENCH_FILES)
		return true;
	call_tell(call, "%d connections are more than this process may have: "
	    "its limit is %llu descriptors", connections,
	    (unsigned long long)limit.rlim_cur);
	call_fail(call, EX_OSERR);
	return false;
}

static void
make_plan(struct plan *plan, const struct call *call,
    const struct probe *probe)
{
	const struct options_bench *bench = &call->options->bench;
	const struct appmsg_server *server =
	    appmsg_servers_get(call->servers, 0);

	*plan = (struct plan){
		.address = probe->address,
		.address_len = probe->address_len,
		.tls = server->tls ? server : NULL,
		.call = call,
		.requests = &probe->requests,
		.connections = bench->connections,
		.depth = probe->keeps ? bench->depth : 1,
		.threads = bench->threads,
		.keeps = probe->keeps,
		.has_ids = probe->id_at < probe->reply_len,
		.in_order = bench->in_order,
		.seed = bench->seed,
		.warm_up_ns = bench->warm_up_ms * BENCH_MS,
		.duration_ns = bench->duration_ms * BENCH_MS,
		.most = (uint64_t)bench->requests,
		.rate = bench->rate,
		.patience_ns = BENCH_PATIENCE
	};
}

/* Who looks on. */
struct watcher {
	const struct call *call;	/* borrowed */
	struct live live;
};

static bool
look_cb(void *arg, const struct tally_sum *so_far, int64_t span_ns)
{
	struct watcher *w = arg;

	if (so_far != NULL)
		live_count(&w->live, so_far, span_ns);
	return !interrupted && (w->call->deadline_ms < 0 ||
	    appmsg_deadline(0) < w->call->deadline_ms);
}

/*
 * Load a server that does no work as the plan has it, for a part of the time
 * that the other one was loaded.
 *
 * Returns whether that could be measured.
 */
static bool
measure_self(const struct plan *plan, const struct probe *probe,
    int64_t span_ns, struct tally_sum *sum)
{
	struct watcher watcher = { .call = plan->call };
	const struct load_watch watch = { look_cb, &watcher };
	const struct requests *all = &probe->requests;
	struct requests one = *all;
	struct plan self = *plan;
	struct workless_script script = {
		.request_len = all->all[probe->asked].len,
		.request_id_at = all->all[probe->asked].id_at,
		.reply = probe->reply,
		.reply_len = probe->reply_len,
		.reply_id_at = probe->id_at,
		.closes = !plan->keeps
	};
	struct workless *workless;
	enum load_end end;

	one.all += probe->asked;
	one.n = 1;
	self.requests = &one;
	self.tls = NULL;
	self.in_order = true;
	self.duration_ns = span_ns / BENCH_SELF_PART;
	if (self.duration_ns > BENCH_SELF_MAX)
		self.duration_ns = BENCH_SELF_MAX;
	if (self.duration_ns < BENCH_SELF_MIN)
		self.duration_ns = BENCH_SELF_MIN;
	self.warm_up_ns = self.duration_ns / BENCH_SELF_WARM;
	self.most = 0;
	self.rate = 0;
	workless = workless_start(&script, plan->threads, &self);
	if (workless == NULL)
		return false;
	end = load_run(&self, &watch, sum);
	workless_stop(workless);
	return end == LOAD_DONE && tally_failed(sum) == 0;
}

/* No connection could be made, as errno says. */
static void
tell_unconnected(struct call *call)
{
	if (errno != EBUSY) {
		call_error(call, NULL, APPMSG_ECONN);
		return;
	}
	call_tell(call, "it is busy");
	call_fail(call, EX_TEMPFAIL);
}

/* Nothing was measured, errno as load_run() left it: say why. */
static void
tell_nothing(struct call *call, enum load_end end, const struct tally_sum *sum)
{
	int failure = 0;

	while (failure < TALLY_FAILURES && sum->failures[failure] == 0)
		failure++;
	if (end == LOAD_FAILED) {
		call_tell(call, "the load could not begin: %s",
		    strerror(errno));
		call_fail(call, EX_OSERR);
	} else if (end == LOAD_UNCONNECTED || failure == TALLY_REFUSED) {
		tell_unconnected(call);
	} else if (failure < TALLY_FAILURES) {
		call_tell(call, "no request was answered: %s",
		    tally_failure_text((enum tally_failure)failure));
		call_fail(call, failure == TALLY_TIMEOUT ? EX_TEMPFAIL :
		    EX_PROTOCOL);
	} else if (sum->refused > 0) {
		errno = sum->system_error;
		tell_unconnected(call);
	} else {
		call_tell(call, end == LOAD_STOPPED ? "ended before anything "
		    "was measured" : "no request was answered in time");
		call_fail(call, EX_TEMPFAIL);
	}
}

static void
tell_result(struct call *call, const struct report *report)
{
	uint64_t failed = tally_failed(report->sum);

	if (failed > 0 || report->sum->refused > 0)
		call->missed = true;
	if (call->options->json) {
		if (report_print_json(report) != 0)
			call_error(call, NULL, APPMSG_ENOMEM);
	} else if (!call->options->quiet) {
		report_print(report);
	}
	if (failed > 0 && call->options->quiet)
		call_tell(call, "%" PRIu64 " of %" PRIu64 " requests failed",
		    failed, failed + report->sum->outcomes[REPLY_FOUND] +
		    report->sum->outcomes[REPLY_MISSED]);
}

/* All but the looking. */
static void
load(struct call *call, const struct probe *probe)
{
	struct watcher watcher = { .call = call };
	const struct load_watch watch = { look_cb, &watcher };
	struct tally_sum sum, self;
	struct plan plan;
	struct report report = {
		.server = call_name(call, 0), .plan = &plan,
		.source = probe->source, .keys = call->options->bench.keys,
		.sum = &sum
	};
	enum load_end end;

	make_plan(&plan, call, probe);
	live_init(&watcher.live, call->options->quiet);
	catch_signals(true);
	live_say(&watcher.live, "warming up ...");
	end = load_run(&plan, &watch, &sum);
	live_end(&watcher.live);
	report.stopped = end != LOAD_DONE;
	if (tally_replies(&sum) == 0) {
		catch_signals(false);
		tell_nothing(call, end, &sum);
		return;
	}
	/* Who ended that wants to see what came of it, not to wait. */
	live_say(&watcher.live, "measuring this client ...");
	if (end != LOAD_STOPPED &&
	    (!call->options->quiet || call->options->json) &&
	    measure_self(&plan, probe, sum.span_ns, &self))
		report.self = &self;
	live_end(&watcher.live);
	catch_signals(false);
	tell_result(call, &report);
	if (end == LOAD_SILENT)
		call_tell(call, "nothing came for %d seconds",
		    (int)(BENCH_PATIENCE / BENCH_MS / 1000));
	else if (end == LOAD_STOPPED && !interrupted)
		call_tell(call, "the time was over before all was measured");
	if (end != LOAD_DONE && !interrupted)
		call_fail(call, EX_TEMPFAIL);
}

void
bench_run(struct call *call)
{
	struct probe probe = { .reply = NULL };

	if (raise_files(call, call->options->bench.connections) &&
	    probe_run(call, &probe))
		load(call, &probe);
	probe_clear(&probe);
}
