/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A pipe wakes up who waits in poll(2); what has come is in flags, so that
 * many of one kind are one.
 */

#include "config.h"

#include "catch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* In the order in which they are taken; a second one that ends it does so. */
static const struct {
	int number;
	enum catch_event event;
} caught[] = {
	{ SIGTERM, CATCH_END },
	{ SIGHUP, CATCH_END },
	{ SIGQUIT, CATCH_END },
	{ SIGINT, CATCH_INTERRUPT },
	{ SIGTSTP, CATCH_STOP },
	{ SIGCONT, CATCH_CONTINUE },
	{ SIGWINCH, CATCH_RESIZE }
};

#define N_CAUGHT (sizeof(caught) / sizeof(caught[0]))

static struct {
	int pipe[2];
	volatile sig_atomic_t came[N_CAUGHT];
	struct sigaction old[N_CAUGHT];
	void (*leave)(void *arg);
	void (*take)(void *arg);
	void *arg;		/* borrowed */
} signals = { .pipe = { -1, -1 } };

static void
signal_cb(int number)
{
	int saved = errno;
	ssize_t n;

	for (size_t i = 0; i < N_CAUGHT; i++)
		if (number == caught[i].number)
			signals.came[i] = 1;
	/* With a full pipe whoever waits is awake. */
	n = write(signals.pipe[1], "", 1);
	(void)n;
	errno = saved;
}

int
catch_start(void)
{
	struct sigaction action = { .sa_handler = signal_cb };

	if (pipe2(signals.pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_CAUGHT; i++) {
		/* Or what is being printed would be lost. */
		action.sa_flags = SA_RESTART;
		if (caught[i].event == CATCH_END)
			action.sa_flags |= (int)SA_RESETHAND;
		if (sigaction(caught[i].number, NULL, &signals.old[i]) == -1)
			return -1;
		if (signals.old[i].sa_handler != SIG_IGN &&
		    sigaction(caught[i].number, &action, NULL) == -1)
			return -1;
	}
	return 0;
}

int
catch_fd(void)
{
	return signals.pipe[0];
}

enum catch_event
catch_take(void)
{
	char bytes[64];

	while (read(signals.pipe[0], bytes, sizeof(bytes)) > 0)
		;
	for (size_t i = 0; i < N_CAUGHT; i++) {
		if (!signals.came[i])
			continue;
		if (caught[i].event != CATCH_END)
			signals.came[i] = 0;
		return caught[i].event;
	}
	return CATCH_NONE;
}

bool
catch_has_interrupt(void)
{
	for (size_t i = 0; i < N_CAUGHT; i++)
		if (signals.came[i] && (caught[i].event == CATCH_INTERRUPT ||
		    caught[i].event == CATCH_END))
			return true;
	return false;
}

void
catch_forget(void)
{
	for (size_t i = 0; i < N_CAUGHT; i++)
		if (caught[i].event == CATCH_INTERRUPT)
			signals.came[i] = 0;
}

void
catch_set_terminal(void (*leave)(void *arg), void (*take)(void *arg),
    void *arg)
{
	signals.leave = leave;
	signals.take = take;
	signals.arg = arg;
}

void
catch_continue(void)
{
	if (signals.leave == NULL)
		return;
	/* Whatever it was set to, it is then set anew. */
	signals.leave(signals.arg);
	signals.take(signals.arg);
}

void
catch_stop(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, ours;

	if (signals.leave != NULL)
		signals.leave(signals.arg);
	sigemptyset(&action.sa_mask);
	sigaction(SIGTSTP, &action, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	/* Who called this knows that it goes on. */
	for (size_t i = 0; i < N_CAUGHT; i++)
		if (caught[i].event == CATCH_CONTINUE)
			signals.came[i] = 0;
	if (signals.take != NULL)
		signals.take(signals.arg);
}

void
catch_end(void)
{
	for (size_t i = 0; i < N_CAUGHT; i++)
		sigaction(caught[i].number, &signals.old[i], NULL);
	for (size_t i = 0; i < N_CAUGHT; i++)
		if (caught[i].event == CATCH_END && signals.came[i])
			raise(caught[i].number);
	close(signals.pipe[0]);
	close(signals.pipe[1]);
	signals.pipe[0] = signals.pipe[1] = -1;
}
