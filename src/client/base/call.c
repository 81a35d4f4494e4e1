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
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appmsg.h"
#include "appmsg-session.h"
#ifdef HAVE_OPENSSL
#include "libtls/appmsg-tls.h"
#endif
#include "client/options/options.h"
#include "client/options/query.h"
#include "color.h"
#include "output.h"
#include "trace.h"

/* Without -t, how long to wait for the server to do anything. */
#define CALL_PATIENCE_MS	10000

/* json-c counts in int, and an escape may take six bytes. */
#define CALL_JSON_MAX		((size_t)256 * 1024 * 1024)

enum { CALL_MISSED = 1 };	/* exit status */

#ifdef HAVE_OPENSSL
int
call_new_tls(const struct call *call, struct appmsg_tls **tls)
{
	const struct options_tls *options = &call->options->tls;
	int error = appmsg_tls_new(tls);

	if (error == 0 && options->ca != NULL)
		error = appmsg_tls_trust(*tls, options->ca);
	if (error == 0 && options->cert != NULL)
		error = appmsg_tls_show(*tls, options->cert, options->key);
	return error;
}

/* Whom to trust and what to show, the same for each connection. */
static int
call_set_tls(struct call *call)
{
	int error;

	if (!call->options->is_tls)
		return 0;
	error = call_new_tls(call, &call->tls);
	if (call->tls != NULL)
		appmsg_servers_use_tls(call->servers, call->tls,
		    call->options->tls.name);
	return error;
}

static void
call_free_tls(struct call *call)
{
	appmsg_tls_free(call->tls);
	call->tls = NULL;
}

static const char *
call_tls_why(const struct call *call)
{
	return call->tls != NULL ? appmsg_tls_why(call->tls) : "";
}
#else
static int
call_set_tls(struct call *call)
{
	(void)call;
	return 0;
}

static void
call_free_tls(struct call *call)
{
	(void)call;
}

static const char *
call_tls_why(const struct call *call)
{
	(void)call;
	return "";
}
#endif

bool
call_init(struct call *call, const struct options *options)
{
	int error;

	memset(call, 0, sizeof(*call));
	call->options = options;
	call->servers = options->servers;
	call->deadline_ms = appmsg_deadline(options->timeout_ms);
	call->color = !options->json && !options->tsv &&
	    color_is_wanted(options->color, stdout);
	call->color_errors = color_is_wanted(options->color, stderr);
	if (options->json || options->query.match != NULL)
		appmsg_servers_set_max(call->servers, CALL_JSON_MAX);
	if (options->trace && (call->trace = trace_new(call->servers)) == NULL)
		error = APPMSG_ENOMEM;
	else if ((error = call_set_tls(call)) == 0)
		return true;
	if (error == APPMSG_EINVAL) {
		warnx("%s", call_tls_why(call));
		call_fail(call, EX_USAGE);
	} else {
		call_error(call, NULL, error);
	}
	return false;
}

void
call_clear(struct call *call)
{
	trace_free(call->trace);
	call->trace = NULL;
	appmsg_servers_free(call->servers);
	call->servers = NULL;
	call_free_tls(call);
}

const char *
call_server(const struct call *call)
{
	return appmsg_servers_get(call->servers,
	    appmsg_servers_current(call->servers))->name;
}

const char *
call_why(const struct call *call, int error)
{
	const char *why = call_tls_why(call);

	return *why != '\0' ? why : appmsg_strerror(error);
}

int64_t
call_deadline(const struct call *call)
{
	if (call->deadline_ms >= 0)
		return call->deadline_ms;
	return appmsg_deadline(CALL_PATIENCE_MS);
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

static void __attribute__((format(printf, 2, 0)))
call_tell_of(const char *server, const char *fmt, va_list ap)
{
	output_flush();
	fprintf(stderr, "appmsg-client: %s: ", server);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void
call_tell(const struct call *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	call_tell_of(call_server(call), fmt, ap);
	va_end(ap);
}

const char *
call_name(const struct call *call, size_t index)
{
	const struct appmsg_server *server =
	    appmsg_servers_get(call->servers, index);

	return server != NULL ? server->name : NULL;
}

void
call_tell_at(const struct call *call, size_t index, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	call_tell_of(call_name(call, index), fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3)))
call_tell_server(const char *server, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	call_tell_of(server, fmt, ap);
	va_end(ap);
}

/* Tell and count what is wrong with a server; why has TLS' own words. */
static void
call_failed(struct call *call, const struct appmsg_server *server,
    const char *subject)
{
	int error = server->error;
	const char *words = appmsg_strerror(error), *why = "";

	if (error == APPMSG_ECONN || error == APPMSG_EIO)
		why = strerror(server->system_error);
	else if (error == APPMSG_EUNPROVEN || error == APPMSG_EDENIED)
		why = server->why;
	else if (error == APPMSG_EPROTO && *server->why != '\0')
		words = server->why;
	call_tell_server(server->name, "%s%s%s%s%s",
	    subject != NULL ? subject : "", subject != NULL ? ": " : "",
	    words, *why != '\0' ? ": " : "", why);
	call_fail(call, call_error_status(error, server->system_error));
}

/* Tell and count how one of them has failed. */
static void
call_one_failed(struct call *call, const struct appmsg_server *server)
{
	if (server->error != APPMSG_EINVAL) {
		call_failed(call, server, server->connected ? "reply" : NULL);
		return;
	}
	/* Only now could it be found what is wrong with its name. */
	if (*server->why != '\0')
		warnx("%s", server->why);
	else
		call_tell_server(server->name, "unknown service; give its "
		    "number, from 1 to 65535");
	call_fail(call, EX_USAGE);
}

void
call_all_failed(struct call *call)
{
	const struct appmsg_server *server;

	for (size_t i = 0; (server = appmsg_servers_get(call->servers, i)) !=
	    NULL; i++)
		if (server->error != 0)
			call_one_failed(call, server);
}

void
call_error_at(struct call *call, size_t index, const char *subject,
    int error)
{
	struct appmsg_server server = {
		.name = call_name(call, index), .error = error,
		.system_error = errno, .why = call_tls_why(call)
	};

	call_failed(call, &server, subject);
}

void
call_error(struct call *call, const char *subject, int error)
{
	call_error_at(call, appmsg_servers_current(call->servers), subject,
	    error);
}

struct appmsg_client *
call_open_at(struct call *call, size_t index, int64_t deadline_ms)
{
	struct appmsg_client *client = NULL;

	if (appmsg_servers_open(call->servers, index, &client,
	    deadline_ms) == 0)
		return client;
	call_one_failed(call, appmsg_servers_get(call->servers, index));
	return NULL;
}

struct appmsg_client *
call_open(struct call *call)
{
	return call_open_at(call, 0, call_deadline(call));
}

bool
call_connect(struct call *call)
{
	int error = appmsg_servers_connect(call->servers,
	    call_deadline(call));

	trace_connected(call->trace);
	if (error == 0)
		return true;
	call_all_failed(call);
	return false;
}

int
call_send(struct call *call, const struct appmsg_header *hdr,
    const void *content, size_t len)
{
	int error = appmsg_servers_send(call->servers, hdr, content, len);

	return error != 0 ? error :
	    trace_asked(call->trace, hdr, content, len);
}

int
call_search(struct call *call, const struct query *query, const char *key,
    size_t len, bool keep_alive)
{
	struct appmsg_header hdr;
	struct appmsg_query question;
	char *content;
	int error;

	query_question(query, key, len, &question);
	question.close = !keep_alive;
	error = appmsg_servers_search(call->servers, &question, NULL);
	if (error != 0 || call->trace == NULL)
		return error;
	/* The library does not show what it makes of it: the same, once more. */
	if (!query_make(query, key, len, &content, &len))
		return APPMSG_ENOMEM;
	query_header(query, keep_alive, &hdr);
	error = trace_asked(call->trace, &hdr, content, len);
	free(content);
	return error;
}

bool
call_recv(struct call *call, struct appmsg_message *msg)
{
	int error;

	/* So that what is told of the request stands behind that. */
	if (call->trace != NULL && !call_connect(call))
		return false;
	trace_sends(call->trace);
	error = appmsg_servers_recv(call->servers, msg, call_deadline(call));
	trace_received(call->trace, error == 0 ? msg : NULL);
	if (error == 0)
		return true;
	call_all_failed(call);
	return false;
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

void
call_refused(struct call *call, const char *server,
    const struct reply *reply)
{
	call_count(call, reply->outcome);
	output_flush();
	fprintf(stderr, "appmsg-client: %s: ", server);
	output_start(reply->data, reply->len, true);
	output_text(stderr, "\n");
}

int
call_status(const struct call *call)
{
	if (call->failure != 0)
		return call->failure;
	return call->missed ? CALL_MISSED : EX_OK;
}
