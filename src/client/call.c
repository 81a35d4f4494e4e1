/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The clock, the connection and the exit status of a run.
 */

#include "config.h"

#include "call.h"

#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "appmsg.h"
#include "options.h"
#include "output.h"

/* Without -t, how long to wait for the server to do anything. */
#define CALL_PATIENCE_MS	10000

/* json-c counts in int, and an escape may take six bytes. */
#define CALL_JSON_MAX		((size_t)256 * 1024 * 1024)

/* How much later than the deadline a stuck look-up is cut off. */
#define CALL_GRACE_MS		200

enum { CALL_MISSED = 1 };	/* exit status */

/* What call_alarm_cb() writes: it can call next to nothing. */
static char call_alarm_text[CALL_SERVER_SIZE + 64];

static void
call_name(char *name, size_t cap, const struct options_target *target)
{
	if (target->is_unix)
		snprintf(name, cap, "%s", target->path);
	else
		snprintf(name, cap, strchr(target->host, ':') != NULL ?
		    "[%s]:%s" : "%s:%s", target->host, target->port);
}

void
call_init(struct call *call, const struct options *options)
{
	call->options = options;
	call_name(call->server, sizeof(call->server), &options->target);
	call->deadline_ms = appmsg_deadline(options->timeout_ms);
	call->failure = 0;
	call->missed = false;
}

int64_t
call_deadline(const struct call *call)
{
	if (call->deadline_ms >= 0)
		return call->deadline_ms;
	return appmsg_deadline(CALL_PATIENCE_MS);
}

/* getaddrinfo(3) knows no deadline: this ends the program from inside of it. */
static void
call_alarm_cb(int sig)
{
	(void)sig;
	if (write(STDERR_FILENO, call_alarm_text,
	    strlen(call_alarm_text)) == -1)
		_exit(EX_TEMPFAIL);
	_exit(EX_TEMPFAIL);
}

static void
call_set_alarm(int64_t ms)
{
	struct itimerval timer = { .it_value = {
		.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 } };
	struct sigaction act = { .sa_handler = call_alarm_cb };

	if (ms > 0) {
		sigaction(SIGALRM, &act, NULL);
		/* _exit(2) would lose what was printed. */
		output_flush();
	}
	setitimer(ITIMER_REAL, &timer, NULL);
}

struct appmsg_client *
call_open(struct call *call)
{
	const struct options_target *target = &call->options->target;
	struct appmsg_client *client = NULL;
	int64_t deadline = call_deadline(call), left;
	int error;

	if (target->is_unix) {
		error = appmsg_client_open_unix(&client, target->path,
		    deadline);
	} else {
		snprintf(call_alarm_text, sizeof(call_alarm_text),
		    "appmsg-client: %s: host look-up timed out\n",
		    call->server);
		left = deadline - appmsg_deadline(0);
		call_set_alarm((left < 0 ? 0 : left) + CALL_GRACE_MS);
		error = appmsg_client_open(&client, target->host,
		    target->port, deadline);
		call_set_alarm(0);
	}
	if (error == APPMSG_EINVAL) {
		call_tell(call, target->is_unix ?
		    "path too long; at most 107 bytes" :
		    "unknown service; give its number, from 1 to 65535");
		call_fail(call, EX_USAGE);
		return NULL;
	}
	if (error != 0) {
		call_error(call, NULL, error);
		return NULL;
	}
	if (call->options->json || call->options->query.match != NULL)
		appmsg_client_set_max(client, CALL_JSON_MAX);
	return client;
}

void
call_fail(struct call *call, int status)
{
	if (call->failure == 0)
		call->failure = status;
}

/* The exit status for a connection that could not be made. */
static int
call_connect_status(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ECONNRESET:	/* it was made, and closed before we looked */
		return EX_PROTOCOL;
	case ETIMEDOUT:
	case EADDRNOTAVAIL:	/* all our ports are in use */
		return EX_TEMPFAIL;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return EX_OSERR;
	default:
		return EX_UNAVAILABLE;
	}
}

static int
call_error_status(int error, int saved_errno)
{
	switch ((enum appmsg_error)error) {
	case APPMSG_ECONN:
		return call_connect_status(saved_errno);
	case APPMSG_EHOST:
		return EX_NOHOST;
	case APPMSG_ETIMEDOUT:
		return EX_TEMPFAIL;
	case APPMSG_ENOMEM:
		return EX_OSERR;
	case APPMSG_EIO:
		/* Closed rudely is still closed; else the network failed. */
		return saved_errno == ECONNRESET ? EX_PROTOCOL : EX_TEMPFAIL;
	case APPMSG_EOF:
	case APPMSG_EPROTO:
	case APPMSG_E2BIG:
	case APPMSG_EILSEQ:
		return EX_PROTOCOL;
	case APPMSG_OK:
	case APPMSG_EAGAIN:
	case APPMSG_ENOENT:
	case APPMSG_EINVAL:
		break;
	}
	return EX_SOFTWARE;
}

void
call_tell(const struct call *call, const char *fmt, ...)
{
	va_list ap;

	output_flush();
	fprintf(stderr, "appmsg-client: %s: ", call->server);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
call_error(struct call *call, const char *subject, int error)
{
	int saved_errno = errno;
	bool has_errno = error == APPMSG_ECONN || error == APPMSG_EIO;

	call_tell(call, "%s%s%s%s%s", subject != NULL ? subject : "",
	    subject != NULL ? ": " : "", appmsg_strerror(error),
	    has_errno ? ": " : "", has_errno ? strerror(saved_errno) : "");
	call_fail(call, call_error_status(error, saved_errno));
}

void
call_count(struct call *call, enum reply_outcome outcome)
{
	switch (outcome) {
	case REPLY_FOUND:
		break;
	case REPLY_MISSED:
		call->missed = true;
		break;
	case REPLY_ERROR:
		call_fail(call, EX_DATAERR);
		break;
	case REPLY_BUSY:
	case REPLY_UNAVAILABLE:
		call_fail(call, EX_TEMPFAIL);
		break;
	case REPLY_DENIED:
		call_fail(call, EX_NOPERM);
		break;
	}
}

int
call_status(const struct call *call)
{
	if (call->failure != 0)
		return call->failure;
	return call->missed ? CALL_MISSED : EX_OK;
}
