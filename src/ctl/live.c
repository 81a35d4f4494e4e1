/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One thread, which waits for three things at once: the next time to ask, the
 * reply, and whoever looks.  Each time it connects anew, so that another
 * daemon is found as soon as it is there.
 */

#include "config.h"

#include "live.h"

#include <err.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "common/clock.h"
#include "line.h"
#include "rates.h"
#include "said.h"
#include "sample.h"
#include "terminal.h"
#include "view.h"

#define FIRST_MS	10000	/* for the first reply, as other commands have */
#define REPLY_MS	3000	/* for each other one */
#define CONNECT_MS	100	/* in which nobody is listened to */
#define REPLY_MAX	((size_t)64 << 20)
#define PROBLEM_MAX	512	/* bytes */

struct live {
	const struct live_options *o;
	enum terminal_kind kind;
	struct appmsg_client *client;	/* owned; NULL: nothing is asked */
	int64_t next;			/* when to ask, ms */
	int64_t until;			/* when the reply is to be there, ms */
	struct sample *sample;		/* owned */
	struct rates *rates;		/* owned */
	int64_t shown;			/* pictures */
	char problem[PROBLEM_MAX];	/* "": none */
};

/* Returns 0 or an error of appmsg.h. */
static int
ask(struct live *l, int64_t connect_ms, int64_t reply_ms)
{
	static const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	static const char content[] = "{\"action\": \"stats\"}";
	int error = appmsg_client_open_unix(&l->client, l->o->socket,
	    appmsg_deadline(connect_ms));

	if (error != 0) {
		l->client = NULL;
		return error;
	}
	appmsg_client_set_max(l->client, REPLY_MAX);
	l->until = appmsg_deadline(reply_ms);
	return appmsg_client_send(l->client, &hdr, content,
	    sizeof(content) - 1);
}

static void
hang_up(struct live *l)
{
	appmsg_client_free(l->client);
	l->client = NULL;
}

/* The new sample takes the place of the old one. */
static int
take_sample(struct live *l, struct json_object *reply)
{
	struct sample *sample = sample_new(reply, clock_ns());
	struct rates *rates = sample == NULL ? NULL :
	    rates_new(l->sample, sample);

	if (rates == NULL) {
		sample_free(sample);
		return APPMSG_ENOMEM;
	}
	rates_free(l->rates);
	sample_free(l->sample);
	l->sample = sample;
	l->rates = rates;
	l->problem[0] = '\0';
	return 0;
}

static void
tell_problem(struct live *l, const char *what)
{
	snprintf(l->problem, sizeof(l->problem), "%s: %s", l->o->socket, what);
}

/*
 * Take a message, which may be the daemon's refusal.
 *
 * Returns 0, an exit status for what is told as a problem, or -1 when out of
 * memory.
 */
static int
take_message(struct live *l, const struct appmsg_message *msg)
{
	const char *wrong, *result;
	struct json_object *reply, *o;
	int rc = said_exit(&msg->header.status);

	reply = said_read(msg->content, msg->content_len, &wrong);
	if (reply == NULL) {
		tell_problem(l, wrong);
		return EX_PROTOCOL;
	}
	if (rc == EX_OK)
		return take_sample(l, reply) == 0 ? EX_OK : -1;
	json_object_object_get_ex(reply, "result", &o);
	result = json_object_get_string(o);
	tell_problem(l, result);
	json_object_put(reply);
	return rc;
}

/* Returns 0, or an error of appmsg.h; *rc as take_message() has it. */
static int
receive(struct live *l, int64_t deadline, int *rc)
{
	struct appmsg_message msg;
	int error = appmsg_client_recv(l->client, &msg, deadline);

	if (error == 0)
		*rc = take_message(l, &msg);
	return error;
}

static int
draw(struct live *l)
{
	struct view view = { .sample = l->sample, .rates = l->rates,
	    .screen = l->kind == TERMINAL_SCREEN };
	char problem[PROBLEM_MAX + sizeof("trying again: ")];
	char *picture = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&picture, &len);
	int error;

	if (out == NULL)
		return -1;
	if (l->problem[0] != '\0') {
		snprintf(problem, sizeof(problem), "trying again: %s",
		    l->problem);
		view.problem = problem;
	}
	if (l->kind != TERMINAL_NONE)
		terminal_size(&view.rows, &view.columns);
	if (l->shown > 0 && !view.screen)
		fputc('\n', out);
	view_draw(&view, out);
	error = fclose(out);
	if (error == 0)
		error = terminal_write(picture, len);
	free(picture);
	return error;
}

/* A picture of the next moment, whether there is something new or not. */
static int
show(struct live *l)
{
	int error = draw(l);

	l->shown++;
	return error;
}

static const char *
why(int error, int saved)
{
	if (error == APPMSG_ECONN || error == APPMSG_EIO)
		return strerror(saved);
	return error == APPMSG_EOF ? "the daemon closed the connection" :
	    error == APPMSG_ETIMEDOUT ? "no reply in time" :
	    appmsg_strerror(error);
}

/* What was asked has come to nothing. */
static int
give_up(struct live *l, int error)
{
	int saved = errno;

	hang_up(l);
	tell_problem(l, why(error, saved));
	return show(l);
}

static int
ask_again(struct live *l)
{
	int64_t now = clock_ms();
	int error;

	/* Not what was missed while it was stopped, or waited. */
	l->next += l->o->delay_ms;
	if (l->next <= now)
		l->next = now + l->o->delay_ms;
	error = ask(l, CONNECT_MS, REPLY_MS);
	return error != 0 ? give_up(l, error) : 0;
}

/* There is something to read, or the time for it is over. */
static int
look(struct live *l)
{
	int rc = 0, error = receive(l, 0, &rc);

	if (error == APPMSG_ETIMEDOUT && clock_ms() < l->until)
		return 0;
	if (error != 0)
		return give_up(l, error);
	hang_up(l);
	if (rc == -1) {
		errno = ENOMEM;
		return -1;
	}
	return show(l);
}

/* Until it is ended; returns 0, or -1 with errno. */
static int
watch(struct live *l)
{
	int error = show(l);

	l->next = clock_ms() + l->o->delay_ms;
	while (error == 0 && (l->o->count == 0 || l->shown < l->o->count)) {
		bool asked = l->client != NULL;

		switch (terminal_wait(asked ?
		    appmsg_client_fd(l->client) : -1,
		    asked ? l->until : l->next)) {
		case TERMINAL_QUIT:
			return 0;
		case TERMINAL_REDRAW:
			error = draw(l);
			break;
		case TERMINAL_READY:
			error = look(l);
			break;
		case TERMINAL_TIME:
			error = asked ? look(l) : ask_again(l);
			break;
		}
	}
	return error;
}

/* Whoever said it may be no daemon: it is spelled as all texts are. */
static void
print_problem(const struct live *l)
{
	struct line line;

	line_begin(&line, stderr, 0);
	line_printf(&line, "%s: ", getprogname());
	line_add(&line, l->problem);
	fputc('\n', stderr);
}

/* What other commands would say of a first failure is theirs to say. */
static int
first(struct live *l, int *error)
{
	int rc = EX_OK;

	*error = ask(l, FIRST_MS, FIRST_MS);
	if (*error == 0)
		*error = receive(l, l->until, &rc);
	if (*error != 0)
		return EX_OK;
	hang_up(l);
	if (rc == -1)
		*error = APPMSG_ENOMEM;
	else if (rc != EX_OK)
		print_problem(l);
	return rc;
}

int
live_run(const struct live_options *o, int *error)
{
	struct live l = { .o = o };
	int rc = first(&l, error), saved;

	if (*error == 0 && rc == EX_OK) {
		/* Columns are those of UTF-8, which is all that is printed. */
		if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
			(void)setlocale(LC_CTYPE, "");
		if (terminal_start(&l.kind) != 0 || watch(&l) != 0)
			rc = EX_IOERR;
		saved = errno;
		terminal_stop();
		if (rc != EX_OK) {
			errno = saved;
			warn("standard output");
		}
	}
	saved = errno;
	hang_up(&l);
	rates_free(l.rates);
	sample_free(l.sample);
	errno = saved;
	return rc;
}
