/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * libedit gets its characters from us, so that signals are events between two
 * of them, and nothing is done in a handler.
 */

#include "config.h"

#include "line.h"

#include <err.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <histedit.h>

#include "catch.h"
#include "cells.h"
#include "choices.h"
#include "common/escape.h"
#include "past.h"
#include "view.h"

#define LINE_COMPLETE	"appmsg-complete"

struct line {
	EditLine *el;		/* owned */
	History *history;	/* owned */
	struct past past;
	const char *prompt;	/* borrowed while a line is read */
	bool interrupted;	/* this line is not wanted any more */
	bool ended;
	char bytes[4];		/* of a character that has not come whole */
	size_t n_bytes;
	char *completed;	/* the line as TAB left it; owned; or NULL */
	char *text;		/* of the last line; owned */
	line_choices_cb choices;
	void *arg;		/* borrowed */
};

/* Keys that other programs have, too; arrows are libedit's own. */
static const char *const line_keys[][2] = {
	{ "^R", "em-inc-search-prev" },
	{ "\\e[1~", "ed-move-to-beg" },
	{ "\\e[4~", "ed-move-to-end" },
	{ "\\e[H", "ed-move-to-beg" },
	{ "\\e[F", "ed-move-to-end" },
	{ "\\e[3~", "ed-delete-next-char" },
	{ "\\e[1;5C", "em-next-word" },
	{ "\\e[1;5D", "ed-prev-word" }
};

static struct line *
line_of(EditLine *el)
{
	struct line *line = NULL;

	el_get(el, EL_CLIENTDATA, &line);
	return line;
}

static char *
prompt_cb(EditLine *el)
{
	static char prompt[256];

	snprintf(prompt, sizeof(prompt), "%s", line_of(el)->prompt);
	return prompt;
}

/* For catch.h. */
static void
leave_terminal(void *arg)
{
	struct line *line = arg;

	(void)fflush(stdout);
	el_set(line->el, EL_PREP_TERM, 0);
}

static void
take_terminal(void *arg)
{
	struct line *line = arg;

	el_set(line->el, EL_PREP_TERM, 1);
}

/*
 * The terminal has another size.  Most of them have folded anew what was typed,
 * of which libedit knows nothing: it starts once more at the first row of it.
 */
static void
resize(struct line *line)
{
	const LineInfo *info = el_line(line->el);
	size_t cells = strlen(line->prompt) + cells_typed_width(info->buffer,
	    (size_t)(info->cursor - info->buffer), SIZE_MAX - 1);

	fputc('\r', stdout);
	for (size_t row = cells / view_width(); row > 0; row--)
		fputs("\033[A", stdout);
	fputs("\033[J", stdout);
	el_resize(line->el);
	el_set(line->el, EL_REFRESH);
}

static void
handle_signal(struct line *line)
{
	switch (catch_take()) {
	case CATCH_NONE:
		break;
	case CATCH_INTERRUPT:
		line->interrupted = true;
		break;
	case CATCH_RESIZE:
		resize(line);
		break;
	case CATCH_STOP:
		catch_stop();
		el_resize(line->el);
		el_set(line->el, EL_REFRESH);
		break;
	case CATCH_CONTINUE:
		catch_continue();
		el_resize(line->el);
		el_set(line->el, EL_REFRESH);
		break;
	case CATCH_END:
		line->ended = true;
		break;
	}
}

/* Wait for a byte; false when there is none, or a signal says enough. */
static bool
wait_byte(struct line *line)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = catch_fd(), .events = POLLIN }
	};

	while (!line->interrupted && !line->ended) {
		fds[0].revents = fds[1].revents = 0;
		/* One may have come since poll(2) looked, or is known. */
		if (!catch_has_interrupt() && poll(fds, 2, -1) == -1)
			continue;
		if (fds[1].revents != 0 || catch_has_interrupt())
			handle_signal(line);
		else if (fds[0].revents != 0)
			return true;
	}
	return false;
}

/*
 * A byte has come: is there a whole character?  What can be none is left out.
 */
static bool
take_byte(struct line *line, char byte, uint32_t *cp)
{
	unsigned char first;
	size_t n;

	if (((unsigned char)byte & 0xc0) != 0x80)
		line->n_bytes = 0;
	else if (line->n_bytes == 0)
		return false;
	line->bytes[line->n_bytes++] = byte;
	first = (unsigned char)line->bytes[0];
	n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (line->n_bytes < n)
		return false;
	line->n_bytes = 0;
	return escape_utf8(line->bytes, n, cp) == n;
}

/* libedit's, for a character. */
static int
getc_cb(EditLine *el, wchar_t *c)
{
	struct line *line = line_of(el);
	uint32_t cp;
	ssize_t n;
	char byte;

	while (wait_byte(line)) {
		n = read(STDIN_FILENO, &byte, 1);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n != 1) {
			line->ended = true;
			break;
		}
		if (take_byte(line, byte, &cp)) {
			*c = (wchar_t)cp;
			return 1;
		}
	}
	/* It ends the line, and leaves the cursor below it. */
	*c = L'\n';
	return line->interrupted ? 1 : 0;
}

/* Was TAB the last key, on this very line? */
static bool
is_second(const struct line *line, const char *text, size_t len)
{
	return line->completed != NULL && strlen(line->completed) == len &&
	    memcmp(line->completed, text, len) == 0;
}

static void
note_completed(struct line *line)
{
	const LineInfo *info = el_line(line->el);

	free(line->completed);
	line->completed = strndup(info->buffer,
	    (size_t)(info->lastchar - info->buffer));
}

/* Put what all words begin with in the place of what was typed. */
static bool
fill(struct line *line, const char *typed, size_t len,
    const struct choices *choices)
{
	size_t common = choices_common(choices);
	const char *first = choices->words[0];
	bool whole = choices->n == 1 && common == strlen(first);
	size_t count = choices_count(typed, len);
	char *text;
	int error = -1;

	/* A table may find keys by other letters than they have. */
	if (choices->more || (!whole &&
	    choices_count(first, common) < count))
		return false;
	if (common == len && memcmp(first, typed, len) == 0 &&
	    !(whole && choices->closed))
		return whole;
	if ((text = malloc(common + 2)) == NULL)
		return false;
	memcpy(text, first, common);
	text[common] = '\0';
	if (whole && choices->closed)
		memcpy(text + common, " ", 2);
	el_deletestr(line->el, (int)count);
	error = el_insertstr(line->el, text);
	free(text);
	return error == 0;
}

static void
list(struct line *line, const struct choices *choices)
{
	fputc('\n', stdout);
	choices_print(choices, view_width());
	el_set(line->el, EL_REFRESH);
}

static unsigned char
complete_cb(EditLine *el, int key)
{
	struct line *line = line_of(el);
	const LineInfo *info = el_line(el);
	size_t len = (size_t)(info->lastchar - info->buffer);
	struct choices choices = { .n = 0 };
	unsigned char result = CC_ERROR;
	char *text;
	bool second;

	(void)key;
	if (info->cursor != info->lastchar ||
	    (text = strndup(info->buffer, len)) == NULL)
		return CC_ERROR;
	second = is_second(line, text, len);
	line->choices(line->arg, text, len, &choices);
	if (choices.n > 0 && fill(line, text + choices.from,
	    len - choices.from, &choices))
		result = CC_REFRESH;
	if (choices.n > 1 && second) {
		list(line, &choices);
		result = CC_NORM;
	}
	note_completed(line);
	choices_clear(&choices);
	free(text);
	return result;
}

static void
add_history(void *arg, const char *text)
{
	struct line *line = arg;
	HistEvent event;

	history(line->history, &event, H_ENTER, text);
}

/* What the user has of his own comes before what all have. */
static void
set_keys(struct line *line)
{
	/* Of what is not wide, libedit makes copies that nobody frees. */
	el_wset(line->el, EL_ADDFN, L"" LINE_COMPLETE,
	    L"Complete what is typed", complete_cb);
	el_set(line->el, EL_EDITOR, "emacs");
	for (size_t i = 0; i < sizeof(line_keys) / sizeof(line_keys[0]); i++)
		el_set(line->el, EL_BIND, line_keys[i][0], line_keys[i][1],
		    NULL);
	el_source(line->el, NULL);
	el_set(line->el, EL_BIND, "^I", LINE_COMPLETE, NULL);
}

/* The protocol is UTF-8, and so is the terminal, whatever the locale says. */
static void
set_locale(void)
{
	if (setlocale(LC_CTYPE, "") != NULL &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return;
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		warnx("no locale with UTF-8 here: only ASCII can be typed");
}

static void
load(struct line *line)
{
	HistEvent event;

	history(line->history, &event, H_SETSIZE, (int)PAST_LINES);
	history(line->history, &event, H_SETUNIQUE, 1);
	if (past_open(&line->past) == -1 ||
	    past_load(&line->past, add_history, line) == -1)
		warn("no history is kept: appmsg-client/history below "
		    "$XDG_STATE_HOME or ~/.local/state");
}

struct line *
line_new(line_choices_cb choices, void *arg)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line == NULL) {
		warnx("out of memory");
		return NULL;
	}
	line->past.folder = -1;
	line->choices = choices;
	line->arg = arg;
	set_locale();
	line->el = el_init("appmsg-client", stdin, stdout, stderr);
	line->history = history_init();
	if (line->el == NULL || line->history == NULL) {
		warnx("libedit cannot use this terminal");
		line_free(line);
		return NULL;
	}
	el_set(line->el, EL_CLIENTDATA, line);
	el_set(line->el, EL_SIGNAL, 0);
	el_set(line->el, EL_PROMPT, prompt_cb);
	el_set(line->el, EL_HIST, history, line->history);
	el_wset(line->el, EL_GETCFN, getc_cb);
	set_keys(line);
	load(line);
	catch_set_terminal(leave_terminal, take_terminal, line);
	take_terminal(line);
	return line;
}

void
line_free(struct line *line)
{
	if (line == NULL)
		return;
	catch_set_terminal(NULL, NULL, NULL);
	if (line->el != NULL)
		el_end(line->el);
	if (line->history != NULL)
		history_end(line->history);
	past_close(&line->past);
	free(line->completed);
	free(line->text);
	free(line);
}

enum line_result
line_read(struct line *line, const char *prompt, const char **text,
    size_t *len)
{
	const char *got;
	char *copy;
	int n = 0;

	(void)fflush(stdout);
	line->prompt = prompt;
	line->interrupted = line->ended = false;
	line->n_bytes = 0;
	free(line->completed);
	line->completed = NULL;
	/* What ended a search may be to end all. */
	if (catch_has_interrupt())
		handle_signal(line);
	if (line->ended)
		return LINE_ENDED;
	got = el_gets(line->el, &n);
	/* What is typed while something is done is for the next line. */
	take_terminal(line);
	if (line->interrupted)
		return LINE_INTERRUPTED;
	if (line->ended || got == NULL || n <= 0)
		return LINE_ENDED;
	/* One with a NUL ends there, though n counts on. */
	*len = strcspn(got, "\n");
	if ((copy = realloc(line->text, *len + 1)) == NULL) {
		warnx("out of memory");
		return LINE_INTERRUPTED;
	}
	memcpy(copy, got, *len);
	copy[*len] = '\0';
	*text = line->text = copy;
	return LINE_TEXT;
}

void
line_keep(struct line *line, const char *text, size_t len)
{
	if (past_add(&line->past, text, len))
		add_history(line, text);
}
