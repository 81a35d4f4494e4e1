/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A certificate has few names, so they are just looked through.
 */

#include "config.h"

#include "daemon/who/who_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct name {
	enum who_name_kind kind;
	char *text;		/* owned */
};

struct who_names {
	struct name *list;	/* owned */
	size_t n;
};

struct who_names *
who_names_new(void)
{
	return calloc(1, sizeof(struct who_names));
}

int
who_names_add(struct who_names *names, enum who_name_kind kind,
    const char *text, size_t len)
{
	struct name *list, *name;

	if (len == 0 || memchr(text, '\0', len) != NULL)
		return 0;
	list = reallocarray(names->list, names->n + 1, sizeof(*list));
	if (list == NULL)
		return -1;
	names->list = list;
	name = &list[names->n];
	name->kind = kind;
	if ((name->text = malloc(len + 1)) == NULL)
		return -1;
	memcpy(name->text, text, len);
	name->text[len] = '\0';
	names->n++;
	return 0;
}

static bool
is_dns(const char *name, const char *text)
{
	const char *dot = strchr(name, '.');

	if (strncmp(text, "*.", 2) == 0 && dot != NULL && dot > name)
		return strcasecmp(dot, text + 1) == 0;
	return strcasecmp(name, text) == 0;
}

/* What is before the @ is its server's, which may tell cases apart. */
static bool
is_email(const char *name, const char *text)
{
	const char *at = strrchr(name, '@');
	size_t len;

	if (at == NULL)
		return strcmp(name, text) == 0;
	len = (size_t)(at - name);
	return strncmp(name, text, len) == 0 &&
	    strcasecmp(at, text + len) == 0;
}

static bool
is_same(const struct name *name, const char *text)
{
	switch (name->kind) {
	case WHO_NAME_DNS:
		return is_dns(name->text, text);
	case WHO_NAME_EMAIL:
		return is_email(name->text, text);
	case WHO_NAME_CN:
	case WHO_NAME_URI:
	case WHO_NAME_KINDS:
		break;
	}
	return strcmp(name->text, text) == 0;
}

bool
who_names_has(const struct who_names *names, enum who_name_kind kind,
    const char *text)
{
	for (size_t i = 0; names != NULL && i < names->n; i++)
		if (names->list[i].kind == kind &&
		    is_same(&names->list[i], text))
			return true;
	return false;
}

const char *
who_names_first(const struct who_names *names, enum who_name_kind kind)
{
	for (size_t i = 0; names != NULL && i < names->n; i++)
		if (names->list[i].kind == kind)
			return names->list[i].text;
	return NULL;
}

void
who_names_free(struct who_names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i].text);
	free(names->list);
	free(names);
}
