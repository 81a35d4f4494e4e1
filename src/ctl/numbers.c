/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The daemon checks them once more; here the mistake is told in the words of
 * the command line.
 */

#include "config.h"

#include "numbers.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

#define KEYS_MAX	1000	/* the daemon names no more */
#define GENERATION_MAX	((int64_t)1 << 53)	/* nor has it higher ones */

bool
numbers_generation(const char *word, int64_t *generation)
{
	const char *why;

	*generation = strtonum(word, 1, GENERATION_MAX, &why);
	if (why == NULL)
		return true;
	warnx("\"%s\" is not the number of a generation", word);
	return false;
}

int
numbers_keys(const char *text)
{
	const char *why;
	int n = (int)strtonum(text, 0, KEYS_MAX, &why);

	if (why != NULL)
		errx(EX_USAGE, "--keys=%s: the number is %s, of 0 to %d",
		    text, why, KEYS_MAX);
	return n;
}

int64_t
numbers_delay(const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end != '\0' || !(s >= 0.1 && s <= 3600))
		errx(EX_USAGE, "--delay=%s: it is not from 0.1 to 3600 "
		    "seconds", text);
	return (int64_t)(s * 1000 + 0.5);
}

int64_t
numbers_count(const char *text)
{
	const char *why;
	int64_t n = strtonum(text, 1, INT64_MAX, &why);

	if (why != NULL)
		errx(EX_USAGE, "--count=%s: the number is %s", text, why);
	return n;
}
