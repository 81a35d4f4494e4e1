/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines to standard error or syslog.  The level is the only state that may
 * change once several threads run, and it is atomic.
 */

#include "config.h"

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_LEN	2048

static const char *log_name = PACKAGE;
static bool log_to_syslog;
static bool log_to_journal;
static atomic_int log_max = LOG_LEVEL_INFO;

static const int priorities[] = {
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void
log_init(const char *name, bool to_syslog)
{
	log_name = name;
	log_to_syslog = to_syslog;
	/* Set by systemd when standard error goes to the journal. */
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
	if (to_syslog)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_set_level(enum log_level level)
{
	log_max = level;
}

enum log_level
log_level(void)
{
	return (enum log_level)log_max;
}

static void log_line(int priority, const char *suffix, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
log_line(int priority, const char *suffix, const char *fmt, va_list ap)
{
	char line[LINE_MAX_LEN];
	int saved = errno, n = 0, m;

	if (!log_to_syslog)
		n = log_to_journal ?
		    snprintf(line, sizeof(line), "<%d>", priority) :
		    snprintf(line, sizeof(line), "%s: ", log_name);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (m > 0)
		n += m;
	if ((size_t)n < sizeof(line) && suffix != NULL)
		n += snprintf(line + n, sizeof(line) - (size_t)n, ": %s",
		    suffix);
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	if (log_to_syslog) {
		syslog(priority, "%.*s", n, line);
	} else {
		line[n++] = '\n';
		/* Nobody to tell when even this fails. */
		if (write(STDERR_FILENO, line, (size_t)n) == -1)
			errno = 0;
	}
	errno = saved;
}

#define LOG(level, suffix, fmt) do {					\
	va_list ap;							\
									\
	if ((int)(level) > log_max)					\
		break;							\
	va_start(ap, fmt);						\
	log_line(priorities[level], suffix, fmt, ap);			\
	va_end(ap);							\
} while (0)

void
log_warn(const char *fmt, ...)
{
	LOG(LOG_LEVEL_WARN, strerror(errno), fmt);
}

void
log_warnx(const char *fmt, ...)
{
	LOG(LOG_LEVEL_WARN, NULL, fmt);
}

void
log_info(const char *fmt, ...)
{
	LOG(LOG_LEVEL_INFO, NULL, fmt);
}

void
log_debug(const char *fmt, ...)
{
	LOG(LOG_LEVEL_DEBUG, NULL, fmt);
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_CRIT, strerror(errno), fmt, ap);
	va_end(ap);
	exit(EX_OSERR);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_CRIT, NULL, fmt, ap);
	va_end(ap);
	exit(EX_OSERR);
}
