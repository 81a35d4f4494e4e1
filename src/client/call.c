/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The clock, the connection and the exit status of a run.
 */

#include "config.h"

#include "call.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "appmsg.h"
#ifdef HAVE_OPENSSL
#include "libtls/appmsg-tls.h"
#endif
#include "client/options/options.h"
#include "output.h"

/* Without -t, how long to wait for the server to do anything. */
#define CALL_PATIENCE_MS	10000

/* json-c counts in int, and an escape may take six bytes. */
#define CALL_JSON_MAX		((size_t)256 * 1024 * 1024)

enum { CALL_MISSED = 1 };	/* exit status */

static void
call_name(char *name, size_t cap, const struct target *target)
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
	call->tls = NULL;
}

#ifdef HAVE_OPENSSL
void
call_clear(struct call *call)
{
	appmsg_tls_free(call->tls);
	call->tls = NULL;
}

/* Whom to trust and what to show, the same for each connection. */
static int
call_set_tls(struct call *call)
{
	const struct options_tls *options = &call->options->tls;
	int error;

	if (call->tls != NULL)
		return 0;
	if ((error = appmsg_tls_new(&call->tls)) != 0)
		return error;
	if (options->ca != NULL)
		error = appmsg_tls_trust(call->tls, options->ca);
	if (error == 0 && options->cert != NULL)
		error = appmsg_tls_show(call->tls, options->cert,
		    options->key);
	return error;
}

static int
call_open_tls(struct call *call, struct appmsg_client **client,
    int64_t deadline)
{
	const struct options *options = call->options;
	int error = call_set_tls(call);

	if (error == 0)
		error = appmsg_client_open_tls(client, call->tls,
		    options->target.host, options->target.port,
		    options->tls.name, deadline);
	return error;
}

const char *
call_why(const struct call *call, int error)
{
	if (call->tls != NULL && appmsg_tls_why(call->tls)[0] != '\0')
		return appmsg_tls_why(call->tls);
	return appmsg_strerror(error);
}
#else
void
call_clear(struct call *call)
{
	(void)call;
}

static int
call_open_tls(struct call *call, struct appmsg_client **client,
    int64_t deadline)
{
	(void)call;
	(void)client;
	(void)deadline;
	return APPMSG_EINVAL;
}

const char *
call_why(const struct call *call, int error)
{
	(void)call;
	return appmsg_strerror(error);
}
#endif

int64_t
call_deadline(const struct call *call)
{
	if (call->deadline_ms >= 0)
		return call->deadline_ms;
	return appmsg_deadline(CALL_PATIENCE_MS);
}

static int
call_open_host(struct call *call, struct appmsg_client **client,
    int64_t deadline)
{
	const struct target *target = &call->options->target;

	if (target->tls)
		return call_open_tls(call, client, deadline);
	return appmsg_client_open(client, target->host, target->port,
	    deadline);
}

/* What is wrong with the options could only be found now. */
static void
call_tell_wrong(struct call *call)
{
	const char *why = call_why(call, APPMSG_EINVAL);

	if (strcmp(why, appmsg_strerror(APPMSG_EINVAL)) != 0)
		warnx("%s", why);
	else
		call_tell(call, call->options->target.is_unix ?
		    "path too long; at most 107 bytes" :
		    "unknown service; give its number, from 1 to 65535");
	call_fail(call, EX_USAGE);
}

struct appmsg_client *
call_open(struct call *call)
{
	const struct target *target = &call->options->target;
	struct appmsg_client *client = NULL;
	int error;

	error = target->is_unix ? appmsg_client_open_unix(&client,
	    target->path, call_deadline(call)) :
	    call_open_host(call, &client, call_deadline(call));
	if (error == APPMSG_EINVAL) {
		call_tell_wrong(call);
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
	case APPMSG_EUNPROVEN:
		return EX_PROTOCOL;
	case APPMSG_EDENIED:
		return EX_NOPERM;
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
	const char *words = appmsg_strerror(error), *why = "";

	if (has_errno)
		why = strerror(saved_errno);
	else if (error == APPMSG_EUNPROVEN || error == APPMSG_EDENIED)
		why = call_why(call, error);
	else if (error == APPMSG_EPROTO)
		words = call_why(call, error);
	call_tell(call, "%s%s%s%s%s", subject != NULL ? subject : "",
	    subject != NULL ? ": " : "", words, *why != '\0' ? ": " : "",
	    why);
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
