/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A client against the words of a rule.
 */

#include "config.h"

#include "daemon/who/who.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void
who_set_address(struct who *who, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *sin6 = (const void *)sa;
	const struct sockaddr_in *sin = (const void *)sa;

	if (sa->sa_family == AF_INET) {
		who->family = AF_INET;
		memcpy(who->addr, &sin->sin_addr, sizeof(sin->sin_addr));
	} else if (sa->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		who->family = AF_INET;
		memcpy(who->addr, &sin6->sin6_addr.s6_addr[12], 4);
	} else if (sa->sa_family == AF_INET6) {
		who->family = AF_INET6;
		memcpy(who->addr, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
	}
}

int
who_read(struct who *who, int fd, sa_family_t family,
    const struct who_names *names)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	*who = (struct who){ .family = family, .names = names };
	if (family == AF_UNIX)
		who->unknown = credentials_read(&who->peer, fd) != 0;
	else if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
		who_set_address(who, (const struct sockaddr *)&ss);
	else
		who->unknown = true;
	return who->unknown && errno == ENOMEM ? -1 : 0;
}

void
who_clear(struct who *who)
{
	credentials_clear(&who->peer);
}

static bool
is_in_network(const struct who_word *w, const struct who *who)
{
	unsigned int bytes = w->bits / 8, bits = w->bits % 8;

	return w->family == who->family &&
	    memcmp(w->addr, who->addr, bytes) == 0 && (bits == 0 ||
	    (w->addr[bytes] ^ who->addr[bytes]) >> (8 - bits) == 0);
}

static bool
is_in_group(const struct credentials *peer, gid_t gid)
{
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == gid)
			return true;
	return peer->gid == gid;
}

static bool
is_meant(const struct who_word *w, const struct who *who)
{
	switch (w->kind) {
	case WHO_NETWORK:
		return is_in_network(w, who);
	case WHO_UNIX:
		return who->family == AF_UNIX;
	case WHO_USER:
		return who->family == AF_UNIX && who->peer.uid == w->id;
	case WHO_GROUP:
		return who->family == AF_UNIX && is_in_group(&who->peer, w->id);
	case WHO_CERT:
		return who->names != NULL;
	case WHO_CN:
		return who_names_has(who->names, WHO_NAME_CN, w->text);
	case WHO_DNS:
		return who_names_has(who->names, WHO_NAME_DNS, w->text);
	case WHO_URI:
		return who_names_has(who->names, WHO_NAME_URI, w->text);
	case WHO_EMAIL:
		return who_names_has(who->names, WHO_NAME_EMAIL, w->text);
	case WHO_KINDS:
		break;
	}
	return false;
}

/*
 * Whether one of the words means a client.
 *
 * depends  set where none does, but one may, once it has proven who it is
 */
static bool
list_has(const struct who_list *list, const struct who *who, bool *depends)
{
	*depends = false;
	for (size_t i = 0; i < list->n; i++) {
		if (is_meant(&list->words[i], who))
			return true;
		if (who->unproven && who_kind_is_proven(list->words[i].kind))
			*depends = true;
	}
	return false;
}

enum who_verdict
who_judge(const struct who_rule *rule, const struct who *who)
{
	bool denied, allowed;

	if (who->unknown && who_rule_is_set(rule))
		return WHO_MAY_NOT;
	if (list_has(&rule->deny, who, &denied))
		return WHO_MAY_NOT;
	if (rule->allow.n > 0 && !list_has(&rule->allow, who, &allowed))
		return allowed ? WHO_DEPENDS : WHO_MAY_NOT;
	return denied ? WHO_DEPENDS : WHO_MAY;
}

static bool
has_kind(const struct who_list *list, enum who_kind kind)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->words[i].kind == kind)
			return true;
	return false;
}

bool
who_rule_has(const struct who_rule *rule, enum who_kind kind)
{
	return has_kind(&rule->allow, kind) || has_kind(&rule->deny, kind);
}

#if defined(__GNUC__) && !defined(__clang__)
/* gcc -fanalyzer forgets the first of a list's texts at the second one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static int
list_copy(struct who_list *copy, const struct who_list *list)
{
	if (list->n == 0)
		return 0;
	copy->words = calloc(list->n, sizeof(*copy->words));
	if (copy->words == NULL)
		return -1;
	while (copy->n < list->n) {
		const struct who_word *from = &list->words[copy->n];
		struct who_word *w = &copy->words[copy->n++];

		*w = *from;
		if (from->text != NULL &&
		    (w->text = strdup(from->text)) == NULL)
			return -1;
	}
	return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

int
who_rule_copy(struct who_rule *copy, const struct who_rule *rule)
{
	*copy = (struct who_rule){ 0 };
	return list_copy(&copy->allow, &rule->allow) != 0 ||
	    list_copy(&copy->deny, &rule->deny) != 0 ? -1 : 0;
}

static bool
list_equal(const struct who_list *a, const struct who_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct who_word *v = &a->words[i], *w = &b->words[i];

		if (v->kind != w->kind || v->family != w->family ||
		    v->bits != w->bits || v->id != w->id ||
		    memcmp(v->addr, w->addr, sizeof(v->addr)) != 0 ||
		    (v->text == NULL) != (w->text == NULL) ||
		    (v->text != NULL && strcmp(v->text, w->text) != 0))
			return false;
	}
	return true;
}

bool
who_rule_equal(const struct who_rule *a, const struct who_rule *b)
{
	return list_equal(&a->allow, &b->allow) &&
	    list_equal(&a->deny, &b->deny);
}

static void
list_clear(struct who_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->words[i].text);
	free(list->words);
	*list = (struct who_list){ 0 };
}

void
who_rule_clear(struct who_rule *rule)
{
	list_clear(&rule->allow);
	list_clear(&rule->deny);
}
