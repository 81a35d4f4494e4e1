/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a job does while it works: its file, the same from the first look to
 * the last byte; what it adds, what it complains of, and the memory that it
 * uses again and again.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/problems.h"
#include "daemon/builder/builder.h"
#include "lib/appmsg.h"

static const char changed[] = "it changed during the load";

struct source_tuning source_tuning = {
	.part_min = (uint64_t)8 << 20,
	.parts = 32,
	.block = (size_t)256 << 10,
	.line_max = (size_t)64 << 20,
};

void
source_complain(struct source_job *job, unsigned int line, const char *fmt,
    ...)
{
	struct source_complaint *list, one = { .line = line };
	va_list ap;

	if (job->n_complaints == PROBLEMS_FILE_MAX) {
		job->dropped++;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&one.text, fmt, ap) == -1)
		one.text = NULL;
	va_end(ap);
	list = one.text == NULL ? NULL : reallocarray(job->complaints,
	    job->n_complaints + 1, sizeof(*list));
	if (list == NULL) {
		free(one.text);
		job->dropped++;
		return;
	}
	job->complaints = list;
	list[job->n_complaints++] = one;
}

static char *
room_get(struct source_job *job, struct source_room *room, size_t len)
{
	char *p;

	if (room->p != NULL && len <= room->cap)
		return room->p;
	len += len / 2 + 64;
	if ((p = realloc(room->p, len)) == NULL) {
		source_fail(job, strerror(ENOMEM));
		return NULL;
	}
	room->p = p;
	room->cap = len;
	return p;
}

char *
source_scratch(struct source_job *job, size_t len)
{
	return room_get(job, &job->scratch, len);
}

void
source_add(struct source_job *job, const char *key, size_t key_len,
    const char *value, size_t value_len, unsigned int line)
{
	const struct table_entry e = { .key = key, .key_len = key_len,
	    .value = value, .value_len = value_len };
	uint32_t weight = job->weight;

	job->weight = 0;
	if (key_len == 0 || key_len > TABLE_KEY_MAX)
		source_complain(job, line, "a key has 1 to %d bytes, not %zu",
		    TABLE_KEY_MAX, key_len);
	else if (table_segment_add_weighed(job->segment, &e, weight,
	    line) != 0)
		source_fail(job, strerror(errno));
}

void
source_add_text(struct source_job *job, const char *key, size_t key_len,
    const char *text, size_t text_len, unsigned int line)
{
	size_t len = appmsg_escape(text, text_len, job->escaped.p,
	    job->escaped.cap);

	if (job->escaped.p == NULL || len > job->escaped.cap) {
		if (room_get(job, &job->escaped, len) == NULL)
			return;
		appmsg_escape(text, text_len, job->escaped.p,
		    job->escaped.cap);
	}
	source_add(job, key, key_len, job->escaped.p, len, line);
}

void
source_blank(struct source_job *job)
{
	if (job->blank == 0)
		job->blank = job->lines;
}

void
source_content(struct source_job *job)
{
	/* Of those before all content, the range before must know more. */
	if (job->blank != 0 && !job->has_content)
		job->blank_start = job->blank;
	else if (job->blank != 0)
		source_complain(job, job->blank, "an empty line");
	job->blank = 0;
	job->has_content = true;
}

void
source_fail(struct source_job *job, const char *why)
{
	job->failed = true;
	pthread_mutex_lock(&job->file->lock);
	if (job->file->why == NULL)
		job->file->why = why;
	pthread_mutex_unlock(&job->file->lock);
}

int
source_file_open(struct source_job *job)
{
	struct source_file *file = job->file;
	struct file_look look = file->look;
	const char *why = NULL;

	pthread_mutex_lock(&file->lock);
	if (file->fd == -1) {
		file->fd = file_open(file->path, &look, &why);
		if (file->fd != -1 && !file_is_same(&look.sb, &file->look.sb))
			why = changed;
		if (file->fd != -1)
			(void)posix_fadvise(file->fd, 0, 0,
			    POSIX_FADV_SEQUENTIAL);
	}
	pthread_mutex_unlock(&file->lock);
	if (why != NULL)
		source_fail(job, why);
	return why == NULL ? 0 : -1;
}

void
source_file_close(struct source_job *job)
{
	struct source_file *file = job->file;
	const char *why = NULL;
	struct stat st;

	pthread_mutex_lock(&file->lock);
	if (--file->jobs_left == 0 && file->fd != -1) {
		if (fstat(file->fd, &st) == -1)
			why = strerror(errno);
		else if (!file_is_same(&st, &file->look.sb))
			why = changed;
		close(file->fd);
		file->fd = -1;
	}
	pthread_mutex_unlock(&file->lock);
	if (why != NULL)
		source_fail(job, why);
}
