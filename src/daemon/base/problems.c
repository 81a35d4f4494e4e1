/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A growing list, kept in order.  When memory runs out a line is only
 * counted: the load fails all the same, since dropped is not 0.
 *
 * Those of a file beyond its first ones are a number in its last line, which
 * is one of the list, so that whoever tells the list tells that.
 */

#include "config.h"

#include "daemon/base/problems.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/log.h"

/* What is cut out of a long message: the start names, the end explains. */
#define MESSAGE_MAX	1000	/* bytes that stay whole */
#define MESSAGE_START	600
#define MESSAGE_END	300

#define NUMBER_SIZE	32

/* Cut a message in its middle, between characters, where it is too long. */
static void
shorten(char *message)
{
	size_t len = strlen(message), start = MESSAGE_START;
	size_t end = len - MESSAGE_END;

	if (len <= MESSAGE_MAX)
		return;
	while (start > MESSAGE_START - 3 && (message[start] & 0xc0) == 0x80)
		start--;
	while (end < len - MESSAGE_END + 3 && (message[end] & 0xc0) == 0x80)
		end++;
	memcpy(message + start, "...", 3);
	memmove(message + start + 3, message + end, len - end + 1);
}

/* A copy that is fit for a terminal, owned by the caller. */
static char *
escaped_copy(const char *text)
{
	size_t len = strlen(text), cap = ESCAPE_SIZE(len);
	char *copy = malloc(cap);

	if (copy != NULL)
		escape(copy, cap, text, len);
	return copy;
}

/* The whole line, escaped, owned by the caller; NULL when out of memory. */
static char *format_line(const char *file, unsigned int line,
    const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

static char *
format_line(const char *file, unsigned int line, const char *fmt, va_list ap)
{
	char *message = NULL, *text = NULL, *escaped;
	int n;

	if (vasprintf(&message, fmt, ap) == -1)
		return NULL;
	shorten(message);
	if (file == NULL)
		n = asprintf(&text, "%s", message);
	else if (line == 0)
		n = asprintf(&text, "%s: %s", file, message);
	else
		n = asprintf(&text, "%s:%u: %s", file, line, message);
	free(message);
	if (n == -1)
		return NULL;
	escaped = escaped_copy(text);
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

static void
problem_clear(struct problem *one)
{
	free(one->text);
	free(one->file);
	free(one->of);
}

/* Put one in its place.  Returns -1 where there is none left. */
static int
insert(struct problems *p, const struct problem *one)
{
	struct problem *list = NULL;
	size_t at;

	if (p->n < PROBLEMS_MAX)
		list = reallocarray(p->list, p->n + 1, sizeof(*list));
	if (list == NULL)
		return -1;
	p->list = list;
	for (at = p->n; at > 0; at--)
		if (list[at - 1].file_number < one->file_number ||
		    (list[at - 1].file_number == one->file_number &&
		    list[at - 1].line <= one->line))
			break;
	memmove(&list[at + 1], &list[at], (p->n++ - at) * sizeof(*list));
	memcpy(&list[at], one, sizeof(*one));
	return 0;
}

/* What there is of a file. */
struct about {
	size_t n;		/* lines of their own */
	struct problem *last;	/* of these, or NULL */
	struct problem *rest;	/* the line that counts the others, or NULL */
};

static struct about
find_about(const struct problems *p, const char *of)
{
	struct about about = { .n = 0 };

	for (size_t i = 0; i < p->n; i++) {
		struct problem *one = &p->list[i];

		if (one->of == NULL || of == NULL || strcmp(one->of, of) != 0)
			continue;
		if (one->more > 0) {
			about.rest = one;
		} else {
			about.last = one;
			about.n++;
		}
	}
	return about;
}

/* "9,198" */
static void
spell_number(char text[NUMBER_SIZE], size_t n)
{
	char digits[NUMBER_SIZE];
	int left = snprintf(digits, sizeof(digits), "%zu", n);

	for (const char *p = digits; *p != '\0'; p++) {
		*text++ = *p;
		if (--left > 0 && left % 3 == 0)
			*text++ = ',';
	}
	*text = '\0';
}

/* Its text has room for any number. */
static void
rest_spell(struct problem *rest)
{
	char number[NUMBER_SIZE];
	int n;

	spell_number(number, rest->more);
	n = sprintf(rest->text, "and %s more in ", number);
	escape(rest->text + n, ESCAPE_SIZE(strlen(rest->of)), rest->of,
	    strlen(rest->of));
}

/* Begin to count the others of a file behind its last line, if any. */
static int
rest_add(struct problems *p, const char *of, const struct problem *last,
    size_t more)
{
	const char *file = last != NULL ? last->file : of;
	struct problem one = { .more = more, .line = UINT_MAX };

	one.file_number = file_number(p, file);
	if (last != NULL && strcmp(file, of) != 0)
		one.line = last->line;
	one.file = strdup(file);
	one.of = strdup(of);
	one.text = malloc(sizeof("and  more in ") + NUMBER_SIZE +
	    ESCAPE_SIZE(strlen(of)));
	if (one.file != NULL && one.of != NULL && one.text != NULL) {
		rest_spell(&one);
		if (insert(p, &one) == 0)
			return 0;
	}
	problem_clear(&one);
	return -1;
}

void
problems_more(struct problems *p, const char *of, size_t n)
{
	struct about about = find_about(p, of);

	if (n == 0)
		return;
	if (about.rest != NULL) {
		about.rest->more += n;
		rest_spell(about.rest);
	} else if (of == NULL || rest_add(p, of, about.last, n) != 0) {
		p->dropped += n;
	}
}

/* Have one more, which may take the place of the last of its file. */
static int
take(struct problems *p, const struct problem *one, const struct about *about)
{
	struct problem *last = about->last;

	if (about->n < PROBLEMS_FILE_MAX)
		return insert(p, one);
	problem_clear(last);
	p->n--;
	memmove(last, last + 1, (size_t)(p->list + p->n - last) *
	    sizeof(*last));
	problems_more(p, one->of, 1);
	return insert(p, one);
}

/* Where something is wrong, and which file it counts to, or NULLs. */
struct where {
	const char *of;
	const char *file;
	unsigned int line;
};

/* One of a place; its members may be NULL where memory is out. */
static void make(const struct problems *, const struct where *,
    struct problem *, const char *fmt, va_list)
    __attribute__((format(printf, 4, 0)));

static void
make(const struct problems *p, const struct where *where, struct problem *one,
    const char *fmt, va_list ap)
{
	*one = (struct problem){ .line = where->line };
	one->file_number = file_number(p, where->file);
	one->text = format_line(where->file, where->line, fmt, ap);
	if (where->file != NULL)
		one->file = strdup(where->file);
	if (where->of != NULL)
		one->of = strdup(where->of);
}

static void add(struct problems *, const struct where *, const char *fmt,
    va_list) __attribute__((format(printf, 3, 0)));

static void
add(struct problems *p, const struct where *where, const char *fmt,
    va_list ap)
{
	struct about about = find_about(p, where->of);
	struct problem one;

	if (about.n >= PROBLEMS_FILE_MAX && about.last->line <= where->line) {
		problems_more(p, where->of, 1);
		return;
	}
	make(p, where, &one, fmt, ap);
	if (one.text != NULL && (one.file == NULL) == (where->file == NULL) &&
	    (one.of == NULL) == (where->of == NULL) &&
	    take(p, &one, &about) == 0)
		return;
	problem_clear(&one);
	if (find_about(p, where->of).rest != NULL)
		problems_more(p, where->of, 1);
	else
		p->dropped++;
}

void
problems_add(struct problems *p, const char *file, unsigned int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, &(struct where){ file, file, line }, fmt, ap);
	va_end(ap);
}

void
problems_add_of(struct problems *p, const char *of, const char *file,
    unsigned int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, &(struct where){ of, file, line }, fmt, ap);
	va_end(ap);
}

size_t
problems_count(const struct problems *p)
{
	size_t n = p->dropped;

	for (size_t i = 0; i < p->n; i++)
		n += p->list[i].more > 0 ? p->list[i].more : 1;
	return n;
}

void
problems_print(const struct problems *p, FILE *out)
{
	const char *mark = out == stderr ? log_mark() : "";

	for (size_t i = 0; i < p->n; i++)
		fprintf(out, "%s%s\n", mark, p->list[i].text);
	if (p->n == 0 && p->dropped > 0)
		fprintf(out, "%sproblems that there was no memory to tell: "
		    "%zu\n", mark, p->dropped);
	else if (p->dropped > 0)
		fprintf(out, "%sand %zu more\n", mark, p->dropped);
}

void
problems_clear(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		problem_clear(&p->list[i]);
	free(p->list);
	*p = (struct problems)PROBLEMS_INIT;
}
