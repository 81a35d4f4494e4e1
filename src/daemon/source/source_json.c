/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * JSON in two shapes: .json is one object, whose members are the entries and
 * whose values are strings; .jsonl has an object on each line, with the
 * strings "key" and "answer", perhaps a number "weight", and whatever else
 * others need.
 *
 * A string without escapes already has the form that answers have in a table.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/encoding.h"
#include "daemon/base/quote.h"
#include "lib/appmsg.h"
#include "lib/scan.h"

#define RELEASE_STEP	((size_t)16 << 20)
#define LOOK_MAX	((size_t)4096)	/* bytes that tell an encoding */

static const char lone[] = "half a surrogate pair in";

/*
 * Add an entry, both strings of which are as in JSON.
 */
static void
json_add(struct source_job *job, const struct appmsg_str *key,
    const struct appmsg_str *answer, unsigned int line)
{
	bool escaped = (answer->flags & APPMSG_STR_ESCAPED) != 0;
	size_t key_len, len;
	char *out;

	if (((key->flags | answer->flags) & APPMSG_STR_ESCAPED) == 0) {
		source_add(job, key->raw, key->len, answer->raw, answer->len,
		    line);
		return;
	}
	out = source_scratch(job, key->len + (escaped ? answer->len : 0));
	if (out == NULL)
		return;
	if (appmsg_str_decode(key, out, key->len, &key_len) != 0) {
		source_complain(job, line, "%s a key", lone);
		return;
	}
	if (!escaped) {
		source_add(job, out, key_len, answer->raw, answer->len, line);
		return;
	}
	if (appmsg_str_decode(answer, out + key_len, answer->len, &len) != 0)
		source_complain(job, line, "%s an answer", lone);
	else
		source_add_text(job, out, key_len, out + key_len, len, line);
}

/* The whole range, owned by the caller; NULL after source_fail(). */
static char *
read_all(struct source_job *job, size_t *len)
{
	struct source_reader r = { .buf = NULL };
	int more;

	*len = (size_t)(job->to - job->from);
	if ((r.buf = malloc(*len + 1)) == NULL) {
		source_fail(job, strerror(ENOMEM));
		return NULL;
	}
	r.cap = *len + 1;
	source_reader_init(&r, job, job->from, job->to);
	while ((more = source_reader_fill(&r)) == 1)
		;
	if (more == 0)
		return r.buf;
	source_reader_clear(&r);
	return NULL;
}

/*
 * Give back the pages of the text that were read through, or a large file
 * and its table would be in memory together.
 */
static void
release(char *text, size_t *released, const uint8_t *upto)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), from = *released;
	size_t to = (size_t)(upto - (const uint8_t *)text);

	if (to - from < RELEASE_STEP)
		return;
	from += (page - (uintptr_t)(text + from) % page) % page;
	to -= (uintptr_t)(text + to) % page;
	(void)madvise(text + from, to - from, MADV_DONTNEED);
	*released = to;
}

/* How far the lines of a text are counted. */
struct counted {
	const uint8_t *upto;
	const uint8_t *line;		/* where the last one starts */
};

/* Lines are counted on from where they were counted up to before. */
static unsigned int
count_lines(struct source_job *job, struct counted *c, const uint8_t *to)
{
	const uint8_t *lf;

	while (c->upto < to &&
	    (lf = memchr(c->upto, '\n', (size_t)(to - c->upto))) != NULL) {
		job->lines++;
		c->upto = c->line = lf + 1;
	}
	c->upto = to;
	return job->lines + 1;
}

/* What the scanner says, or more where it has met with no UTF-8. */
static const char *
json_why(const struct scan *scan, size_t at)
{
	size_t len = (size_t)(scan->end - scan->p);
	const uint8_t *lf;

	if (len > LOOK_MAX)
		len = LOOK_MAX;
	if (len == 0 || scan_utf8(scan->p, len) != 0)
		return scan->why;
	if ((lf = memchr(scan->p, '\n', len)) != NULL)
		len = (size_t)(lf - scan->p);
	if (at > LOOK_MAX)
		at = 0;
	return encoding_not_utf8(scan->p - at, at + len);
}

/* A whole file may be one line: with the place. */
static void
json_complain(struct source_job *job, unsigned int line_number,
    const struct scan *scan, const void *line)
{
	size_t at = (size_t)(scan->p - (const uint8_t *)line);

	source_complain(job, line_number, "%s, at byte %zu",
	    json_why(scan, at), at + 1);
}

static void
json_load(struct source_job *job)
{
	const uint8_t *start;
	struct counted counted;
	struct appmsg_str name;
	struct scan_value value;
	struct scan scan;
	unsigned int line;
	char *text, key[QUOTE_SIZE];
	size_t len, released = 0, mark;

	if ((text = read_all(job, &len)) == NULL)
		return;
	mark = source_mark(job, text, len);
	start = counted.upto = counted.line = (const uint8_t *)text;
	scan_init_file(&scan, text + mark, len - mark);
	if (scan_object(&scan) == SCAN_OK)
		while (!job->failed && scan_member(&scan, &name) == SCAN_OK) {
			line = count_lines(job, &counted,
			    (const uint8_t *)name.raw);
			release(text, &released, counted.upto);
			if (scan_value(&scan, &value) != SCAN_OK)
				break;
			if (value.type == SCAN_STRING) {
				json_add(job, &name, &value.str, line);
				continue;
			}
			quote(key, name.raw, name.len);
			source_complain(job, line, "the answer of \"%s\" is "
			    "not a string", key);
		}
	if (!job->failed && scan_end(&scan) != SCAN_OK) {
		/* What misses at the end, misses in the last line. */
		while (scan.p == scan.end && scan.p > start &&
		    (scan.p[-1] == '\n' || scan.p[-1] == '\r'))
			scan.end = --scan.p;
		line = count_lines(job, &counted, scan.p);
		json_complain(job, line, &scan, counted.line);
	}
	free(text);
}

static bool
is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* A member that must be there and a string. */
static bool
check_member(struct source_job *job, const char *name,
    const struct scan_value *value)
{
	if (value->raw == NULL)
		source_complain(job, job->lines, "no \"%s\"; a line is "
		    "{\"key\": KEY, \"answer\": ANSWER}", name);
	else if (value->type != SCAN_STRING)
		source_complain(job, job->lines, "the \"%s\" is not a string",
		    name);
	return value->raw != NULL && value->type == SCAN_STRING;
}

/* A weight, which need not be there, for the entry that is added next. */
static bool
take_weight(struct source_job *job, const struct scan_value *value)
{
	int64_t weight = 0;

	if (value->raw != NULL && (value->type != SCAN_NUMBER ||
	    scan_integer(value, UINT32_MAX, &weight) != 0 || weight < 0)) {
		source_complain(job, job->lines, "the \"weight\" is not an "
		    "integer from 0 to 4294967295");
		return false;
	}
	job->weight = (uint32_t)weight;
	return true;
}

static void
jsonl_object(struct source_job *job, const char *line, size_t len)
{
	struct scan_value key = { .raw = NULL }, answer = { .raw = NULL };
	struct scan_value weight = { .raw = NULL }, value;
	struct appmsg_str name;
	struct scan scan;

	scan_init_file(&scan, line, len);
	if (scan_object(&scan) == SCAN_OK)
		while (scan_member(&scan, &name) == SCAN_OK) {
			if (scan_value(&scan, &value) != SCAN_OK)
				break;
			if (appmsg_str_eq(&name, "key", 3))
				key = value;
			else if (appmsg_str_eq(&name, "answer", 6))
				answer = value;
			else if (appmsg_str_eq(&name, "weight", 6))
				weight = value;
		}
	if (scan_end(&scan) != SCAN_OK)
		json_complain(job, job->lines, &scan, line);
	else if (check_member(job, "key", &key) &&
	    check_member(job, "answer", &answer) && take_weight(job, &weight))
		json_add(job, &key.str, &answer.str, job->lines);
}

static void
jsonl_line(struct source_job *job, const char *line, size_t len)
{
	if (is_blank(line, len)) {
		source_blank(job);
		return;
	}
	source_content(job);
	jsonl_object(job, line, len);
}

static void
jsonl_load(struct source_job *job)
{
	source_lines(job, jsonl_line);
}

const struct source_format source_json = { .ending = ".json",
    .load = json_load };
const struct source_format source_jsonl = { .ending = ".jsonl",
    .load = jsonl_load, .cut = source_line_start };
