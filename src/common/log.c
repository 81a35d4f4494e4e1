/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines to standard error or syslog.  Once several threads run, only the
 * level changes, which is atomic, and the last line, which has a lock.
 */

#include "config.h"

#include "log.h"

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"

#define LINE_MAX_LEN	2048
#define START_MAX	64	/* bytes before it */

unsigned int log_repeat_ms = 10000;

static const char *log_name = PACKAGE;
static bool log_to_syslog;
static bool log_to_journal;
static atomic_int log_max = LOG_LEVEL_INFO;

static const int priorities[] = {
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

/* The last line, to be compared with the next one. */
static struct {
	pthread_mutex_t lock;	/* for all of it */
	int priority;
	size_t len;		/* 0: none yet */
	uint64_t repeated;	/* times that were not told */
	int64_t told;		/* ms */
	char text[LINE_MAX_LEN];
} last = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* systemd says which file is the journal; standard error may be another. */
static bool
is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (stream == NULL || fstat(fd, &st) == -1)
		return false;
	dev = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	ino = strtoull(end + 1, &end, 10);
	return *end == '\0' && st.st_dev == (dev_t)dev &&
	    st.st_ino == (ino_t)ino;
}

void
log_connect(const char *name)
{
	openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_init(const char *name, bool to_syslog)
{
	log_end();
	log_name = name;
	log_to_syslog = to_syslog;
	log_to_journal = is_journal(STDERR_FILENO);
	if (to_syslog)
		log_connect(name);
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

const char *
log_mark(void)
{
	return log_to_journal ? "<4>" : "";
}

static void
emit(int priority, const char *start, const char *text, size_t len)
{
	char line[START_MAX + START_MAX + LINE_MAX_LEN + 1];
	int n;

	if (log_to_syslog) {
		syslog(priority, "%s%.*s", start, (int)len, text);
		return;
	}
	if (log_to_journal)
		n = snprintf(line, START_MAX, "<%d>", priority);
	else
		n = snprintf(line, START_MAX, "%s: ", log_name);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%.*s", start,
	    (int)len, text);
	line[n++] = '\n';
	/* Nobody to tell when even this fails. */
	if (write(STDERR_FILENO, line, (size_t)n) == -1)
		errno = 0;
}

/* Under its lock: say how often the last line came again. */
static void
tell_repeated(int64_t now)
{
	char start[START_MAX];

	if (last.repeated == 0)
		return;
	snprintf(start, sizeof(start), "repeated %llu times: ",
	    (unsigned long long)last.repeated);
	emit(last.priority, start, last.text, last.len);
	last.repeated = 0;
	last.told = now;
}

/* The words of a line; it stays one, whatever its fields hold. */
static size_t
spell(char *text, const char *suffix, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static size_t
spell(char *text, const char *suffix, const char *fmt, va_list ap)
{
	int m = vsnprintf(text, LINE_MAX_LEN, fmt, ap);
	size_t n = m > 0 ? (size_t)m : 0;

	if (n < LINE_MAX_LEN && suffix != NULL)
		n += (size_t)snprintf(text + n, LINE_MAX_LEN - n, ": %s",
		    suffix);
	if (n > LINE_MAX_LEN - 2) {
		/* Cut before a character, not in one. */
		n = LINE_MAX_LEN - 2;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	return n;
}

static void log_line(int priority, const char *suffix, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
log_line(int priority, const char *suffix, const char *fmt, va_list ap)
{
	char text[LINE_MAX_LEN];
	int64_t now = clock_ms();
	int saved = errno;
	size_t len = spell(text, suffix, fmt, ap);

	pthread_mutex_lock(&last.lock);
	if (len == last.len && priority == last.priority &&
	    priority != LOG_CRIT && memcmp(text, last.text, len) == 0) {
		last.repeated++;
		if (now - last.told >= log_repeat_ms)
			tell_repeated(now);
	} else {
		tell_repeated(now);
		emit(priority, "", text, len);
		memcpy(last.text, text, len);
		last.len = len;
		last.priority = priority;
		last.told = now;
	}
	pthread_mutex_unlock(&last.lock);
	errno = saved;
}

void
log_end(void)
{
	pthread_mutex_lock(&last.lock);
	tell_repeated(clock_ms());
	last.len = 0;
	pthread_mutex_unlock(&last.lock);
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
