/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tables are read on the far side: their folders may be the user's own, and a
 * link that it has put there would have root read, and everybody be told, a
 * file that nobody but root may read.  A reload could not read it either.
 */

#include "config.h"

#include "daemon/system/confine.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/base/descriptors.h"
#include "daemon/base/lasting.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/rows.h"
#include "daemon/system/pid.h"
#include "daemon/system/process.h"
#include "daemon/system/sandbox.h"
#include "daemon/thread/crew.h"

/* A cluster has so many, if not more are named: some of them tell of others. */
#define CLUSTER_SERVERS	16

#define GROUP_HINT	"; the daemon's user must be in that group; in " \
	"the service it is Group=, see control in appmsgd.conf(5)"

/* Who is to serve; NULL: who has started it. */
static const char *
next_user(const struct conf *conf)
{
	return geteuid() == 0 ? conf->user : NULL;
}

/*
 * The control socket to those who may use it.  Whoever connects before that
 * is looked at as all others are.
 */
static int
give_control(const struct conf *conf, uid_t user, gid_t group,
    struct problems *problems)
{
	const struct conf_place *place = conf_said(conf, "control", NULL);

	if (conf->control_group != NULL)
		group = conf->control_gid;
	if (conf->control == NULL ||
	    (user == (uid_t)-1 && group == (gid_t)-1))
		return 0;
	if (process_own_socket(conf->control, user, group) == 0)
		return 0;
	if (conf->control_group != NULL && error_lasts(errno))
		problems_add(problems, place->file, place->line, "cannot give "
		    "the control socket to group=%s: %s" GROUP_HINT,
		    conf->control_group, strerror(errno));
	else if (conf->control_group != NULL)
		log_warn("cannot give the control socket to group=%s",
		    conf->control_group);
	else
		log_warn("cannot give the control socket to user=%s",
		    conf->user);
	return -1;
}

int
confine_give_listen(const struct conf_listen *l, bool kept,
    struct problems *problems)
{
	const struct sockaddr_un *sun = (const void *)&l->ss;

	if (l->group == NULL ||
	    process_own_socket(sun->sun_path, (uid_t)-1, l->gid) == 0)
		return 0;
	if (kept || !error_lasts(errno))
		log_warn("cannot give address=%s to group=%s", sun->sun_path,
		    l->group);
	else
		problems_add(problems, l->place.file, l->place.line,
		    "cannot give %s to group=%s: %s" GROUP_HINT,
		    sun->sun_path, l->group, strerror(errno));
	return kept ? 0 : -1;
}

void
confine_take_listen(const struct conf_listen *l)
{
	const struct sockaddr_un *sun = (const void *)&l->ss;

	if (l->group == NULL && l->ss.ss_family == AF_UNIX &&
	    process_own_socket(sun->sun_path, (uid_t)-1, getegid()) != 0)
		log_warn("cannot take address=%s from its group",
		    sun->sun_path);
}

static int
give_up_rights(const struct conf *conf, const char *user)
{
	if (user == NULL && conf->user != NULL)
		log_info("user is ignored, since not root started it");
	if (process_give_up_rights(user) == 0)
		return 0;
	if (user != NULL)
		log_warn("cannot become user=%s", user);
	else
		log_warn("cannot give up capabilities");
	return -1;
}

/* Whether a table before this one has the same servers. */
static bool
is_counted(const struct conf *conf, const struct conf_table *table)
{
	const struct conf_remote *a = table->remote, *b;
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry) {
		if (t == table)
			break;
		b = t->remote;
		if (b != NULL && a->n_servers == b->n_servers &&
		    memcmp(a->servers, b->servers, a->n_servers *
		    sizeof(*a->servers)) == 0)
			return true;
	}
	return false;
}

/* Servers that tables are on, as far as the configuration knows. */
static int64_t
count_servers(const struct conf *conf)
{
	const struct conf_table *t;
	int64_t n = 0, of_one;

	STAILQ_FOREACH(t, &conf->tables, entry) {
		if (t->remote == NULL || is_counted(conf, t))
			continue;
		of_one = (int64_t)t->remote->n_servers;
		n += t->remote->cluster && of_one < CLUSTER_SERVERS ?
		    CLUSTER_SERVERS : of_one;
	}
	return n;
}

void
confine_descriptors(const struct conf *conf)
{
	struct descriptors_need need = {
		.connections = conf->limits.connections,
		.workers = conf->workers != 0 ? conf->workers : crew_cores(),
		.cores = crew_cores()
	};
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &conf->listens, entry)
		need.listeners++;
	/* Who publishes has two to each, and who explains one. */
	need.servers = count_servers(conf) * (need.workers + 3);
	descriptors_raise(&need);
}

int
confine_process(const struct conf *conf, struct pid *pid,
    struct problems *problems)
{
	const char *user = next_user(conf);
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (user != NULL && process_user(user, &uid, &gid) != 0) {
		log_warn("cannot become user=%s", user);
		return -1;
	}
	confine_descriptors(conf);
	if (pid_use(pid, conf, uid, problems) != 0 ||
	    give_control(conf, uid, gid, problems) != 0 ||
	    give_up_rights(conf, user) != 0)
		return -1;
	return sandbox_enter(conf);
}

int
confine_reader(const struct conf *conf)
{
	const char *user = next_user(conf);

	return user == NULL ? 0 : process_give_up_rights(user);
}
