/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Each word says its kind, so that none is ever taken for another one: what
 * has no known word in front is a network, or wrong.
 */

#include "config.h"

#include "daemon/who/who_words.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "daemon/base/address.h"
#include "daemon/base/problems.h"
#include "daemon/who/names.h"
#include "daemon/who/namespace.h"

#define DIGITS		"0123456789"
#define ID_MAX		4294967294	/* the next one stands for none */
#define HINT_MAX	(ADDRESS_MAX + 32)

static const char *const kind_words[WHO_KINDS] = {
	[WHO_UNIX] = "unix",
	[WHO_USER] = "user:",
	[WHO_GROUP] = "group:",
	[WHO_CERT] = "cert",
	[WHO_CN] = "cn:",
	[WHO_DNS] = "dns:",
	[WHO_URI] = "uri:",
	[WHO_EMAIL] = "email:"
};

const char *
who_kind_word(enum who_kind kind)
{
	return kind_words[kind];
}

#define PROBLEM(place, ...)						\
	problems_add((place)->problems, (place)->file, (place)->line,	\
	    __VA_ARGS__)

/*
 * ADDRESS or ADDRESS/BITS.
 *
 * behind  set where it is one, but for bits that are set behind those
 */
static bool
read_network(struct who_word *w, char *text, bool *behind)
{
	char *slash = strchr(text, '/');
	const char *why = NULL;
	unsigned int most;
	bool is;

	*behind = false;
	if (slash != NULL)
		*slash = '\0';
	w->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	w->bits = most = w->family == AF_INET6 ? 128 : 32;
	is = address_is_literal(text) &&
	    inet_pton(w->family, text, w->addr) == 1;
	if (slash == NULL)
		return is;
	*slash++ = '/';
	w->bits = (unsigned int)strtonum(slash, 0, most, &why);
	if (!is || why != NULL || slash[strspn(slash, DIGITS)] != '\0')
		return false;
	for (unsigned int bit = w->bits; bit < most; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		*behind |= (w->addr[bit / 8] & mask) != 0;
		w->addr[bit / 8] &= (uint8_t)~mask;
	}
	return !*behind;
}

/* What was meant by a word that is of no kind, in a sentence, or nothing. */
static const char *
hint(const char *text, char *buf, size_t cap)
{
	char guess[ADDRESS_MAX], start[16];
	const char *near = address_guess_network(text, guess, sizeof(guess));
	size_t len = strcspn(text, ":=");

	if (near != NULL) {
		snprintf(buf, cap, "; did you mean %s?", near);
		return buf;
	}
	if (text[len] != '\0')
		len++;
	if (len < sizeof(start)) {
		memcpy(start, text, len);
		start[len] = '\0';
		near = nearest(start, kind_words, WHO_KINDS);
	}
	if (near == NULL)
		return "";
	snprintf(buf, cap, "; did you mean \"%s\"?", near);
	return buf;
}

/* A word without a kind's in front. */
static int
take_network(struct who_word *w, char *text, const struct who_place *place)
{
	char buf[HINT_MAX], host[INET6_ADDRSTRLEN];
	bool behind;

	if (read_network(w, text, &behind))
		return 0;
	/* Never all of them: that must be said in so many words. */
	if (behind && w->bits > 0)
		PROBLEM(place, "\"%s\" in %s has bits behind its mask; did "
		    "you mean \"%s/%u\"?", text, place->what,
		    inet_ntop(w->family, w->addr, host, sizeof(host)),
		    w->bits);
	else
		PROBLEM(place, "\"%s\" in %s is no client: neither a network "
		    "such as 192.0.2.0/24 nor unix, user:NAME, group:NAME, "
		    "cert, cn:NAME, dns:NAME, uri:URI or email:ADDRESS%s",
		    text, place->what, hint(text, buf, sizeof(buf)));
	return -1;
}

/* A user or group, by name or number. */
static int
find_id(struct who_word *w, const struct who_place *place)
{
	const char *kind = w->kind == WHO_USER ? "user" : "group";
	const char *why = NULL;
	uid_t uid;
	gid_t gid;

	if (w->text[strspn(w->text, DIGITS)] == '\0') {
		w->id = (id_t)strtonum(w->text, 0, ID_MAX, &why);
		if (why == NULL)
			return 0;
	} else if (w->kind == WHO_USER ? names_user(w->text, &uid) :
	    names_group(w->text, &gid)) {
		w->id = w->kind == WHO_USER ? uid : gid;
		return 0;
	} else if (!names_none(errno)) {
		PROBLEM(place, "cannot look for the %s \"%s\": %s", kind,
		    w->text, strerror(errno));
		return -1;
	}
	PROBLEM(place, "unknown %s \"%s\" in %s", kind, w->text,
	    place->what);
	return -1;
}

static int
take_id(struct who_word *w, const struct who_place *place)
{
	if (find_id(w, place) != 0)
		return -1;
	if (namespace_has(w->kind == WHO_GROUP, w->id))
		return 0;
	PROBLEM(place, "\"%s%s\" in %s is nobody here: this user namespace "
	    "hides whose processes they are; PrivateUsers=no shows them, see "
	    "appmsgd(8)", kind_words[w->kind], w->text, place->what);
	return -1;
}

/* Labels, of which only the first may be a star. */
static bool
is_dns(const char *text)
{
	if (strncmp(text, "*.", 2) == 0)
		text += 2;
	return *text != '\0' && *text != '.' && text[strspn(text,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    DIGITS ".-_")] == '\0';
}

static int
take_text(const struct who_word *w, const struct who_place *place)
{
	const char *at = strrchr(w->text, '@');

	if (w->text[0] == '\0')
		PROBLEM(place, "\"%s\" in %s names nobody",
		    kind_words[w->kind], place->what);
	else if (w->kind == WHO_DNS && !is_dns(w->text))
		PROBLEM(place, "\"dns:%s\" in %s is not a name such as "
		    "host.example or *.example", w->text, place->what);
	else if (w->kind == WHO_EMAIL &&
	    (at == NULL || at == w->text || at[1] == '\0'))
		PROBLEM(place, "\"email:%s\" in %s is not an address such as "
		    "alice@host.example", w->text, place->what);
	else
		return 0;
	return -1;
}

/* The kind that a word says; WHO_NETWORK: none. */
static enum who_kind
kind_of(const char *text)
{
	for (enum who_kind kind = WHO_UNIX; kind < WHO_KINDS; kind++) {
		const char *word = kind_words[kind];
		size_t len = strlen(word);

		if (word[len - 1] == ':' ? strncmp(text, word, len) == 0 :
		    strcmp(text, word) == 0)
			return kind;
	}
	return WHO_NETWORK;
}

static int
take_word(struct who_word *w, char *text, const struct who_place *place)
{
	const char *colon = strchr(text, ':');

	w->kind = kind_of(text);
	switch (w->kind) {
	case WHO_NETWORK:
		return take_network(w, text, place);
	case WHO_USER:
	case WHO_GROUP:
	case WHO_CN:
	case WHO_DNS:
	case WHO_URI:
	case WHO_EMAIL:
		break;
	case WHO_UNIX:
	case WHO_CERT:
	case WHO_KINDS:
		return 0;
	}
	if ((w->text = strdup(colon + 1)) == NULL) {
		PROBLEM(place, "%s", strerror(ENOMEM));
		return -1;
	}
	return w->kind == WHO_USER || w->kind == WHO_GROUP ?
	    take_id(w, place) : take_text(w, place);
}

int
who_words_read(struct who_list *list, char *text,
    const struct who_place *place)
{
	char *rest = text, *one;
	int error = 0;

	while ((one = strsep(&rest, ",")) != NULL) {
		struct who_word *words = reallocarray(list->words,
		    list->n + 1, sizeof(*words));
		struct who_word w = { .text = NULL };

		if (words == NULL) {
			PROBLEM(place, "%s", strerror(ENOMEM));
			return -1;
		}
		list->words = words;
		if (take_word(&w, one, place) != 0)
			error = -1;
		words[list->n++] = w;
	}
	return error;
}

const char *
who_word_start(const struct who_word *w, char *buf)
{
	char host[INET6_ADDRSTRLEN];

	if (w->kind != WHO_NETWORK)
		return kind_words[w->kind];
	snprintf(buf, WHO_START_SIZE, "%s/%u", inet_ntop(w->family, w->addr,
	    host, sizeof(host)), w->bits);
	return buf;
}
