/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * ANSI's sequences, which every terminal of today knows, and termios.  Signals
 * are written to a pipe and read by whoever waits, so that nothing happens
 * within a handler.
 */

#include "config.h"

#include "terminal.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"

/* The other screen, no cursor, no line that goes on in the next one. */
#define ENTER	"\033[?1049h\033[?25l\033[?7l"
#define LEAVE	"\033[?7h\033[?25h\033[?1049l"
#define HOME	"\033[H"

#define CONTROL_D	4

/* Those that end it come first; a second one does so at once. */
static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP,
    SIGCONT, SIGWINCH };

#define N_ENDING	4
#define N_CAUGHT	(sizeof(caught) / sizeof(caught[0]))

static struct {
	enum terminal_kind kind;
	int pipe[2];
	bool keys;		/* standard input is a terminal, too */
	bool entered;
	struct termios before;	/* if keys */
	struct sigaction old[N_CAUGHT];
	volatile sig_atomic_t ended_by;		/* a signal; 0: none */
} terminal;

static void
signal_cb(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;
	ssize_t n;

	for (size_t i = 0; i < N_ENDING; i++)
		if (number == caught[i])
			terminal.ended_by = number;
	/* With a full pipe there is enough to be done already. */
	n = write(terminal.pipe[1], &byte, 1);
	(void)n;
	errno = saved;
}

/* One that takes nothing is waited for, but not against a signal. */
static int
write_all(const char *p, size_t len)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(STDOUT_FILENO, p, len);
		if (n != -1)
			continue;
		if (errno == EAGAIN)
			poll(&out, 1, -1);
		else if (errno != EINTR || terminal.ended_by != 0)
			return -1;
		n = 0;
	}
	return 0;
}

static int
write_text(const char *text)
{
	return write_all(text, strlen(text));
}

static void
enter(void)
{
	struct termios now = terminal.before;

	if (terminal.keys) {
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		now.c_cc[VMIN] = 1;
		now.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &now);
	}
	if (terminal.kind == TERMINAL_SCREEN)
		write_text(ENTER);
	terminal.entered = true;
}

/* Somebody else has it now, whose it is to set; we would be stopped. */
static bool
in_background(void)
{
	pid_t group = tcgetpgrp(STDOUT_FILENO);

	return group != -1 && group != getpgrp();
}

static void
leave(void)
{
	if (!terminal.entered)
		return;
	terminal.entered = false;
	if (in_background())
		return;
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
	if (terminal.kind == TERMINAL_SCREEN)
		write_text(LEAVE);
}

static int
catch_signals(void)
{
	struct sigaction action = { .sa_handler = signal_cb,
	    .sa_flags = (int)SA_RESETHAND };

	if (pipe2(terminal.pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_CAUGHT; i++) {
		if (i == N_ENDING)
			action.sa_flags = 0;
		if (sigaction(caught[i], NULL, &terminal.old[i]) == -1)
			return -1;
		/* What nohup(1) or a shell without jobs has ignored stays. */
		if (terminal.old[i].sa_handler != SIG_IGN &&
		    sigaction(caught[i], &action, NULL) == -1)
			return -1;
	}
	return 0;
}

static enum terminal_kind
kind_of_output(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO))
		return TERMINAL_NONE;
	return term == NULL || *term == '\0' || strcmp(term, "dumb") == 0 ?
	    TERMINAL_DUMB : TERMINAL_SCREEN;
}

int
terminal_start(enum terminal_kind *kind)
{
	terminal.kind = *kind = kind_of_output();
	if (terminal.kind == TERMINAL_NONE)
		return 0;
	terminal.keys = tcgetattr(STDIN_FILENO, &terminal.before) == 0;
	if (catch_signals() != 0 || atexit(leave) != 0)
		return -1;
	enter();
	return 0;
}

void
terminal_stop(void)
{
	if (terminal.kind == TERMINAL_NONE)
		return;
	leave();
	for (size_t i = 0; i < N_CAUGHT; i++)
		sigaction(caught[i], &terminal.old[i], NULL);
	if (terminal.ended_by != 0)
		raise(terminal.ended_by);
}

void
terminal_size(size_t *rows, size_t *columns)
{
	struct winsize size = { .ws_row = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1)
		size.ws_row = size.ws_col = 0;
	*rows = size.ws_row > 0 ? size.ws_row : 24;
	*columns = size.ws_col > 0 ? size.ws_col : 80;
}

int
terminal_write(const char *picture, size_t len)
{
	if (terminal.kind != TERMINAL_SCREEN)
		return write_all(picture, len);
	return write_text(HOME) == 0 && write_all(picture, len) == 0 ? 0 : -1;
}

/* Stop as the terminal's user wants it, and go on when he does. */
static void
suspend(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, ours;

	leave();
	sigemptyset(&action.sa_mask);
	sigaction(SIGTSTP, &action, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	enter();
}

static enum terminal_event
take_signal(void)
{
	unsigned char number = 0;

	if (read(terminal.pipe[0], &number, 1) != 1)
		return TERMINAL_TIME;
	switch (number) {
	case SIGTSTP:
		suspend();
		return TERMINAL_REDRAW;
	case SIGCONT:
		/* Whoever had it meanwhile may have left it otherwise. */
		enter();
		return TERMINAL_REDRAW;
	case SIGWINCH:
		return TERMINAL_REDRAW;
	default:
		return TERMINAL_QUIT;
	}
}

/* A key; without one it has gone. */
static enum terminal_event
take_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return TERMINAL_TIME;
	return n != 1 || key == 'q' || key == 'Q' || key == CONTROL_D ?
	    TERMINAL_QUIT : TERMINAL_TIME;
}

static int
time_left(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_ms();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

enum terminal_event
terminal_wait(int fd, int64_t deadline_ms)
{
	bool any = terminal.kind != TERMINAL_NONE;
	struct pollfd fds[] = {
		{ .fd = any ? terminal.pipe[0] : -1, .events = POLLIN },
		{ .fd = any && terminal.keys ? STDIN_FILENO : -1,
		    .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	enum terminal_event event = TERMINAL_TIME;
	int left;

	do {
		left = time_left(deadline_ms);
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), left) <= 0)
			continue;
		if (fds[0].revents != 0)
			event = take_signal();
		else if (fds[1].revents != 0)
			event = take_key();
		else if (fds[2].revents != 0)
			return TERMINAL_READY;
	} while (event == TERMINAL_TIME && left > 0);
	return event;
}
