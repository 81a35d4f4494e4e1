/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * RFC 9110, 12.5.1, for two types: ranges with a star name neither.
 */

#include "config.h"

#include "daemon/http/http_accept.h"

#include <string.h>
#include <strings.h>

#define WEIGHT_MAX	1000	/* of what says none, too */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Take what stands before a separator, without blanks; all if there is none. */
static size_t
cut(const char **p, size_t *left, char separator, const char **word)
{
	const char *end = memchr(*p, separator, *left);
	size_t len = end != NULL ? (size_t)(end - *p) : *left;

	*word = *p;
	*p += len + (end != NULL);
	*left -= len + (end != NULL);
	while (len > 0 && is_blank(**word)) {
		++*word;
		len--;
	}
	while (len > 0 && is_blank((*word)[len - 1]))
		len--;
	return len;
}

static bool
is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(p, word, len) == 0;
}

/* q=0.5 as 500; anything else weighs nothing less. */
static int
weight(const char *p, size_t len)
{
	int value, digit = WEIGHT_MAX / 10;

	if (len < 3 || strncasecmp(p, "q=", 2) != 0 || p[2] != '0')
		return WEIGHT_MAX;
	value = 0;
	for (size_t i = 4; i < len && digit > 0; i++, digit /= 10)
		if (p[i] >= '0' && p[i] <= '9')
			value += (p[i] - '0') * digit;
	return value;
}

/* One of a list: a type, and what is behind its semicolons. */
static void
read_one(struct http_accept *accept, const char *p, size_t len)
{
	const char *type, *word;
	size_t type_len = cut(&p, &len, ';', &type), n;
	int least = WEIGHT_MAX, w, *of = NULL;

	if (is_word(type, type_len, "application/openmetrics-text"))
		of = &accept->open;
	else if (is_word(type, type_len, "text/plain"))
		of = &accept->plain;
	while (len > 0) {
		n = cut(&p, &len, ';', &word);
		w = weight(word, n);
		least = w < least ? w : least;
	}
	if (of != NULL && *of < least)
		*of = least;
}

void
http_accept_read(struct http_accept *accept, const char *value, size_t len)
{
	const char *one;
	size_t n;

	while (len > 0) {
		n = cut(&value, &len, ',', &one);
		read_one(accept, one, n);
	}
}

bool
http_accept_is_plain(const struct http_accept *accept)
{
	return accept->plain > accept->open;
}
