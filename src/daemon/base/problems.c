/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A growing list, kept in order.  When memory runs out a line is only
 * counted: the load fails all the same, since dropped is not 0.
 */

#include "config.h"

#include "daemon/base/problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"

/* The whole line, escaped, owned by the caller; NULL when out of memory. */
static char *format_line(const char *file, unsigned int line,
    const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

static char *
format_line(const char *file, unsigned int line, const char *fmt, va_list ap)
{
	char *message = NULL, *text = NULL, *escaped = NULL;
	size_t cap;
	int n;

	if (vasprintf(&message, fmt, ap) == -1)
		return NULL;
	if (file == NULL)
		n = asprintf(&text, "%s", message);
	else if (line == 0)
		n = asprintf(&text, "%s: %s", file, message);
	else
		n = asprintf(&text, "%s:%u: %s", file, line, message);
	free(message);
	if (n == -1)
		return NULL;
	cap = ESCAPE_SIZE((size_t)n);
	if ((escaped = malloc(cap)) != NULL)
		escape(escaped, cap, text, (size_t)n);
	free(text);
	return escaped;
}

/* The number of a file: that of its other lines, or the next. */
static unsigned int
file_number(const struct problems *p, const char *file)
{
	unsigned int next = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct problem *one = &p->list[i];

		if (file != NULL && one->file != NULL &&
		    strcmp(one->file, file) == 0)
			return one->file_number;
		if (one->file_number >= next)
			next = one->file_number + 1;
	}
	return next;
}

void
problems_add(struct problems *p, const char *file, unsigned int line,
    const char *fmt, ...)
{
	struct problem *list = NULL, one = { .line = line };
	va_list ap;
	size_t at;

	if (p->n < PROBLEMS_MAX)
		list = reallocarray(p->list, p->n + 1, sizeof(*list));
	if (list == NULL) {
		p->dropped++;
		return;
	}
	p->list = list;
	one.file_number = file_number(p, file);
	one.file = file != NULL ? strdup(file) : NULL;
	va_start(ap, fmt);
	one.text = format_line(file, line, fmt, ap);
	va_end(ap);
	if (one.text == NULL) {
		free(one.file);
		p->dropped++;
		return;
	}
	for (at = p->n; at > 0; at--)
		if (list[at - 1].file_number < one.file_number ||
		    (list[at - 1].file_number == one.file_number &&
		    list[at - 1].line <= one.line))
			break;
	memmove(&list[at + 1], &list[at], (p->n++ - at) * sizeof(*list));
	memcpy(&list[at], &one, sizeof(one));
}

size_t
problems_count(const struct problems *p)
{
	return p->n + p->dropped;
}

void
problems_print(const struct problems *p, FILE *out)
{
	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "%s\n", p->list[i].text);
	if (p->n == 0 && p->dropped > 0)
		fprintf(out, "problems that there was no memory to tell: "
		    "%zu\n", p->dropped);
	else if (p->dropped > 0)
		fprintf(out, "and %zu more\n", p->dropped);
}

void
problems_clear(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->list[i].text);
		free(p->list[i].file);
	}
	free(p->list);
	*p = (struct problems)PROBLEMS_INIT;
}
