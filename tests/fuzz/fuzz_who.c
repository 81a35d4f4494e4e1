/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Who may ask.  An input is three lines: what allow= has, what deny= has, and
 * a client in the same words, an empty line being nothing.
 *
 * Whatever they say: what is wrong is told, what is good is written so that it
 * reads the same, and judged as a second, plain reader of networks does it.  A
 * client that may prove something yet is never judged otherwise afterwards.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "common/escape.h"
#include "daemon/base/problems.h"
#include "daemon/who/who_as.h"
#include "daemon/who/who_words.h"

#define LINES		3
#define LEN_MAX		4096	/* more takes long, and is the same */

const unsigned int fuzz_runs = 20000;

static struct problems problems;

/* A list is read, and only a wrong one is told. */
static bool
read_list(const char *text, struct who_list *list)
{
	const struct who_place place = { .problems = &problems, .file = "F",
	    .line = 1, .what = "allow=" };
	char *copy = strdup(text);
	int error;
	uint32_t c;

	FUZZ_CHECK(copy != NULL);
	error = *text == '\0' ? 0 : who_words_read(list, copy, &place);
	FUZZ_CHECK((error == 0) == (problems_count(&problems) == 0));
	for (size_t i = 0; i < problems.n; i++)
		for (const char *p = problems.list[i].text; *p != '\0'; ) {
			size_t used = escape_utf8(p, strlen(p), &c);

			FUZZ_CHECK(used > 0 && (escape_is_plain(c) ||
			    c == '\\'));
			p += used;
		}
	problems_clear(&problems);
	free(copy);
	return error == 0;
}

/* A list is the same when it is written and read. */
static void
read_written(const struct who_list *list, struct who_list *again)
{
	char start[WHO_START_SIZE], *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	FUZZ_CHECK(f != NULL);
	for (size_t i = 0; i < list->n; i++)
		fprintf(f, "%s%s%s", i > 0 ? "," : "",
		    who_word_start(&list->words[i], start),
		    list->words[i].text != NULL ? list->words[i].text : "");
	fclose(f);
	FUZZ_CHECK(read_list(text, again));
	free(text);
}

static void
check_written(const struct who_rule *rule)
{
	struct who_rule again = { .allow = { .n = 0 } };
	struct who_rule copy;

	read_written(&rule->allow, &again.allow);
	read_written(&rule->deny, &again.deny);
	FUZZ_CHECK(who_rule_equal(rule, &again));
	FUZZ_CHECK(who_rule_copy(&copy, &again) == 0);
	who_rule_clear(&again);
	FUZZ_CHECK(who_rule_equal(&copy, rule));
	who_rule_clear(&copy);
}

/* Whether a network has an address, bit by bit. */
static bool
network_has(const struct who_word *w, const struct who *who)
{
	if (w->kind != WHO_NETWORK || w->family != who->family)
		return false;
	for (unsigned int bit = 0; bit < w->bits; bit++)
		if (((w->addr[bit / 8] ^ who->addr[bit / 8]) << bit % 8) &
		    0x80)
			return false;
	return true;
}

static bool
has_network(const struct who_list *list, const struct who *who)
{
	for (size_t i = 0; i < list->n; i++)
		if (network_has(&list->words[i], who))
			return true;
	return false;
}

/* Networks alone, by the definition. */
static bool
is_about_networks(const struct who_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->words[i].kind != WHO_NETWORK)
			return false;
	return true;
}

static void
check_judged(const struct who_rule *rule, struct who_as *as)
{
	const struct who_rule denied = { .allow = rule->allow,
	    .deny = rule->allow };
	enum who_verdict verdict = who_judge(rule, &as->who), before;

	FUZZ_CHECK(verdict != WHO_DEPENDS);
	if (has_network(&rule->deny, &as->who))
		FUZZ_CHECK(verdict == WHO_MAY_NOT);
	else if (has_network(&rule->allow, &as->who) &&
	    rule->deny.n == 0)
		FUZZ_CHECK(verdict == WHO_MAY);
	if (is_about_networks(&rule->allow) && is_about_networks(&rule->deny))
		FUZZ_CHECK((verdict == WHO_MAY) ==
		    (!has_network(&rule->deny, &as->who) &&
		    (rule->allow.n == 0 ||
		    has_network(&rule->allow, &as->who))));
	/* Nobody is let in by a word that keeps him out. */
	if (rule->allow.n > 0)
		FUZZ_CHECK(who_judge(&denied, &as->who) == WHO_MAY_NOT);
	as->who.names = NULL;
	as->who.unproven = true;
	before = who_judge(rule, &as->who);
	FUZZ_CHECK(before == WHO_DEPENDS || before == verdict);
}

static void
check_client(const struct who_rule *rule, char *text)
{
	const struct who_place place = { .problems = &problems,
	    .what = "client" };
	struct who_as as;
	int error = who_as_read(&as, text, &place);

	FUZZ_CHECK((error == 0) == (problems_count(&problems) == 0));
	problems_clear(&problems);
	if (error == 0)
		check_judged(rule, &as);
	who_as_clear(&as);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct who_rule rule = { .allow = { .n = 0 } };
	char *text, *line[LINES], *rest;

	if (len > LEN_MAX || memchr(data, '\0', len) != NULL)
		return 0;
	FUZZ_CHECK((text = malloc(len + 1)) != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	rest = text;
	for (size_t i = 0; i < LINES; i++)
		line[i] = rest != NULL ? strsep(&rest, "\n") : NULL;
	if (read_list(line[0], &rule.allow) &&
	    (line[1] == NULL || read_list(line[1], &rule.deny))) {
		check_written(&rule);
		if (line[2] != NULL)
			check_client(&rule, line[2]);
	}
	who_rule_clear(&rule);
	free(text);
	return 0;
}
