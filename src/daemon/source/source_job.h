/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef SOURCE_JOB_H
#define SOURCE_JOB_H

/*
 * What the readers of the formats share; nobody else includes this.
 *
 * A job is a range of one file that becomes one segment.  Several threads
 * take jobs at once, so what a job finds wrong is kept with it until all have
 * ended, and lines are those of its range until then.
 */

#include <sys/types.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/file.h"
#include "daemon/source/source.h"

struct source_csv;
struct source_file;
struct source_job;
struct source_load;

struct source_format {
	const char *ending;
	void (*load)(struct source_job *);
	/* Where the first line behind at starts, of those from a line's start
	 * on; -1 with errno.  NULL: it cannot be cut. */
	int (*cut)(const struct source_file *, int fd, uint64_t from,
	    uint64_t at, uint64_t size, uint64_t *start);
	/* Look at what a file begins with, before it is cut; -1 with errno.
	 * NULL: there is nothing to know. */
	int (*open)(const struct source_load *, struct source_file *, int fd);
	bool mappable;		/* has keys and answers as they are kept */
};

extern const struct source_format source_tsv, source_csv, source_json,
    source_jsonl, source_cdb;

struct source_file {
	const char *path;		/* borrowed */
	const struct source_format *format;	/* NULL: not to be loaded */
	const char *wide;		/* static: that it is UTF-16, or NULL */
	struct file_look look;		/* how it was when jobs were made */
	struct source_csv *csv;		/* owned: what source_csv.h says */
	bool whole;			/* must not be cut */
	bool is_cut;			/* has several jobs */
	atomic_bool cut_wrong;		/* and should not: again, whole */
	pthread_mutex_t lock;		/* for what follows */
	int fd;				/* open while jobs are at work */
	size_t jobs_left;
	const char *why;		/* static; the first failure as a whole */
};

struct source_complaint {
	unsigned int line;	/* of the range, from 1; 0: of no line */
	char *text;		/* owned */
};

struct source_load {
	const struct source *source;
	const struct source_progress *progress;	/* may be NULL */
	struct source_file *files;	/* owned; one a path */
	struct source_job *jobs;	/* owned; in order */
	size_t n_jobs;
	size_t cap_jobs;
	uint64_t all;			/* bytes of all jobs */
	atomic_size_t next_job;
	atomic_ullong done;		/* bytes read */
};

/* Memory that is used again and again. */
struct source_room {
	char *p;		/* owned */
	size_t cap;
};

struct source_job {
	struct source_load *load;
	struct source_file *file;
	uint64_t from, to;		/* bytes of the file */
	struct table_segment *segment;
	bool in_caller;			/* runs where progress may be told */
	bool failed;			/* nothing more is to be done */
	unsigned int lines;		/* that the range has */
	/* .csv, .jsonl: the first of the empty lines at the range's end, and of
	 * those before its first other line; 0: none */
	unsigned int blank;
	unsigned int blank_start;
	bool has_content;		/* likewise: a line that is not empty */
	struct source_complaint *complaints;	/* owned */
	size_t n_complaints;
	size_t dropped;			/* beyond PROBLEMS_FILE_MAX */
	uint32_t weight;		/* of the entry that is added next; 0
					   again once it is */
	struct source_room scratch;	/* of source_scratch() */
	struct source_room escaped;	/* of source_add_text() */
};

/*
 * Sizes that tests make small, so that every cut is tried.
 */
struct source_tuning {
	uint64_t part_min;	/* bytes of a range, at least */
	unsigned int parts;	/* that a file is cut into, at most */
	size_t block;		/* bytes read at once */
	size_t line_max;	/* bytes of a line */
};
extern struct source_tuning source_tuning;

/*
 * Say what is wrong with a line of the job's range; 0: with the file, but in
 * a way that its directive's place, path and the text tell.
 */
void source_complain(struct source_job *, unsigned int line, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * Give up a file.
 *
 * why  static; the first one of a file counts
 */
void source_fail(struct source_job *, const char *why);

/*
 * Add an entry whose key may have any length and whose value is ready for the
 * table; complains if it cannot be.
 */
void source_add(struct source_job *, const char *key, size_t key_len,
    const char *value, size_t value_len, unsigned int line);

/*
 * The same with a value that is still to be JSON-escaped.
 */
void source_add_text(struct source_job *, const char *key, size_t key_len,
    const char *text, size_t text_len, unsigned int line);

/*
 * Memory for a while: until the next call with the job.
 *
 * Returns at least len bytes, or NULL after source_fail().
 */
char *source_scratch(struct source_job *, size_t len);

/*
 * Whether text has nothing to be escaped in JSON, no backslash and only
 * UTF-8: most text is, and then is its own escaped form.
 */
bool source_is_plain(const char *text, size_t len);

/* A range of a file, read block by block. */
struct source_reader {
	struct source_job *job;
	uint64_t at, to;	/* what is still to be read */
	char *buf;		/* owned */
	size_t cap;
	size_t start, end;	/* of what is read and not taken */
};

/*
 * Start to read a range; the reader is zeroed, or was used before.
 */
void source_reader_init(struct source_reader *, struct source_job *,
    uint64_t from, uint64_t to);

void source_reader_clear(struct source_reader *);

/*
 * Read more behind what is there.  Moves buf and what is in it.
 *
 * Returns 1; 0 at the end of the range; -1 after source_fail().
 */
int source_reader_fill(struct source_reader *);

/*
 * Have len bytes, that the range is known to have, behind each other.
 *
 * Returns them, until the next call; or NULL after source_fail().
 */
const char *source_reader_need(struct source_reader *, size_t len);

/*
 * Complain of a byte order mark at the start of a file's first line.
 *
 * Returns how many bytes to pass over: 3, or 0 where there is none.
 */
size_t source_mark(struct source_job *, const char *text, size_t len);

/*
 * Hand each line of the job's range, without its end (LF or CR LF), to a
 * function; counts them in job->lines, which is the line's number meanwhile.
 */
void source_lines(struct source_job *, void (*line_cb)(struct source_job *,
    const char *line, size_t len));

/*
 * Say that the line in hand, job->lines, is empty, or that it is not: empty
 * ones may stand at the end of a file only.
 */
void source_blank(struct source_job *);
void source_content(struct source_job *);

/*
 * Where the first line behind at starts: for formats that are cut so.
 */
int source_line_start(const struct source_file *, int fd, uint64_t from,
    uint64_t at, uint64_t size, uint64_t *start);

/*
 * Read some bytes of a file that is planned, at an offset: as many as there
 * are up to len.
 *
 * Returns how many, or -1 with errno.
 */
ssize_t source_peek(int fd, void *buf, size_t len, uint64_t at);

/*
 * Open and cut up a file whose format is set; source_plan.c.
 *
 * Returns 0, or -1 with file->why.
 */
int source_plan(struct source_load *, struct source_file *);

/*
 * A job's file for its time: opened by the first, closed by the last one,
 * with a look at whether it is still the one that was planned.
 *
 * Returns 0, or -1 after source_fail().
 */
int source_file_open(struct source_job *);
void source_file_close(struct source_job *);

#endif
