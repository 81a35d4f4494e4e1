/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What searches cost in the process itself: CPU per query, by way and table,
 * as JSON.
 *
 *     search [-s] [-w WORDS] [-n KEYS] [-q QUERIES] [-t TSV]
 *
 * With -s, only what suggestions cost.
 *
 * With a file of KEY TAB ANSWER lines, it is only told what the words of it
 * take: bytes of their indexes for each byte of keys, and of keys and answers,
 * and the time that they add to making the table.
 */

#include "config.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appmsg.h"
#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/index/index.h"
#include "daemon/search/search.h"
#include "daemon/table/table.h"
#include "phrases.h"

#define ANSWER_MAX	65536
#define SLICE_US	1000000

enum kind {
	KIND_WORDS,		/* lines of a file */
	KIND_RANDOM,		/* 16 random letters */
	KIND_NUMBERS,		/* key:%012d */
	KIND_PHRASES,		/* 2 to 5 words of a file, some far more often
				   than others, as in a language */
	KIND_TSV		/* lines of a file, with answers */
};

struct run {
	const char *name;
	enum table_way way;
	unsigned int distance, limit;
	void (*make)(struct text *);	/* of a key; NULL: regexes */
	bool next;			/* the page behind the first */
};

static unsigned int queries = 2000;
static bool first = true;
static bool suggests;		/* limits are filled up */

static double
now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
make_exact(struct text *text)
{
	(void)text;
}

static void
make_prefix(struct text *text)
{
	if (text->len > 5)
		text->len = 5;
}

/* For numbers, five bytes are the same in all. */
static void
make_long_prefix(struct text *text)
{
	if (text->len > 14)
		text->len = 14;
}

static void
make_suffix(struct text *text)
{
	size_t len = 3 + phrase_rnd(3);

	if (text->len > len) {
		memmove(text->p, text->p + text->len - len, len);
		text->len = len;
	}
}

static void
make_substring(struct text *text)
{
	size_t len = 3 + phrase_rnd(3), from;

	if (text->len > len) {
		from = phrase_rnd((unsigned int)(text->len - len) + 1);
		memmove(text->p, text->p + from, len);
		text->len = len;
	}
}

static void
make_edit(struct text *text)
{
	size_t at = phrase_rnd((unsigned int)text->len);

	switch (phrase_rnd(4)) {
	case 0:
		text->p[at] = (char)('a' + phrase_rnd(26));
		break;
	case 1:
		memmove(text->p + at + 1, text->p + at, text->len - at);
		text->p[at] = (char)('a' + phrase_rnd(26));
		text->len++;
		break;
	case 2:
		if (text->len < 2)
			break;
		memmove(text->p + at, text->p + at + 1, text->len - at - 1);
		text->len--;
		break;
	default:
		if (at + 1 < text->len) {
			char c = text->p[at];

			text->p[at] = text->p[at + 1];
			text->p[at + 1] = c;
		}
	}
}

static void
make_edits(struct text *text)
{
	make_edit(text);
	make_edit(text);
}

/* A word must differ from the one before, or it is one. */
static void
make_common(struct text *text)
{
	unsigned int a = phrase_rnd(PHRASE_COMMON), b = (a + 1 + phrase_rnd(PHRASE_COMMON - 1)) % PHRASE_COMMON;

	text->len = 0;
	phrase_add(text, phrase_word(a));
	phrase_add(text, phrase_word(b));
}

static void
make_letter(struct text *text)
{
	text->p[0] = (char)('a' + phrase_rnd(26));
	text->len = 1;
}

/* No key begins so: all that have a word that does are merged. */
static void
make_inner_letter(struct text *text)
{
	text->p[0] = ' ';
	text->p[1] = (char)('a' + phrase_rnd(26));
	text->len = 2;
}

/* One that is common, and how another begins. */
static void
make_typed(struct text *text)
{
	text->len = 0;
	phrase_add(text, phrase_word(phrase_rnd(PHRASE_COMMON)));
	phrase_add(text, phrase_some());
	for (unsigned int n = phrase_rnd(4); n > 0 && text->len > 0; n--)
		text->len--;
}

static void
make_word(struct text *text)
{
	text->len = 0;
	phrase_add(text, phrase_some());
}

/* A short word, which may be initials. */
static void
make_initials(struct text *text)
{
	for (text->len = 0; text->len < 3; text->len++)
		text->p[text->len] = (char)('a' + phrase_rnd(26));
}

/* The first word of a key, mistyped. */
static void
make_begun(struct text *text)
{
	const char *space = memchr(text->p, ' ', text->len);

	if (space != NULL)
		text->len = (size_t)(space - text->p);
	make_edit(text);
}

static const char *const regexes[] = {
	"^colou?r", "ing$", "^un.*able$", "[aeiou]{4}", "^.{3}$", "q[^u]",
	"(.)\\1\\1", "^s.*s$", "ph.*gy$", "z{2}", "^[^aeiouy]+$",
	"(ology|ism)$", "^ab|ba$", "x.y", "^(re|un)do", "tion(al)?s?$",
	"\\bpre\\w+ed$", "e.e.e.e", "^[a-m]*$", "aa|ii|uu"
};

#define REGEXES	(sizeof(regexes) / sizeof(*regexes))

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The last key of a first page, to go on after; none: what was searched for. */
static void
find_last(const struct table *table, const struct run *run,
    const struct text *text, struct text *last)
{
	const struct search_query query = { .way = run->way, .key = text->p,
	    .key_len = text->len, .limit = run->limit };
	struct search *search = search_new(&table, 1, &query);
	const struct search_match *list;
	struct table_entry entry;
	size_t n;
	bool more;

	while (search_step(search, SLICE_US) == SEARCH_MORE)
		;
	*last = *text;
	if ((n = search_matches(search, &list, &more)) > 0) {
		table_entry(table, list[n - 1].id, &entry);
		last->len = entry.shown_len;
		memcpy(last->p, entry.shown, entry.shown_len);
	}
	search_free(search);
}

static void
run_one(const struct table *table, const char *name, const struct run *run)
{
	size_t n = run->make == NULL ? REGEXES : queries, found = 0, more = 0;
	struct text *texts = calloc(n, sizeof(*texts));
	struct text *after = calloc(n, sizeof(*after));
	double *times = calloc(n, sizeof(*times)), cpu;
	size_t count = table_count(table), stride = count / n + 1, at = 0;
	struct table_entry entry;
	table_id id = TABLE_NO_ID;

	if (texts == NULL || after == NULL || times == NULL)
		err(71, NULL);
	/* Keys from all over the table, then in no order. */
	for (size_t i = 0; i < n && run->make != NULL; i++) {
		do {
			if (!table_next(table, &id, &entry)) {
				id = TABLE_NO_ID;
				table_next(table, &id, &entry);
			}
		} while (at++ % stride != 0 || entry.key_len < 5 ||
		    entry.key_len > PHRASE_MAX - 4);
		texts[i].len = entry.key_len;
		memcpy(texts[i].p, entry.key, entry.key_len);
		run->make(&texts[i]);
	}
	for (size_t i = n; i > 1 && run->make != NULL; i--) {
		size_t j = phrase_rnd((unsigned int)i);
		struct text text = texts[j];

		texts[j] = texts[i - 1];
		texts[i - 1] = text;
	}
	for (size_t i = 0; i < n && run->next; i++)
		find_last(table, run, &texts[i], &after[i]);
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	for (size_t i = 0; i < n; i++) {
		const char *key = run->make == NULL ? regexes[i] : texts[i].p;
		const struct search_query query = { .way = run->way,
			.key = key, .key_len = run->make == NULL ?
			strlen(key) : texts[i].len,
			.distance = run->distance, .limit = run->limit,
			.fill = suggests, .after = after[i].p,
			.after_len = after[i].len };
		double start = now(CLOCK_MONOTONIC);
		struct search *search = search_new(&table, 1, &query);
		const struct search_match *list;
		enum search_result result;
		bool is_more;

		do
			result = search_step(search, SLICE_US);
		while (result == SEARCH_MORE);
		if (result != SEARCH_DONE)
			errx(1, "%s: %.*s: %d", run->name, (int)query.key_len,
			    key, (int)result);
		found += search_matches(search, &list, &is_more);
		more += is_more;
		search_free(search);
		times[i] = now(CLOCK_MONOTONIC) - start;
		if (getenv("VERBOSE") != NULL && run->make == NULL)
			fprintf(stderr, "%8.1f us %s\n", times[i], key);
	}
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	qsort(times, n, sizeof(*times), compare);
	printf("%s\n  {\"table\": \"%s\", \"way\": \"%s\", \"limit\": %u, "
	    "\"queries\": %zu, \"cpu_us_mean\": %.2f, \"us_median\": %.2f, "
	    "\"us_p99\": %.2f, \"us_max\": %.2f, \"matches_mean\": %.1f, "
	    "\"more\": %zu}", first ? "" : ",", name, run->name, run->limit,
	    n, cpu / (double)n, times[n / 2], times[n * 99 / 100],
	    times[n - 1], (double)found / (double)n, more);
	fflush(stdout);
	first = false;
	free(texts);
	free(after);
	free(times);
}

/* Bytes of the keys that were added last, and with their answers. */
static size_t indexed[2];

/* A line's key, and its answer as a table has it. */
static bool
take_line(const char *line, size_t len, enum kind kind, struct text *key,
    const char **answer, size_t *answer_len)
{
	static char escaped[6 * ANSWER_MAX];
	const char *tab = kind == KIND_TSV ? memchr(line, '\t', len) : NULL;
	size_t key_len;

	len -= line[len - 1] == '\n';
	key_len = tab != NULL ? (size_t)(tab - line) : len;
	if (key_len == 0 || key_len >= PHRASE_MAX)
		return false;
	memcpy(key->p, line, key_len);
	key->len = key_len;
	if (tab != NULL && len - key_len - 1 <= ANSWER_MAX) {
		*answer = escaped;
		*answer_len = appmsg_escape(tab + 1, len - key_len - 1,
		    escaped, sizeof(escaped));
	}
	return true;
}

static struct table *
build(const char *name, enum kind kind, const char *path, size_t n,
    unsigned int ways)
{
	struct table_options options = { .name = name, .ways = ways,
	    .duplicates = TABLE_DUPLICATES_FIRST };
	struct problems problems = PROBLEMS_INIT;
	FILE *f = path != NULL ? fopen(path, "r") : NULL;
	size_t bytes, size = 0;
	struct table_builder *builder;
	struct table_segment *segment;
	struct table *table;
	char *line = NULL;
	double start, finish_cpu;
	ssize_t len;

	memset(indexed, 0, sizeof(indexed));
	if (f == NULL && path != NULL)
		err(66, "%s", path);
	bytes = path != NULL ? (size_t)1 << 30 :
	    n * TABLE_ENTRY_ROOM(PHRASE_MAX, 1);
	if ((builder = table_builder_new(&options, bytes)) == NULL ||
	    (segment = table_builder_segment(builder, name, bytes)) == NULL)
		err(71, "table");
	for (size_t i = 0; path != NULL || i < n; i++) {
		struct text text = { .len = 0 };
		const char *answer = "v";
		size_t answer_len = 1;

		if (path != NULL) {
			if ((len = getline(&line, &size, f)) <= 0)
				break;
			if (!take_line(line, (size_t)len, kind, &text,
			    &answer, &answer_len))
				continue;
		} else if (kind == KIND_NUMBERS) {
			text.len = (size_t)snprintf(text.p, sizeof(text.p),
			    "key:%012zu", i);
		} else if (kind == KIND_PHRASES) {
			phrase_make(&text);
		} else {
			while (text.len < 16)
				text.p[text.len++] = (char)('a' + phrase_rnd(26));
		}
		if (table_segment_add(segment, text.p, text.len, answer,
		    answer_len, (unsigned int)i + 1) == -1)
			err(71, "add");
		indexed[0] += text.len;
		indexed[1] += text.len + answer_len;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	start = now(CLOCK_MONOTONIC);
	finish_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	table = table_builder_finish(builder, 2, &problems);
	if (table == NULL) {
		problems_print(&problems, stderr);
		exit(71);
	}
	printf("%s\n  {\"table\": \"%s\", \"ways\": %u, \"keys\": %zu, "
	    "\"finish_seconds\": %.3f, \"finish_cpu_seconds\": %.3f, "
	    "\"index_bytes\": %zu}", first ? "" : ",", name, ways,
	    table_count(table), (now(CLOCK_MONOTONIC) - start) / 1e6,
	    (now(CLOCK_PROCESS_CPUTIME_ID) - finish_cpu) / 1e6,
	    table_index(table) == NULL ? 0 :
	    index_memory(table_index(table)));
	fflush(stdout);
	first = false;
	return table;
}

static const struct run runs_words[] = {
	{ "exact", TABLE_EXACT, 0, 1000, make_exact, false },
	{ "prefix", TABLE_PREFIX, 0, 1000, make_prefix, false },
	{ "suffix", TABLE_SUFFIX, 0, 1000, make_suffix, false },
	{ "substring", TABLE_SUBSTRING, 0, 1000, make_substring, false },
	{ "fuzzy 1", TABLE_FUZZY, 1, 1000, make_edit, false },
	{ "fuzzy 2", TABLE_FUZZY, 2, 1000, make_edits, false },
	{ "regex", TABLE_REGEX, 0, 1000, NULL, false },
	{ "prefix, next page", TABLE_PREFIX, 0, 10, make_prefix, true },
	{ "suffix, next page", TABLE_SUFFIX, 0, 10, make_suffix, true },
	{ "substring, next page", TABLE_SUBSTRING, 0, 10, make_substring, true },
	/* As no client can ask for: without a limit. */
	{ "prefix", TABLE_PREFIX, 0, 1000000, make_prefix, false },
	{ "suffix", TABLE_SUFFIX, 0, 1000000, make_suffix, false },
	{ "substring", TABLE_SUBSTRING, 0, 1000000, make_substring, false },
	{ "regex", TABLE_REGEX, 0, 1000000, NULL, false }
};

static const struct run runs_synthetic[] = {
	{ "exact", TABLE_EXACT, 0, 10, make_exact, false },
	{ "prefix", TABLE_PREFIX, 0, 10, make_prefix, false },
	{ "long prefix", TABLE_PREFIX, 0, 10, make_long_prefix, false },
	{ "suffix", TABLE_SUFFIX, 0, 10, make_suffix, false },
	{ "substring", TABLE_SUBSTRING, 0, 10, make_substring, false },
	{ "fuzzy 1", TABLE_FUZZY, 1, 10, make_edit, false },
	{ "fuzzy 2", TABLE_FUZZY, 2, 10, make_edits, false },
	{ "regex", TABLE_REGEX, 0, 10, NULL, false },
	{ "prefix, next page", TABLE_PREFIX, 0, 10, make_prefix, true },
	{ "suffix, next page", TABLE_SUFFIX, 0, 10, make_suffix, true },
	{ "substring, next page", TABLE_SUBSTRING, 0, 10, make_substring, true }
};

static const struct run runs_phrases[] = {
	{ "words, a word", TABLE_WORDS, 0, 10, make_word, false },
	{ "words, two common", TABLE_WORDS, 0, 10, make_common, false },
	{ "words, common and begun", TABLE_WORDS, 0, 10, make_typed,
	    false },
	{ "words, a letter", TABLE_WORDS, 0, 10, make_letter, false },
	{ "words, a letter, not first", TABLE_WORDS, 0, 10,
	    make_inner_letter, false },
	{ "text, two common", TABLE_TEXT, 0, 10, make_common, false },
	{ "text, common and begun", TABLE_TEXT, 0, 10, make_typed, false },
	{ "text, a letter", TABLE_TEXT, 0, 10, make_letter, false }
};

/* Distances are those that requests have for such values. */
static const struct run runs_suggest[] = {
	{ "suggest", TABLE_FUZZY, 3, 5, make_edits, false },
	{ "suggest, first word", TABLE_FUZZY, 3, 5, make_begun, false },
	{ "suggest, three letters", TABLE_FUZZY, 1, 5, make_initials, false }
};

/* What the indexes of words take, for each byte of what they index. */
static void
measure_sizes(const char *path)
{
	const unsigned int ways[] = { TABLE_WAY(TABLE_PREFIX),
		TABLE_WAY(TABLE_WORDS), TABLE_WAY(TABLE_TEXT) };
	size_t bytes[3], of[2] = { 0, 0 };

	for (size_t i = 0; i < 3; i++) {
		struct table *table = build(path, KIND_TSV, path, 0, ways[i]);

		bytes[i] = index_memory(table_index(table));
		memcpy(of, indexed, sizeof(of));
		table_unref(table);
	}
	printf(",\n  {\"table\": \"%s\", \"key_bytes\": %zu, "
	    "\"key_and_answer_bytes\": %zu, \"words_to_keys\": %.3f, "
	    "\"text_to_all\": %.3f}", path, of[0], of[1],
	    (double)(bytes[1] - bytes[0]) / (double)of[0],
	    (double)(bytes[2] - bytes[0]) / (double)of[1]);
}

static void
measure(const char *name, enum kind kind, const char *path, size_t n,
    unsigned int ways, const struct run *runs, size_t runs_n)
{
	struct table *table = build(name, kind, path, n, ways);

	for (size_t i = 0; i < runs_n; i++)
		if (ways & TABLE_WAY(runs[i].way))
			run_one(table, name, &runs[i]);
	table_unref(table);
}

/* Suggestions for names of some words, and for words. */
static void
measure_suggestions(const char *words, size_t n)
{
	const unsigned int ways = TABLE_WAY(TABLE_PREFIX) |
	    TABLE_WAY(TABLE_SUBSTRING) | TABLE_WAY(TABLE_FUZZY);
	const size_t runs_n = sizeof(runs_suggest) / sizeof(*runs_suggest);

	suggests = true;
	measure("phrases", KIND_PHRASES, NULL, n, ways, runs_suggest, runs_n);
	measure("words", KIND_WORDS, words, 0, ways, runs_suggest, runs_n);
	measure("random", KIND_RANDOM, NULL, n, ways, runs_suggest, runs_n);
	suggests = false;
}

int
main(int argc, char *argv[])
{
	const unsigned int all = TABLE_WAY(TABLE_WAYS) - 1;
	const unsigned int no_suffixes = all & ~(TABLE_WAY(TABLE_SUFFIX) |
	    TABLE_WAY(TABLE_SUBSTRING));
	const char *words = "/usr/share/dict/american-english-huge";
	const char *tsv = NULL;
	size_t n = 1000000;
	bool only = false;
	int c;

	while ((c = getopt(argc, argv, "n:q:st:w:")) != -1) {
		switch (c) {
		case 'n':
			n = strtoul(optarg, NULL, 10);
			break;
		case 'q':
			queries = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 's':
			only = true;
			break;
		case 't':
			tsv = optarg;
			break;
		case 'w':
			words = optarg;
			break;
		default:
			fprintf(stderr, "usage: search [-s] [-n keys] "
			    "[-q queries] [-t tsv] [-w words]\n");
			return 64;
		}
	}
	printf("[");
	if (tsv != NULL) {
		measure_sizes(tsv);
		printf("\n]\n");
		return 0;
	}
	phrase_read(words);
	measure_suggestions(words, n);
	if (only) {
		printf("\n]\n");
		return 0;
	}
	measure("phrases", KIND_PHRASES, NULL, n, TABLE_WAY(TABLE_WORDS) |
	    TABLE_WAY(TABLE_TEXT), runs_phrases,
	    sizeof(runs_phrases) / sizeof(*runs_phrases));
	measure("words", KIND_WORDS, words, 0, all, runs_words,
	    sizeof(runs_words) / sizeof(*runs_words));
	measure("random", KIND_RANDOM, NULL, n, all, runs_synthetic,
	    sizeof(runs_synthetic) / sizeof(*runs_synthetic));
	measure("numbers", KIND_NUMBERS, NULL, n, all, runs_synthetic,
	    sizeof(runs_synthetic) / sizeof(*runs_synthetic));
	measure("random, no suffixes", KIND_RANDOM, NULL, n, no_suffixes,
	    runs_synthetic, sizeof(runs_synthetic) / sizeof(*runs_synthetic));
	measure("numbers, no suffixes", KIND_NUMBERS, NULL, n, no_suffixes,
	    runs_synthetic, sizeof(runs_synthetic) / sizeof(*runs_synthetic));
	printf("\n]\n");
	return 0;
}
