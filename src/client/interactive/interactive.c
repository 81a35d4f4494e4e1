/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "interactive.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "asker.h"
#include "catch.h"
#include "client/base/call.h"
#include "client/base/output.h"
#include "command.h"
#include "complete.h"
#include "line.h"
#include "session.h"

/* How long an end waits for what is about to end. */
#define INTERACTIVE_END_MS	100

static void
run_line(struct session *session, const char *text, size_t len)
{
	size_t blanks = strspn(text, " ");

	text += blanks;
	len -= blanks;
	if (len == 0)
		return;
	if (text[0] != '\\')
		session_search(session, text, len);
	else if (text[1] == '\\')
		session_search(session, text + 1, len - 1);
	else
		command_run(session, text);
}

static void
run_lines(struct session *session, struct line *line)
{
	enum line_result result = LINE_TEXT;
	char prompt[256];
	const char *text;
	size_t len;

	while (result != LINE_ENDED && !session->ended &&
	    !output_has_failed()) {
		session_next_line(session);
		settings_prompt(&session->settings, prompt, sizeof(prompt));
		result = line_read(line, prompt, &text, &len);
		if (result != LINE_TEXT)
			continue;
		line_keep(line, text, len);
		run_line(session, text, len);
		/* What it was for has ended. */
		catch_forget();
	}
	/* Whoever is next writes on a line of his own. */
	if (result == LINE_ENDED)
		output_text(stdout, "\n");
}

void
interactive_run(struct call *call)
{
	struct session session;
	struct line *line = NULL;

	if (catch_start() == -1) {
		warn("signals");
		call_fail(call, EX_OSERR);
		return;
	}
	if (session_init(&session, call) == 0)
		line = line_new(complete_line, &session);
	else
		warnx("out of memory");
	if (line != NULL) {
		session_greet(&session);
		run_lines(&session, line);
	} else {
		call_fail(call, EX_OSERR);
	}
	line_free(line);
	session_clear(&session);
	catch_end();
	if (asker_count_left(INTERACTIVE_END_MS) == 0)
		return;
	/* What a thread of them uses must not be taken from it. */
	_exit(output_close() == -1 && call->failure == 0 ? EX_IOERR :
	    call_status(call));
}
