/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A timer that looks at the signs of life it asked for the last time, passes
 * them on if they are complete, and asks for new ones.
 */

#include "config.h"

#include "daemon/manager/watchdog.h"

#include <sys/time.h>

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log.h"
#include "daemon/manager/notify.h"

#define TIMES		3	/* fed in the interval of the manager */
#define USEC_MIN	TIMES	/* else the timer would have no time */

struct watchdog {
	struct event *timer;
	bool (*beat_cb)(void *);
	void *arg;
	bool told;		/* that a worker is silent */
};

static void
watchdog_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct watchdog *dog = arg;

	(void)fd;
	(void)what;
	if (dog->beat_cb(dog->arg)) {
		notify("WATCHDOG=1");
		if (dog->told)
			log_info("all workers give signs of life");
		dog->told = false;
	} else if (!dog->told) {
		log_warnx("a worker gives no sign of life");
		dog->told = true;
	}
}

/* The interval in microseconds; 0: nobody watches this process. */
static int64_t
watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid =
	    getenv("WATCHDOG_PID");
	const char *error = NULL;
	int64_t interval;

	if (usec == NULL)
		return 0;
	if (pid != NULL && (strtonum(pid, 1, INT32_MAX, &error) != getpid() ||
	    error != NULL))
		return 0;
	interval = strtonum(usec, USEC_MIN, INT64_MAX, &error);
	if (error != NULL)
		log_warnx("WATCHDOG_USEC is %s", error);
	return error == NULL ? interval : 0;
}

struct watchdog *
watchdog_new(struct event_base *base, bool (*beat_cb)(void *), void *arg)
{
	int64_t each = watchdog_interval() / TIMES;
	struct timeval tv = { .tv_sec = (time_t)(each / 1000000),
	    .tv_usec = (suseconds_t)(each % 1000000) };
	struct watchdog *dog;

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (each == 0)
		return NULL;
	if ((dog = calloc(1, sizeof(*dog))) == NULL ||
	    (dog->timer = event_new(base, -1, EV_PERSIST, watchdog_timer_cb,
	    dog)) == NULL || event_add(dog->timer, &tv) != 0) {
		log_warn("the watchdog is not fed");
		watchdog_free(dog);
		return NULL;
	}
	dog->beat_cb = beat_cb;
	dog->arg = arg;
	return dog;
}

void
watchdog_free(struct watchdog *dog)
{
	if (dog == NULL)
		return;
	if (dog->timer != NULL)
		event_free(dog->timer);
	free(dog);
}
