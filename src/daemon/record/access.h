/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ACCESS_H
#define ACCESS_H

/*
 * The lines of the access log that one worker gathers: one a request, in the
 * form that appmsgd.conf(5) has.  They go to the file (access_file.h) at the
 * end of each wake-up, and sooner when the buffer is full.
 *
 * A turn is what a session does at once; its requests share time and peer,
 * which are spelled with its first line: a turn without one costs next to
 * nothing.  Who answers a request notes first what was asked, then how it
 * went; what was not noted is a "-".  All of it is the worker's thread's, and
 * nobody calls any of it while there is no log.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/status.h"
#include "daemon/conf/conf.h"

struct access;
struct access_file;
struct table;

#define ACCESS_KEY_MAX	256	/* bytes of a key in a line, escaped */

/* What is asked. */
struct access_note {
	const char *ask;	/* static; NULL: not known */
	int64_t began;		/* us; 0: with the turn */
	size_t key_bytes;	/* of the whole key where it is cut, or 0 */
	size_t key_len;
	bool has_key;
	char key[ACCESS_KEY_MAX];	/* escaped */
};

/*
 * Make a worker's log, going nowhere yet.
 *
 * listeners  whether lines tell where connections came in
 *
 * Returns it, owned by the caller, access_free(); or NULL when out of memory.
 */
struct access *access_new(bool listeners);

/*
 * Write what is left, and free it.  NULL is allowed.
 */
void access_free(struct access *);

/*
 * Write what is left to the old file, then go to another one.
 *
 * file  borrowed until the next call; NULL: to none
 * only  which requests get lines there
 */
void access_use(struct access *, struct access_file *file,
    enum conf_only only);

/*
 * Whether a request that ended so gets a line.
 */
bool access_wants(const struct access *, enum request_status status);

/*
 * Write what was gathered.
 */
void access_flush(struct access *);

/* Whose requests are answered; all is borrowed for the turn. */
struct access_peer {
	char **who;		/* how lines have the connection: set to a text
				   by its first one, free(3); NULL: none yet */
	int fd;
	const struct conf_listen *listen;	/* where it came in */
	const char *cn;		/* the common name in the certificate that it
				   has shown; NULL: none */
};

/*
 * Begin a turn.
 *
 * since  when its requests were taken, in nanoseconds of the monotonic clock;
 *        0: now
 */
void access_turn(struct access *, struct access_peer peer, int64_t since);

/*
 * Note what the request in hand asks for.
 *
 * ask  a static word; the last one counts
 */
void access_note_ask(struct access *, const char *ask);
void access_note_key(struct access *, const char *key, size_t len);

/*
 * Put the note of a request aside that is answered later, and take it up
 * again when it is.
 */
void access_suspend(struct access *, struct access_note *);
void access_resume(struct access *, const struct access_note *);

/*
 * The reply to the request in hand: its line, if it is to have one.
 *
 * error   a word of the protocol; NULL unless that is the status
 * table   the name of that where the answer is from, or NULL
 * bytes   of the reply
 */
void access_reply(struct access *, enum request_status status,
    const char *error, const char *table, size_t bytes);

/*
 * A batch of plain lookups, which are written in a row: access_batch(), then
 * one access_lookup() for each that is wanted.
 *
 * table  where the key was found, or NULL
 */
void access_batch(struct access *);
void access_lookup(struct access *, const char *key, size_t key_len,
    const struct table *table, size_t bytes);

#endif
