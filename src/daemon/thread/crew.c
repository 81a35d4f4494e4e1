/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Started for each piece of work and joined after it: loads are rare, and an
 * idle daemon should have no idle threads.
 */

#include "config.h"

#include "daemon/thread/crew.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct crew_member {
	pthread_t thread;
	unsigned int number;
	void (*work)(unsigned int, void *);
	void *arg;
};

unsigned int
crew_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : (unsigned int)cores;
}

static void *
crew_main(void *arg)
{
	struct crew_member *m = arg;

	m->work(m->number, m->arg);
	return NULL;
}

void
crew_run(unsigned int threads, void (*work)(unsigned int, void *), void *arg)
{
	struct crew_member members[CREW_MAX] = { { .number = 0 } };
	unsigned int n = 1;
	sigset_t all, old;

	if (threads > CREW_MAX)
		threads = CREW_MAX;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (; n < threads; n++) {
		members[n].number = n;
		members[n].work = work;
		members[n].arg = arg;
		if (pthread_create(&members[n].thread, NULL, crew_main,
		    &members[n]) != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(0, arg);
	while (--n > 0)
		pthread_join(members[n].thread, NULL);
}
