/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A load: all files are looked at and cut into jobs, every job gets a segment
 * that is surely large enough, threads take jobs until none is left.  Then
 * the lines of the ranges are added up, and everything that was wrong is
 * told, in the order of files and lines.
 */

#include "config.h"

#include "daemon/source/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "daemon/source/source_csv.h"
#include "daemon/source/source_job.h"
#include "daemon/table/fold.h"
#include "daemon/table/origin.h"
#include "daemon/thread/crew.h"

/*
 * The most that a range becomes in the arena.  A value grows to 6 times its
 * bytes at most (a control character to \u001f), a key to 4 times (itself,
 * and 3 when it folds); an entry's at most 10 bytes of numbers, 16 in a .cdb
 * that is mapped, are less than 6 times the bytes around key and answer in
 * any format, but for a last line without its end.
 */
#define JOB_ROOM(bytes)	(6 * (size_t)(bytes) + 64)

static void
job_work(unsigned int number, void *arg)
{
	struct source_load *load = arg;
	size_t i;

	while ((i = atomic_fetch_add(&load->next_job, 1)) < load->n_jobs) {
		struct source_job *job = &load->jobs[i];

		job->in_caller = number == 0;
		if (source_file_open(job) == 0)
			job->file->format->load(job);
		source_file_close(job);
		free(job->scratch.p);
		free(job->escaped.p);
	}
}

static const struct source_format *const formats[] = {
	&source_tsv, &source_csv, &source_json, &source_jsonl, &source_cdb
};

static const struct source_format *
format_find(const char *path, int (*compare)(const char *, const char *))
{
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		size_t n = strlen(formats[i]->ending);

		if (len > n && compare(path + len - n,
		    formats[i]->ending) == 0)
			return formats[i];
	}
	return NULL;
}

static const char *
why_not(const char *path)
{
	return format_find(path, strcasecmp) != NULL ?
	    "its ending is not in small letters" :
	    "its name ends in none of .tsv .csv .json .jsonl .cdb";
}

static int
load_look(struct source_load *load)
{
	const struct source *source = load->source;

	load->files = calloc(source->n_paths + 1, sizeof(*load->files));
	if (load->files == NULL)
		return -1;
	for (size_t i = 0; i < source->n_paths; i++) {
		struct source_file *file = &load->files[i];

		file->path = source->paths[i];
		file->fd = -1;
		pthread_mutex_init(&file->lock, NULL);
		file_look(file->path, &file->look);
	}
	return 0;
}

static void
origin_word(struct origin_sum *sum, const char *word)
{
	origin_bytes(sum, word, word != NULL ? strlen(word) + 1 : 0);
}

static void
origin_columns(struct origin_sum *sum, const struct table_columns *columns)
{
	if (columns == NULL)
		return;
	origin_word(sum, columns->key);
	origin_word(sum, columns->answer);
	origin_word(sum, columns->weight);
	origin_number(sum, (unsigned char)columns->separator);
	origin_number(sum, columns->header);
}

/* What decides how the table comes out; of files that were opened. */
static struct origin
load_origin(const struct source_load *load)
{
	const struct table_options *options = &load->source->options;
	struct origin_sum sum;

	origin_start(&sum);
	origin_number(&sum, options->ways);
	origin_number(&sum, options->duplicates);
	origin_number(&sum, options->fold);
	origin_number(&sum, options->marks);
	origin_number(&sum, options->mapped);
	origin_columns(&sum, load->source->columns);
	for (size_t i = 0; i < load->source->n_paths; i++) {
		const struct source_file *file = &load->files[i];

		origin_file(&sum, file->path, &file->look.sb, file->look.sure);
	}
	return origin_end(&sum);
}

/*
 * Whether the files are those of the old table, as it read them.  They are
 * opened all the same: one that may not be read any more is a problem, and a
 * file system of the network says only then how a file is.
 */
static bool
load_is_old(struct source_load *load)
{
	const struct source *source = load->source;
	const char *why;

	if (source->options.old == NULL)
		return false;
	for (size_t i = 0; i < source->n_paths; i++) {
		struct source_file *file = &load->files[i];
		int fd = file_open(file->path, &file->look, &why);

		if (fd == -1)
			return false;	/* whoever reads it says so */
		close(fd);
	}
	return origin_is_same(load_origin(load),
	    table_origin(source->options.old));
}

static void
load_plan(struct source_load *load)
{
	const struct source *source = load->source;

	for (size_t i = 0; i < source->n_paths; i++) {
		struct source_file *file = &load->files[i];

		if ((file->format = format_find(file->path, strcmp)) != NULL)
			source_plan(load, file);
		else
			file->why = why_not(file->path);
	}
}

/* The addresses that a job's segment needs, at most. */
static size_t
job_room(const struct source_job *job)
{
	size_t bytes = (size_t)(job->to - job->from);
	bool mapped = job->load->source->options.mapped;

	if (job->file->csv != NULL)
		return source_csv_room(job->file->csv, bytes);
	return JOB_ROOM(bytes) + (mapped ? TABLE_MAP_ROOM(bytes) : 0);
}

/* A builder with a segment for each job. */
static struct table_builder *
load_builder(struct source_load *load)
{
	struct table_options options = load->source->options;
	struct table_builder *b;
	size_t bytes = 0;

	for (size_t i = 0; i < load->n_jobs; i++)
		bytes += TABLE_SEGMENT_ROOM(job_room(&load->jobs[i]));
	options.said_file = load->source->said_file;
	options.said_line = load->source->said_line;
	b = table_builder_new(&options, bytes);
	if (b == NULL)
		return NULL;
	for (size_t i = 0; i < load->n_jobs; i++) {
		struct source_job *job = &load->jobs[i];

		job->segment = table_builder_segment(b, job->file->path,
		    job_room(job));
		if (job->segment == NULL) {
			table_builder_free(b);
			return NULL;
		}
	}
	return b;
}

static void
file_problem(const struct source *source, const char *path, const char *text,
    struct problems *problems)
{
	problems_add_of(problems, path, source->said_file, source->said_line,
	    "%s: %s", path, text);
}

/* Tell what a job complained about; its lines start behind line before. */
static void
job_problems(const struct source_load *load, const struct source_job *job,
    unsigned int before, struct problems *problems)
{
	for (size_t i = 0; i < job->n_complaints; i++) {
		const struct source_complaint *c = &job->complaints[i];

		if (c->line == 0)
			file_problem(load->source, job->file->path, c->text,
			    problems);
		else
			problems_add(problems, job->file->path,
			    before + c->line, "%s", c->text);
	}
	problems_more(problems, job->file->path, job->dropped);
}

/* What is wrong with the files, and which lines the segments have. */
static void
load_settle(struct source_load *load, struct problems *problems)
{
	unsigned int before = 0, blank = 0;

	for (size_t i = 0; i < load->source->n_paths; i++)
		if (load->files[i].why != NULL)
			file_problem(load->source, load->files[i].path,
			    load->files[i].why, problems);
	for (size_t i = 0; i < load->n_jobs; i++) {
		const struct source_job *job = &load->jobs[i];

		if (i > 0 && job->file != load->jobs[i - 1].file)
			before = blank = 0;
		/* Empty lines are allowed at the end of a file only. */
		if (blank == 0 && job->blank_start != 0)
			blank = before + job->blank_start;
		if (blank != 0 && job->has_content)
			problems_add(problems, job->file->path, blank,
			    "%s", "an empty line");
		if (job->has_content)
			blank = 0;
		if (blank == 0 && job->blank != 0)
			blank = before + job->blank;
		job_problems(load, job, before, problems);
		table_segment_set_line(job->segment, before + 1);
		before += job->lines;
	}
}

/* Forget what was planned, and what came of it. */
static void
load_forget(struct source_load *load)
{
	for (size_t i = 0; i < load->n_jobs; i++) {
		for (size_t j = 0; j < load->jobs[i].n_complaints; j++)
			free(load->jobs[i].complaints[j].text);
		free(load->jobs[i].complaints);
	}
	load->n_jobs = 0;
	load->all = 0;
	load->done = 0;
	load->next_job = 0;
	for (size_t i = 0; load->files != NULL &&
	    i < load->source->n_paths; i++) {
		source_csv_free(load->files[i].csv);
		load->files[i].csv = NULL;
		load->files[i].why = NULL;
	}
}

static void
load_clear(struct source_load *load)
{
	load_forget(load);
	for (size_t i = 0; load->files != NULL &&
	    i < load->source->n_paths; i++)
		pthread_mutex_destroy(&load->files[i].lock);
	free(load->files);
	free(load->jobs);
}

/*
 * Whether files must be read again, since they were cut in the wrong places:
 * they then are not.
 */
static bool
load_is_wrong(struct source_load *load)
{
	bool wrong = false;

	for (size_t i = 0; i < load->source->n_paths; i++) {
		struct source_file *file = &load->files[i];

		file->whole |= file->cut_wrong;
		wrong |= file->cut_wrong;
		file->cut_wrong = false;
	}
	return wrong;
}

static void
load_failed(const struct source *source, struct problems *problems)
{
	problems_add(problems, source->said_file, source->said_line,
	    "table %s: %s", source->options.name, strerror(errno));
}

/* Make jobs, and fill a segment with each.  NULL with errno. */
static struct table_builder *
load_fill(struct source_load *load, unsigned int threads)
{
	struct table_builder *b;

	load_plan(load);
	if ((b = load_builder(load)) == NULL)
		return NULL;
	crew_run(load->n_jobs < threads ? (unsigned int)load->n_jobs :
	    threads, job_work, load);
	if (!load_is_wrong(load))
		return b;
	table_builder_free(b);
	load_forget(load);
	return load_fill(load, threads);
}

static struct table *
load_table(struct source_load *load, unsigned int threads,
    struct problems *problems)
{
	const struct source_progress *progress = load->progress;
	size_t before = problems_count(problems);
	struct table_builder *b = load_fill(load, threads);
	struct table *t;

	if (b == NULL) {
		load_failed(load->source, problems);
		return NULL;
	}
	if (load->source->files != NULL)
		load->source->files->read += load->source->n_paths;
	load_settle(load, problems);
	if (problems_count(problems) != before) {
		table_builder_check(b, threads, problems);
		return NULL;
	}
	/* The last blocks may have been read by other threads. */
	if (progress != NULL && load->all > 0)
		progress->cb(load->source->options.name, load->all, load->all,
		    progress->arg);
	t = table_builder_finish(b, threads, problems);
	if (t != NULL)
		table_set_origin(t, load_origin(load));
	return t;
}

bool
source_can_fold(const struct table_options *options,
    struct problems *problems)
{
	if (!options->fold || fold_available())
		return true;
	problems_add(problems, options->said_file, options->said_line,
	    "table %s: fold=yes needs an appmsgd that was built with "
	    "libutf8proc", options->name);
	return false;
}

struct table *
source_load(const struct source *source, unsigned int threads,
    const struct source_progress *progress, struct problems *problems)
{
	struct source_load load = { .source = source, .progress = progress };
	struct table *t = NULL;

	if (!source_can_fold(&source->options, problems))
		return NULL;
	if (source->files != NULL)
		source->files->all += source->n_paths;
	if (load_look(&load) != 0) {
		load_failed(source, problems);
	} else if (load_is_old(&load)) {
		t = table_ref(source->options.old);
	} else {
		t = load_table(&load, threads, problems);
	}
	load_clear(&load);
	return t;
}
