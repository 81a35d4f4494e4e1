/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Files with suspicion: only regular ones, opened so that nothing blocks.
 * Large ones that are made of lines are cut into ranges at the ends of lines,
 * the same whatever the threads.
 */

#include "config.h"

#include "daemon/source/source_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/encoding.h"
#include "daemon/base/file.h"

#define LOOK_LEN	4096	/* bytes read at once to find a line's end */

static int
job_add(struct source_load *load, struct source_file *file, uint64_t from,
    uint64_t to)
{
	struct source_job *jobs;
	size_t cap;

	if (load->n_jobs == load->cap_jobs) {
		cap = load->cap_jobs == 0 ? 8 : 2 * load->cap_jobs;
		jobs = reallocarray(load->jobs, cap, sizeof(*jobs));
		if (jobs == NULL)
			return -1;
		load->jobs = jobs;
		load->cap_jobs = cap;
	}
	load->jobs[load->n_jobs++] = (struct source_job){ .load = load,
	    .file = file, .from = from, .to = to };
	file->jobs_left++;
	load->all += to - from;
	return 0;
}

ssize_t
source_peek(int fd, void *buf, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
		    (off_t)(at + done));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
source_line_start(const struct source_file *file, int fd, uint64_t from,
    uint64_t at, uint64_t size, uint64_t *start)
{
	char buf[LOOK_LEN], *p;

	(void)file;
	(void)from;
	for (*start = at; *start < size;) {
		ssize_t n = source_peek(fd, buf, sizeof(buf), *start);

		if (n == -1)
			return -1;
		if (n == 0)
			break;
		if ((p = memchr(buf, '\n', (size_t)n)) != NULL) {
			*start += (uint64_t)(p - buf) + 1;
			return 0;
		}
		*start += (uint64_t)n;
	}
	*start = size;
	return 0;
}

static int
cut(struct source_load *load, struct source_file *file, int fd)
{
	uint64_t size = (uint64_t)file->look.sb.st_size, from, to;
	uint64_t part = size / source_tuning.parts + 1;

	if (part < source_tuning.part_min)
		part = source_tuning.part_min;
	for (from = 0; file->format->cut != NULL && !file->whole &&
	    size - from > part; from = to) {
		if (file->format->cut(file, fd, from, from + part - 1,
		    size, &to) != 0 || job_add(load, file, from, to) != 0)
			return -1;
	}
	if ((from < size || size == 0) && job_add(load, file, from, size) != 0)
		return -1;
	file->is_cut = file->jobs_left > 1;
	return 0;
}

static void
wide_load(struct source_job *job)
{
	source_complain(job, 1, "%s", job->file->wide);
}

/* Of a file in UTF-16 that is all to say, not each of its lines. */
static const struct source_format wide = { .ending = "",
    .load = wide_load };

static int
look_for_wide(struct source_file *file, int fd)
{
	uint64_t size = (uint64_t)file->look.sb.st_size;
	char start[ENCODING_LOOK];
	size_t len = size < sizeof(start) ? (size_t)size : sizeof(start);
	ssize_t n = source_peek(fd, start, len, 0);

	if (n == -1 || (size_t)n < len) {
		file->why = n == -1 ? strerror(errno) :
		    "it was cut short during the load";
		return -1;
	}
	if ((file->wide = encoding_utf16(start, len)) != NULL)
		file->format = &wide;
	return 0;
}

int
source_plan(struct source_load *load, struct source_file *file)
{
	int fd, error = -1;

	if (load->source->options.mapped && !file->format->mappable)
		file->why = "mmap=yes is for .cdb files only";
	fd = file->why != NULL ? -1 : file_open(file->path, &file->look,
	    &file->why);
	if (fd == -1) {
		file->format = NULL;
		return -1;
	}
	if ((file->format->mappable || look_for_wide(file, fd) == 0) &&
	    (file->format->open == NULL ||
	    file->format->open(load, file, fd) == 0))
		error = cut(load, file, fd);
	if (error != 0 && file->why == NULL)
		file->why = strerror(errno);
	close(fd);
	return file->why == NULL ? 0 : -1;
}
