/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A number is divided until it is short, and told to as many digits as say
 * something.
 */

#include "config.h"

#include "common/human.h"

#include <inttypes.h>
#include <stdio.h>

const char *
human_bytes(uint64_t bytes, char *text)
{
	static const char units[] = "KMGTPE";
	double n = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, HUMAN_SIZE, "%" PRIu64 " byte%s", bytes,
		    bytes == 1 ? "" : "s");
		return text;
	}
	/* Not 1024 KB: what is rounded to that is 1.0 MB. */
	for (; n >= 1023.5 && units[unit + 1] != '\0'; unit++)
		n /= 1024;
	snprintf(text, HUMAN_SIZE, "%.*f %cB", n < 9.95 ? 1 : 0, n,
	    units[unit]);
	return text;
}

const char *
human_span(int64_t seconds, char *text)
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 86400, "day", "days" },
		{ 3600, "h", "h" },
		{ 60, "min", "min" },
		{ 1, "s", "s" },
	};
	size_t i = 0;
	int64_t n, rest;
	int len;

	while (units[i].seconds > 1 && seconds < units[i].seconds)
		i++;
	n = seconds / units[i].seconds;
	len = snprintf(text, HUMAN_SIZE, "%" PRId64 " %s", n,
	    n == 1 ? units[i].one : units[i].many);
	if (units[i].seconds == 1 || len < 0)
		return text;
	rest = seconds % units[i].seconds / units[i + 1].seconds;
	if (rest > 0)
		snprintf(text + len, HUMAN_SIZE - (size_t)len, " %" PRId64
		    " %s", rest, units[i + 1].many);
	return text;
}

const char *
human_count(uint64_t n, const char *one, const char *many, char *text)
{
	snprintf(text, HUMAN_SIZE, "%" PRIu64 " %s", n, n == 1 ? one : many);
	return text;
}
