/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Two short lists: hardly a configuration names more than one of each.
 */

#include "config.h"

#include "daemon/conf/names.h"

#include <sys/queue.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct name {
	SLIST_ENTRY(name) entry;
	char *text;		/* owned */
	gid_t gid;		/* of a group */
};
SLIST_HEAD(names, name);

static struct names users = SLIST_HEAD_INITIALIZER(users);
static struct names groups = SLIST_HEAD_INITIALIZER(groups);

static const struct name *
find(const struct names *names, const char *text)
{
	const struct name *name;

	SLIST_FOREACH(name, names, entry)
		if (strcmp(name->text, text) == 0)
			return name;
	return NULL;
}

/* Without memory it is asked for again. */
static void
remember(struct names *names, const char *text, gid_t gid)
{
	struct name *name = calloc(1, sizeof(*name));

	if (name == NULL || (name->text = strdup(text)) == NULL) {
		free(name);
		return;
	}
	name->gid = gid;
	SLIST_INSERT_HEAD(names, name, entry);
}

bool
names_user(const char *name)
{
	if (find(&users, name) != NULL)
		return true;
	errno = 0;
	if (getpwnam(name) == NULL)
		return false;
	remember(&users, name, 0);
	return true;
}

bool
names_group(const char *name, gid_t *gid)
{
	const struct name *known = find(&groups, name);
	const struct group *group;

	if (known != NULL) {
		*gid = known->gid;
		return true;
	}
	errno = 0;
	if ((group = getgrnam(name)) == NULL)
		return false;
	*gid = group->gr_gid;
	remember(&groups, name, *gid);
	return true;
}
