/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Two short lists: hardly a configuration names more than some of each.
 */

#include "config.h"

#include "daemon/who/names.h"

#include <sys/queue.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct name {
	SLIST_ENTRY(name) entry;
	char *text;		/* owned */
	id_t id;
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
remember(struct names *names, const char *text, id_t id)
{
	struct name *name = calloc(1, sizeof(*name));

	if (name == NULL || (name->text = strdup(text)) == NULL) {
		free(name);
		return;
	}
	name->id = id;
	SLIST_INSERT_HEAD(names, name, entry);
}

bool
names_user(const char *name, uid_t *uid)
{
	const struct name *known = find(&users, name);
	const struct passwd *user;

	if (known != NULL) {
		*uid = known->id;
		return true;
	}
	errno = 0;
	if ((user = getpwnam(name)) == NULL)
		return false;
	*uid = user->pw_uid;
	remember(&users, name, *uid);
	return true;
}

bool
names_group(const char *name, gid_t *gid)
{
	const struct name *known = find(&groups, name);
	const struct group *group;

	if (known != NULL) {
		*gid = known->id;
		return true;
	}
	errno = 0;
	if ((group = getgrnam(name)) == NULL)
		return false;
	*gid = group->gr_gid;
	remember(&groups, name, *gid);
	return true;
}

/* Where none is found, errno may be 0 or one of several that say just that. */
bool
names_none(int error)
{
	return error != ENOMEM && error != EMFILE && error != ENFILE &&
	    error != EIO;
}
