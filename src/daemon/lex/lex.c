/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The words of one logical line at a time, unquoted into a buffer that holds
 * the longest file: decoded text is never longer than its source.
 */

#include "config.h"

#include "daemon/lex/lex.h"

#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "lib/scan.h"

void
lex_init(struct lex *lex, const char *file, const char *text, size_t len,
    struct problems *problems)
{
	memset(lex, 0, sizeof(*lex));
	lex->file = file;
	lex->p = lex->text_start = text;
	lex->end = text + len;
	lex->next_line = 1;
	lex->problems = problems;
	/* A word and its NUL take no more than its bytes and a separator. */
	lex->text_cap = len + 2;
	lex->text = malloc(lex->text_cap);
}

void
lex_clear(struct lex *lex)
{
	free(lex->text);
	lex->text = NULL;
}

/* The end of the physical line at p; its newline, if any, is at *eol. */
static const char *
line_end(const struct lex *lex, const char **eol)
{
	const char *nl = memchr(lex->p, '\n', (size_t)(lex->end - lex->p));

	*eol = nl != NULL ? nl : lex->end;
	return *eol > lex->p && (*eol)[-1] == '\r' ? *eol - 1 : *eol;
}

static void
line_skip(struct lex *lex)
{
	const char *eol;

	line_end(lex, &eol);
	lex->p = eol < lex->end ? eol + 1 : eol;
	lex->next_line++;
}

/* Behind a string's closing quote, or at the line's end if there is none. */
static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

/*
 * Pass over the rest of a physical line that is wrong.
 *
 * Returns whether a backslash continues it, one outside of quotes and
 * comments as for other lines: what follows is not to be lost else.
 */
static bool
line_rest(struct lex *lex)
{
	const char *eol, *end = line_end(lex, &eol), *p = lex->p;
	bool word = p > lex->text_start && p[-1] != ' ' && p[-1] != '\t' &&
	    p[-1] != '\n';

	line_skip(lex);
	while (p < end) {
		if (*p == '\\' && p + 1 == end)
			return true;
		if (*p == '#' && !word)
			return false;
		if (*p == '"' && (!word || p[-1] == '=')) {
			p = string_end(p, end);
			word = true;
			continue;
		}
		word = *p != ' ' && *p != '\t';
		p++;
	}
	return false;
}

/* Pass over what is left of a logical line that is wrong. */
static void
line_abandon(struct lex *lex)
{
	while (line_rest(lex) && lex->p < lex->end)
		continue;
}

/*
 * Pass over blanks, comments and continued line ends.
 *
 * Returns whether a word starts at p; if not, the line is used up.
 */
static bool
word_follows(struct lex *lex)
{
	for (;;) {
		const char *eol, *end = line_end(lex, &eol);

		while (lex->p < end && (*lex->p == ' ' || *lex->p == '\t'))
			lex->p++;
		if (lex->p < end && *lex->p == '\\' && lex->p + 1 == end &&
		    eol < lex->end) {
			line_skip(lex);
			continue;
		}
		if (lex->p < end && *lex->p != '#')
			return true;
		line_skip(lex);
		return false;
	}
}

/* What the scanner says of a string, or better. */
static const char *
string_why(const struct lex *lex, const struct scan *scan, const char *end)
{
	if (scan->p < scan->end && scan_utf8(scan->p,
	    (size_t)(scan->end - scan->p)) == 0)
		return encoding_not_utf8(lex->p, (size_t)(end - lex->p));
	return strcmp(scan->why, "wrong escape") == 0 ?
	    "wrong escape (a backslash is written twice)" : scan->why;
}

/* The JSON string whose quote is at p. */
static const char *
take_quoted(struct lex *lex, const char *end, char **out)
{
	struct appmsg_str str;
	struct scan scan;
	size_t len;

	scan_init(&scan, lex->p, (size_t)(end - lex->p));
	if (scan_string(&scan, &str) != SCAN_OK)
		return string_why(lex, &scan, end);
	if (appmsg_str_decode(&str, *out, str.len, &len) != 0)
		return "half a surrogate pair in a string";
	*out += len;
	lex->p = (const char *)scan.p;
	if (lex->p == end || *lex->p == ' ' || *lex->p == '\t' ||
	    (*lex->p == '\\' && lex->p + 1 == end))
		return NULL;
	return "something right behind a closing quote";
}

/*
 * Whether a word is in quotes as other configurations and programs for texts
 * have them: it would be taken with them, and asked for in vain without.
 */
static bool
is_misquoted(const struct lex_word *word)
{
	static const char *const quotes[] = { "\xe2\x80\x9c",
	    "\xe2\x80\x9d", "\xe2\x80\x9e" };	/* U+201C, D and E */

	for (size_t i = 0; i < sizeof(quotes) / sizeof(*quotes); i++)
		if (strncmp(word->text, quotes[i], strlen(quotes[i])) == 0)
			return true;
	return word->len > 1 && word->text[0] == '\'' &&
	    word->text[word->len - 1] == '\'';
}

/* One word; returns what is wrong with it, or NULL. */
static const char *
take_word(struct lex *lex, char **out)
{
	struct lex_word *word = &lex->words[lex->n];
	const char *eol, *end = line_end(lex, &eol), *start = lex->p, *why;

	if (lex->n == LEX_WORDS_MAX)
		return "too many words";
	word->text = *out;
	word->quoted = *lex->p == '"';
	while (lex->p < end && *lex->p != ' ' && *lex->p != '\t') {
		if (*lex->p == '"') {
			if (lex->p != start && lex->p[-1] != '=')
				return "a quote inside a word";
			if ((why = take_quoted(lex, end, out)) != NULL)
				return why;
			break;
		}
		if (*lex->p == '\\' && lex->p + 1 == end && eol < lex->end)
			break;
		if (*lex->p == '\0')
			return "a NUL byte";
		*(*out)++ = *lex->p++;
	}
	word->len = (size_t)(*out - word->text);
	if (scan_utf8(word->text, word->len) != word->len)
		return encoding_not_utf8(word->text, word->len);
	*(*out)++ = '\0';
	if (!word->quoted && is_misquoted(word))
		return "the quotes are to be \"";
	lex->n++;
	return NULL;
}

/*
 * What a file is as a whole: of one in UTF-16 nothing else is told; a mark is
 * passed over, so that what is behind it is read.
 */
static void
look_at_start(struct lex *lex)
{
	size_t len = (size_t)(lex->end - lex->p);
	const char *wide = encoding_utf16(lex->p, len);

	if (wide != NULL) {
		problems_add(lex->problems, lex->file, 1, "%s", wide);
		lex->p = lex->end;
	} else if (encoding_has_mark(lex->p, len)) {
		problems_add(lex->problems, lex->file, 1,
		    "a byte order mark before the first word");
		lex->p += ENCODING_MARK_LEN;
		lex->text_start = lex->p;
	}
}

bool
lex_next(struct lex *lex)
{
	if (lex->text == NULL) {
		problems_add(lex->problems, lex->file, 0, "out of memory");
		return false;
	}
	if (lex->p == lex->text_start && lex->next_line == 1)
		look_at_start(lex);
	while (lex->p < lex->end) {
		char *out = lex->text;
		const char *why = NULL;

		lex->n = 0;
		lex->line = lex->next_line;
		while (why == NULL && word_follows(lex))
			why = take_word(lex, &out);
		if (why != NULL) {
			problems_add(lex->problems, lex->file, lex->line,
			    "%s", why);
			line_abandon(lex);
		} else if (lex->n > 0) {
			return true;
		}
	}
	return false;
}
