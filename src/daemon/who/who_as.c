/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words as they are read for rules, put together to one client.
 */

#include "config.h"

#include "daemon/who/who_as.h"

#include <sys/socket.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/problems.h"

#define NONE		((uid_t)-1)
#define GROUPS_MAX	65536	/* of a process, as the kernel has it */

/* Returns -1. */
static int
tell(const struct who_place *place, const char *why)
{
	problems_add(place->problems, place->file, place->line, "%s: %s",
	    place->what, why);
	return -1;
}

static int
come_by(struct who *who, int family, const struct who_place *place)
{
	if (who->family == family && family != AF_UNIX)
		return tell(place, "a client has one address");
	if (who->family != AF_UNSPEC && who->family != family)
		return tell(place, "a client comes from an address or by a "
		    "unix socket");
	who->family = family;
	return 0;
}

static int
take_address(struct who *who, const struct who_word *w,
    const struct who_place *place)
{
	if (w->bits != (w->family == AF_INET6 ? 128 : 32))
		return tell(place, "a network is no client, but each address "
		    "of it");
	memcpy(who->addr, w->addr, sizeof(who->addr));
	return come_by(who, w->family, place);
}

/* Room for n more groups; NULL when out of memory. */
static gid_t *
more_groups(struct credentials *peer, size_t n)
{
	gid_t *groups = reallocarray(peer->groups, peer->n_groups + n,
	    sizeof(*groups));

	if (groups == NULL)
		return NULL;
	peer->groups = groups;
	return groups + peer->n_groups;
}

/* The groups of a user who logs in. */
static int
take_groups(struct credentials *peer, const struct passwd *user)
{
	int n = 64, room = n;
	gid_t *to;

	peer->gid = user->pw_gid;
	while ((to = more_groups(peer, (size_t)room)) != NULL) {
		n = room;
		if (getgrouplist(user->pw_name, user->pw_gid, to, &n) != -1) {
			peer->n_groups += (size_t)n;
			return 0;
		}
		if (room >= GROUPS_MAX)
			break;
		room *= 2;
	}
	return -1;
}

static int
take_user(struct who *who, const struct who_word *w,
    const struct who_place *place)
{
	const struct passwd *user;

	if (who->peer.uid != NONE)
		return tell(place, "a process has one user");
	who->peer.uid = (uid_t)w->id;
	/* Names may share a number, so that a number is in no group. */
	user = w->text[strspn(w->text, "0123456789")] != '\0' ?
	    getpwnam(w->text) : NULL;
	if (user != NULL && take_groups(&who->peer, user) != 0)
		return tell(place, strerror(ENOMEM));
	return come_by(who, AF_UNIX, place);
}

static int
take_group(struct who *who, const struct who_word *w,
    const struct who_place *place)
{
	gid_t *to = more_groups(&who->peer, 1);

	if (to == NULL)
		return tell(place, strerror(ENOMEM));
	*to = (gid_t)w->id;
	who->peer.n_groups++;
	return come_by(who, AF_UNIX, place);
}

static int
take_name(struct who_as *as, const struct who_word *w,
    const struct who_place *place)
{
	if ((as->names == NULL && (as->names = who_names_new()) == NULL) ||
	    (w->kind != WHO_CERT && who_names_add(as->names,
	    (enum who_name_kind)(w->kind - WHO_CN), w->text,
	    strlen(w->text)) != 0))
		return tell(place, strerror(ENOMEM));
	as->who.names = as->names;
	return 0;
}

static int
take_word(struct who_as *as, const struct who_word *w,
    const struct who_place *place)
{
	switch (w->kind) {
	case WHO_NETWORK:
		return take_address(&as->who, w, place);
	case WHO_UNIX:
		return come_by(&as->who, AF_UNIX, place);
	case WHO_USER:
		return take_user(&as->who, w, place);
	case WHO_GROUP:
		return take_group(&as->who, w, place);
	case WHO_CERT:
	case WHO_CN:
	case WHO_DNS:
	case WHO_URI:
	case WHO_EMAIL:
		return take_name(as, w, place);
	case WHO_KINDS:
		break;
	}
	return 0;
}

int
who_as_read(struct who_as *as, char *text, const struct who_place *place)
{
	struct who_rule words = { .allow = { .n = 0 } };
	int error;

	*as = (struct who_as){ .who = { .family = AF_UNSPEC,
	    .peer = { .uid = NONE, .gid = CREDENTIALS_NO_GROUP } } };
	error = who_words_read(&words.allow, text, place);
	for (size_t i = 0; error == 0 && i < words.allow.n; i++)
		error = take_word(as, &words.allow.words[i], place);
	who_rule_clear(&words);
	return error;
}

void
who_as_clear(struct who_as *as)
{
	who_clear(&as->who);
	who_names_free(as->names);
	*as = (struct who_as){ .names = NULL };
}
