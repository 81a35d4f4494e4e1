/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Inherited sockets are looked through before one is bound: who connected
 * while the daemon was not there waits in them, and those that no line wants
 * may be in the way of what is bound.  None is left to the manager before all
 * are there, so that a start that fails leaves nothing.
 */

#include "config.h"

#include "daemon/net/listeners.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "daemon/base/address.h"
#include "daemon/base/problems.h"
#include "daemon/conf/rows.h"
#include "daemon/manager/inherit.h"
#include "daemon/manager/notify.h"
#include "daemon/net/refusal.h"
#include "daemon/net/socket.h"

/* Of the control socket; who is let in is checked at each connection, too. */
#define CONTROL_MODE		0600	/* root and the daemon's user */
#define CONTROL_GROUP_MODE	0660

/* Between tries; 25 seconds in all. */
#define PAUSE_FIRST_MS		100
#define PAUSE_LAST_MS		12800
#define PAUSE_SPARE_MS		10000	/* what the manager is to allow */

/*
 * An earlier process gave the path the mode that the line had then.  A socket
 * unit has a mode of its own.
 */
static void
keep_mode(const char *path, unsigned int mode)
{
	bool changed;

	if (socket_set_mode(path, mode, &changed) != 0)
		log_warn("mode is as it was path=%s wanted=%04o", path, mode);
	else if (changed)
		log_info("mode changed path=%s mode=%04o", path, mode);
}

static void
listener_find(struct listener *l, struct inherited *inherited)
{
	const struct sockaddr_un *sun = (const void *)&l->conf.ss;

	l->fd = inherit_find(inherited, (const struct sockaddr *)sun,
	    l->conf.ss_len, &l->own);
	l->kept = l->shared = l->fd != -1;
	if (l->own && sun->sun_family == AF_UNIX)
		keep_mode(sun->sun_path, l->conf.mode);
}

/*
 * Tell of a line that there is no socket for, and why by errno.
 *
 * blocked  by one that stays
 */
static void
tell_refusal(const struct conf_place *place, const struct sockaddr *sa,
    const char *address, bool blocked, struct problems *problems)
{
	int error = errno;
	const char *hint = refusal_hint(sa, error);

	blocked = blocked && error == EADDRINUSE;
	if (blocked)
		hint = "the socket unit has this port at an address of no "
		    "listen line";
	if (blocked || refusal_lasts(sa, error))
		problems_add(problems, place->file, place->line,
		    "cannot listen on %s: %s%s%s", address, strerror(error),
		    hint != NULL ? "; " : "", hint != NULL ? hint : "");
	else if (place->line != 0)
		log_warn("cannot listen address=%s line=%s:%u", address,
		    place->file, place->line);
	else
		log_warn("cannot listen address=%s", address);
}

/* One listen directive to a socket, if it has none. */
static int
listener_open(struct listener *l, const struct conf_place *place,
    struct problems *problems)
{
	const struct sockaddr *sa = (const struct sockaddr *)&l->conf.ss;
	char address[ADDRESS_MAX];

	if (l->fd == -1)
		l->fd = socket_listen(sa, l->conf.ss_len, l->conf.mode);
	if (l->fd != -1)
		return 0;
	tell_refusal(place, sa, address_text(sa, l->conf.ss_len, address,
	    sizeof(address)), l->blocked, problems);
	return -1;
}

/* The address that the system knows, which is where port 0 has led to. */
static void
listener_tell(const struct listener *l)
{
	struct sockaddr_storage ss = l->conf.ss;
	socklen_t len = sizeof(ss);
	char address[ADDRESS_MAX];

	getsockname(l->fd, (struct sockaddr *)&ss, &len);
	log_info("listening address=%s service=%s%s%s", address_text(
	    (struct sockaddr *)&ss, len, address, sizeof(address)),
	    conf_service_name(l->conf.service), l->conf.tls ? " tls=yes" : "",
	    l->shared ? " inherited=yes" : "");
}

static unsigned int
control_mode(const struct conf *conf)
{
	return conf->control_group != NULL ? CONTROL_GROUP_MODE :
	    CONTROL_MODE;
}

static void
control_find(struct listeners *all, const struct conf *conf,
    struct inherited *inherited)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	bool kept = false;

	if (strlcpy(sun.sun_path, conf->control, sizeof(sun.sun_path)) <
	    sizeof(sun.sun_path))
		all->control_fd = inherit_find(inherited,
		    (const struct sockaddr *)&sun, sizeof(sun), &kept);
	all->control_shared = all->control_fd != -1;
	if (kept)
		keep_mode(conf->control, control_mode(conf));
}

static int
control_open(struct listeners *all, const struct conf *conf,
    struct problems *problems)
{
	static const struct sockaddr sa = { .sa_family = AF_UNIX };

	if (all->control_fd == -1)
		all->control_fd = socket_listen_path(conf->control,
		    control_mode(conf));
	if (all->control_fd != -1)
		return 0;
	tell_refusal(conf_said(conf, "control", NULL), &sa, conf->control,
	    false, problems);
	return -1;
}

/* Whether the next process could find a socket by the line it is of. */
static bool
is_fixed(const struct sockaddr *sa)
{
	switch (sa->sa_family) {
	case AF_INET:
		return ((const struct sockaddr_in *)(const void *)
		    sa)->sin_port != 0;
	case AF_INET6:
		return ((const struct sockaddr_in6 *)(const void *)
		    sa)->sin6_port != 0;
	}
	return true;
}

/* What the manager did not hand over it is given, for the next start. */
static void
leave(struct listeners *all)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	for (size_t i = 0; i < all->n; i++) {
		struct listener *l = &all->list[i];
		const struct sockaddr *sa = (const void *)&l->conf.ss;

		if (!l->shared && is_fixed(sa))
			l->shared = inherit_leave(l->fd, sa,
			    l->conf.ss_len) == 0;
	}
	if (all->control_fd != -1 && !all->control_shared &&
	    getsockname(all->control_fd, (struct sockaddr *)&sun, &len) == 0)
		all->control_shared = inherit_leave(all->control_fd,
		    (struct sockaddr *)&sun, len) == 0;
}

/* Whatever is inherited and wanted; nothing is bound yet. */
static int
find_all(struct listeners *all, const struct conf *conf,
    struct inherited *inherited)
{
	const struct conf_listen *conf_l;
	size_t n = 0;

	TAILQ_FOREACH(conf_l, &conf->listens, entry)
		n++;
	if ((all->list = calloc(n, sizeof(*all->list))) == NULL) {
		log_warn("cannot listen");
		return -1;
	}
	TAILQ_FOREACH(conf_l, &conf->listens, entry) {
		struct listener *l = &all->list[all->n++];

		l->fd = -1;
		if (conf_listen_copy(&l->conf, conf_l) != 0) {
			log_warn("cannot listen");
			return -1;
		}
		listener_find(l, inherited);
	}
	if (conf->control != NULL)
		control_find(all, conf, inherited);
	/* By what is left when each line has had its turn. */
	for (size_t i = 0; i < all->n; i++)
		all->list[i].blocked = all->list[i].fd == -1 &&
		    inherit_blocks(inherited,
		    (const struct sockaddr *)&all->list[i].conf.ss);
	return 0;
}

/* All of them, so that all that is wrong is told at once. */
static int
open_all(struct listeners *all, const struct conf *conf,
    struct problems *problems)
{
	const struct conf_listen *conf_l;
	struct listener *l = all->list;
	int error = 0;

	TAILQ_FOREACH(conf_l, &conf->listens, entry)
		if (listener_open(l++, &conf_l->place, problems) != 0)
			error = -1;
	if (conf->control != NULL && control_open(all, conf, problems) != 0)
		error = -1;
	return error;
}

/*
 * Wait for what may pass; not where nobody would start the next process, and
 * somebody may sit before a terminal.  Whoever restarts the service has its
 * manager's pause each time, which is as short as a crash wants it.
 *
 * ms  the pause; the next one is twice as long
 *
 * Returns false when that is to be all.
 */
static bool
wait_a_while(int64_t *ms)
{
	const struct timespec pause = { .tv_sec = (time_t)(*ms / 1000),
	    .tv_nsec = (long)(*ms % 1000 * 1000000) };

	if (*ms > PAUSE_LAST_MS || !notify_is_heard())
		return false;
	notify("STATUS=cannot listen, trying again\n"
	    "EXTEND_TIMEOUT_USEC=%" PRId64, (*ms + PAUSE_SPARE_MS) * 1000);
	nanosleep(&pause, NULL);
	*ms *= 2;
	return true;
}

int
listeners_open(struct listeners *all, const struct conf *conf,
    struct inherited *inherited, struct problems *problems)
{
	int64_t pause = PAUSE_FIRST_MS;

	*all = (struct listeners){ .control_fd = -1 };
	if (find_all(all, conf, inherited) != 0) {
		/* Of lines that had no turn, perhaps. */
		inherit_discard(inherited);
		return -1;
	}
	/* Now: a line that has changed may want the same port or path. */
	inherit_free(inherited, socket_remove_dead);
	while (open_all(all, conf, problems) != 0)
		if (problems_count(problems) > 0 || !wait_a_while(&pause))
			return -1;
	for (size_t i = 0; i < all->n; i++)
		listener_tell(&all->list[i]);
	leave(all);
	return 0;
}

void
listeners_close(struct listeners *all)
{
	for (size_t i = 0; i < all->n; i++) {
		socket_unlisten(all->list[i].fd, all->list[i].shared);
		all->list[i].fd = -1;
	}
}

void
listeners_close_control(struct listeners *all)
{
	socket_unlisten(all->control_fd, all->control_shared);
	all->control_fd = -1;
}

void
listeners_unlink(const struct listeners *all)
{
	for (size_t i = 0; i < all->n; i++)
		socket_unlink(all->list[i].fd, all->list[i].shared);
	socket_unlink(all->control_fd, all->control_shared);
}

void
listeners_clear(struct listeners *all)
{
	listeners_close(all);
	listeners_close_control(all);
	for (size_t i = 0; i < all->n; i++)
		conf_listen_clear(&all->list[i].conf);
	free(all->list);
	*all = (struct listeners){ .control_fd = -1 };
}
