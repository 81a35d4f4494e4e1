/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef LOG_H
#define LOG_H

/*
 * The daemon's log: one line an event, lower case, without full stop, then
 * key=value fields.  To standard error, with the service manager's "<N>"
 * before each line where it reads them, or to syslog(3).  Any thread may
 * log; a line leaves in one write.  Bytes of peers pass escape() first.
 *
 * A line that is the same as the one before it is counted instead: "repeated
 * N times: LINE" follows once another line comes, or ten seconds have gone
 * by when it comes again.
 */

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_WARN,		/* the operator should look */
	LOG_LEVEL_INFO,		/* the life of the daemon */
	LOG_LEVEL_DEBUG		/* the life of a session */
};

/*
 * Start to log.
 *
 * name    of the program; borrowed for good
 * syslog  to syslog(3) instead of standard error
 */
void log_init(const char *name, bool syslog);

/*
 * What a line begins with that others print on standard error, of a mistake:
 * where that is the journal, its mark of a warning; else nothing.
 */
const char *log_mark(void);

/*
 * Connect to syslog ahead of log_init(): later that may not be allowed.
 *
 * name  borrowed for good
 */
void log_connect(const char *name);

/*
 * Tell what was only counted.
 */
void log_end(void);

/* How long lines are only counted, in milliseconds; tests change it. */
extern unsigned int log_repeat_ms;

/*
 * Nothing above this level is logged.  May be called at any time.
 */
void log_set_level(enum log_level);

enum log_level log_level(void);

/* log_warn() appends errno's words and preserves errno; the others don't. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Log and exit 71 (EX_OSERR): until the loop starts, never after.
 */
void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
void fatalx(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
