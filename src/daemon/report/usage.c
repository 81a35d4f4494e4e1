/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * /proc/self is there even where a service sees no other process, and the
 * sandbox lets it be read.
 */

#include "config.h"

#include "daemon/report/usage.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/tell.h"

#define DESCRIPTORS	"/proc/self/fd"
#define LINE_SIZE	256	/* of seven numbers, and more */

/* Pages, mapped and in use, are the first numbers of this file. */
static void
read_memory(struct usage *u)
{
	int64_t page = sysconf(_SC_PAGESIZE), mapped, used;
	FILE *file = fopen("/proc/self/statm", "re");
	char line[LINE_SIZE], *end = line;
	bool read;

	u->resident = u->virtual = -1;
	if (file == NULL)
		return;
	read = fgets(line, sizeof(line), file) != NULL;
	if (fclose(file) != 0 || !read)
		return;
	mapped = strtoll(line, &end, 10);
	used = strtoll(end, &end, 10);
	if (*end != ' ')
		return;
	u->virtual = mapped * page;
	u->resident = used * page;
}

/*
 * From version 6.2 on, Linux says their number as the size of the folder,
 * which costs nothing however many there are; before that it is 0.
 */
static int64_t
count_descriptors(void)
{
	struct stat sb;
	int64_t n = 0;
	DIR *dir;

	if (stat(DESCRIPTORS, &sb) == 0 && sb.st_size > 0)
		return sb.st_size;
	dir = opendir(DESCRIPTORS);
	if (dir == NULL)
		return -1;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	/* Neither the folder and its parent, nor the one it is read by. */
	return n - 3;
}

void
usage_read(struct usage *u)
{
	struct timespec cpu = { 0 };
	struct rlimit rl;

	*u = (struct usage){ .max_fds = -1 };
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
		u->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 +
		    (uint64_t)cpu.tv_nsec;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0)
		u->max_fds = rl.rlim_cur > INT64_MAX ? INT64_MAX :
		    (int64_t)rl.rlim_cur;
	u->open_fds = count_descriptors();
	read_memory(u);
}

static void
tell(struct tell *t, const char *name, int64_t value)
{
	if (value >= 0)
		tell_integer(t, name, value);
}

void
usage_tell(const struct usage *u, struct tell *t)
{
	tell_object(t, "process");
	tell_us(t, "cpu-us", u->cpu_ns);
	tell(t, "resident-bytes", u->resident);
	tell(t, "virtual-bytes", u->virtual);
	tell(t, "descriptors", u->open_fds);
	tell(t, "descriptors-limit", u->max_fds);
	tell_end(t);
}
