/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A line is put together from pieces that are spelled already: what a turn's
 * lines begin with, and what stands between key and numbers.  A plain lookup
 * in a pipeline takes 0.2 us in all, so its line may not take much.
 */

#include "config.h"

#include "daemon/record/access.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
#include "daemon/base/iso_time.h"
#include "daemon/base/address.h"
#include "daemon/conf/conf.h"
#include "daemon/record/access_file.h"
#include "daemon/table/table.h"

/*
 * Lines that are gathered at most.  Larger pieces are not cheaper to write,
 * and these stay in a processor's cache.
 */
#define BUFFER_SIZE	((size_t)64 << 10)

#define WHO_MAX		600	/* " peer=ADDRESS listen=ADDRESS" at most */
#define START_MAX	(WHO_MAX + 64)
#define TAIL_MAX	128	/* with a table's name, which is shorter */
#define NAME_MAX_LEN	128	/* bytes of a common name, escaped */
#define PROOF_MAX	(NAME_MAX_LEN + 32)	/* " uid=NUMBER" or " cn=..." */
#define LINE_MAX_LEN	(START_MAX + ACCESS_KEY_MAX + 256 + PROOF_MAX)

/*
 * Pieces of a lookup's line are copied as these many bytes, since moving a
 * fixed number takes no call; what is too much is written over.
 */
#define HEAD_COPY	96
#define TAIL_COPY	48
#define END_COPY	32

struct access {
	struct access_file *file;	/* borrowed; NULL: none */
	enum conf_only only;
	bool listeners;		/* lines have them */
	struct access_peer peer;	/* of the turn */
	int64_t began;		/* the turn, us of the monotonic clock */
	time_t second;		/* that date has */
	struct access_note note;
	size_t start_len;	/* 0: the turn has no line yet */
	size_t head_len;
	size_t tail_len;
	size_t end_len;
	size_t proof_len;
	const struct table *table;	/* that tail is about */
	char date[ISO_TIME_SIZE];	/* without a zone */
	char start[START_MAX];	/* of the turn: time, peer, listener */
	char head[START_MAX + 64];	/* of the batch: up to the key */
	char tail[TAIL_MAX];	/* from the key to the reply's bytes */
	char end[END_COPY + PROOF_MAX];	/* of the batch: what is behind them */
	char proof[PROOF_MAX];	/* of the turn: what is known of the peer */
	size_t len;
	char buffer[BUFFER_SIZE];
};

struct access *
access_new(bool listeners)
{
	/* Memory that is not used is not there, so nobody pays for it. */
	struct access *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->listeners = listeners;
	return a;
}

void
access_free(struct access *a)
{
	if (a == NULL)
		return;
	access_flush(a);
	free(a);
}

void
access_use(struct access *a, struct access_file *file, enum conf_only only)
{
	access_flush(a);
	a->file = file;
	a->only = only;
	a->table = NULL;	/* a new one may be where the old one was */
}

bool
access_wants(const struct access *a, enum request_status status)
{
	switch (a->only) {
	case CONF_ONLY_ALL:
		break;
	case CONF_ONLY_MISSES:
		return status == REQUEST_NOT_FOUND;
	case CONF_ONLY_ERRORS:
		return status != REQUEST_FOUND && status != REQUEST_NOT_FOUND;
	}
	return true;
}

void
access_flush(struct access *a)
{
	if (a->len > 0)
		access_file_write(a->file, a->buffer, a->len);
	a->len = 0;
}

/* Where the next line goes. */
static char *
line_room(struct access *a)
{
	if (BUFFER_SIZE - a->len < LINE_MAX_LEN)
		access_flush(a);
	return a->buffer + a->len;
}

static char *
put(char *to, const char *p, size_t len)
{
	memcpy(to, p, len);
	return to + len;
}

static char *
put_word(char *to, const char *name, const char *word)
{
	to = put(to, name, strlen(name));
	return put(to, word, strlen(word));
}

static char *
put_number(char *to, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return put(to, digits + i, sizeof(digits) - i);
}

static in_port_t *
port_of(struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET)
		return &((struct sockaddr_in *)ss)->sin_port;
	return ss->ss_family == AF_INET6 ?
	    &((struct sockaddr_in6 *)ss)->sin6_port : NULL;
}

/* A port that the system chose is the connection's, too. */
static void
learn_port(struct sockaddr_storage *ss, int fd)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(own);
	in_port_t *port = port_of(ss), *chosen;

	if (port == NULL || *port != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		return;
	chosen = port_of(&own);
	if (chosen != NULL)
		*port = *chosen;
}

/*
 * A text between quotes, cut at a character before it has more than max bytes;
 * within, quotes are escaped too.
 *
 * Returns the bytes of it that are there.
 */
static size_t
spell(char *to, size_t *to_len, size_t max, const char *text, size_t len)
{
	char unit[16];
	size_t n = 0, used = 0, size, unit_len;
	uint32_t cp;

	while (used < len) {
		size = escape_utf8(text + used, len - used, &cp);
		if (size == 0)
			size = 1;
		if (text[used] == '"')
			unit_len = strlcpy(unit, "\\\"", sizeof(unit));
		else
			unit_len = escape(unit, sizeof(unit), text + used,
			    size);
		if (n + unit_len > max)
			break;
		memcpy(to + n, unit, unit_len);
		n += unit_len;
		used += size;
	}
	*to_len = n;
	return used;
}

/* Whose process it is at the other end of a unix socket. */
static void
spell_user(char *who, size_t cap, int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
		snprintf(who, cap, " uid=%u", (unsigned int)peer.uid);
}

/* The name in the certificate that it has proven to be its own. */
static void
spell_cn(char *who, const char *cn)
{
	size_t len;
	char *to = put_word(who, " cn=", "\"");

	spell(to, &len, NAME_MAX_LEN, cn, strlen(cn));
	to[len] = '"';
	to[len + 1] = '\0';
}

/*
 * Peer, and perhaps listener; and, behind a newline, what stands at a line's
 * end of him.  NULL when out of memory.
 */
static char *
spell_who(const struct access *a, const struct access_peer *peer)
{
	char who[WHO_MAX + PROOF_MAX] = " peer=";
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct sockaddr_storage at = peer->listen->ss;
	socklen_t len = sizeof(ss);
	size_t n = strlen(who);

	/* Gone already, and so is its address. */
	if (getpeername(peer->fd, (struct sockaddr *)&ss, &len) == -1)
		n += strlcpy(who + n, "-", 2);
	else
		n += strlen(address_word((struct sockaddr *)&ss, len,
		    who + n, WHO_MAX / 2));
	if (a->listeners) {
		n += strlcpy(who + n, " listen=", WHO_MAX - n);
		learn_port(&at, peer->fd);
		n += strlen(address_word((struct sockaddr *)&at,
		    peer->listen->ss_len, who + n, WHO_MAX - n));
	}
	if (at.ss_family == AF_UNIX || peer->cn != NULL)
		n += strlcpy(who + n, "\n", sizeof(who) - n);
	if (at.ss_family == AF_UNIX)
		spell_user(who + n, sizeof(who) - n, peer->fd);
	else if (peer->cn != NULL)
		spell_cn(who + n, peer->cn);
	return strdup(who);
}

static void
note_clear(struct access *a)
{
	a->note.ask = NULL;
	a->note.began = 0;
	a->note.key_bytes = 0;
	a->note.has_key = false;
}

void
access_turn(struct access *a, struct access_peer peer, int64_t since)
{
	a->peer = peer;
	a->began = (since != 0 ? since : clock_ns()) / 1000;
	a->start_len = 0;
	note_clear(a);
}

/* When the turn began, by the clock that administrators set. */
static struct timespec
start_time(const struct access *a)
{
	int64_t ago = clock_ns() - a->began * 1000;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec -= (time_t)(ago / 1000000000);
	ts.tv_nsec -= (long)(ago % 1000000000);
	if (ts.tv_nsec < 0) {
		ts.tv_nsec += 1000000000;
		ts.tv_sec--;
	}
	return ts;
}

/* What all lines of the turn begin with. */
static void
spell_start(struct access *a)
{
	struct timespec ts = start_time(a);
	const char *who = *a->peer.who;
	char *to = a->start;
	size_t len;

	if (who == NULL)
		who = *a->peer.who = spell_who(a, &a->peer);
	if (who == NULL)
		who = a->listeners ? " peer=- listen=-" : " peer=-";
	if (ts.tv_sec != a->second || a->date[0] == '\0') {
		a->second = ts.tv_sec;
		/* Fractions come before the zone. */
		a->date[iso_time_utc(ts.tv_sec, a->date) - 1] = '\0';
	}
	to = put_word(to, "time=", a->date);
	*to++ = '.';
	*to++ = (char)('0' + ts.tv_nsec / 100000000);
	*to++ = (char)('0' + ts.tv_nsec / 10000000 % 10);
	*to++ = (char)('0' + ts.tv_nsec / 1000000 % 10);
	*to++ = 'Z';
	len = strcspn(who, "\n");
	to = put(to, who, len);
	a->start_len = (size_t)(to - a->start);
	a->proof_len = strlcpy(a->proof, who + len + (who[len] != '\0'),
	    sizeof(a->proof));
}

void
access_note_ask(struct access *a, const char *ask)
{
	a->note.ask = ask;
}

void
access_note_key(struct access *a, const char *key, size_t len)
{
	struct access_note *note = &a->note;

	note->has_key = true;
	note->key_bytes = spell(note->key, &note->key_len, ACCESS_KEY_MAX,
	    key, len) < len ? len : 0;
}

void
access_suspend(struct access *a, struct access_note *note)
{
	*note = a->note;
	note->began = a->began;
	note_clear(a);
}

void
access_resume(struct access *a, const struct access_note *note)
{
	a->note = *note;
}

void
access_reply(struct access *a, enum request_status status,
    const char *error, const char *table, size_t bytes)
{
	const struct access_note *note = &a->note;
	int64_t began = note->began != 0 ? note->began : a->began;
	char *line, *to;

	if (!access_wants(a, status)) {
		note_clear(a);
		return;
	}
	if (a->start_len == 0)
		spell_start(a);
	line = line_room(a);
	to = put(line, a->start, a->start_len);
	to = put_word(to, " ask=", note->ask != NULL ? note->ask : "-");
	if (note->has_key) {
		to = put_word(to, " key=", "\"");
		to = put(to, note->key, note->key_len);
		*to++ = '"';
	} else {
		to = put_word(to, " key=", "-");
	}
	to = put_word(to, " status=", status_words[status].raw);
	to = put_word(to, " table=", table != NULL ? table : "-");
	to = put_number(put_word(to, " bytes=", ""), bytes);
	to = put_number(put_word(to, " us=", ""),
	    (uint64_t)(clock_ns() / 1000 - began));
	if (error != NULL)
		to = put_word(to, " error=", error);
	if (note->key_bytes > 0)
		to = put_number(put_word(to, " key-bytes=", ""),
		    note->key_bytes);
	to = put(to, a->proof, a->proof_len);
	*to++ = '\n';
	a->len += (size_t)(to - line);
	note_clear(a);
}

void
access_batch(struct access *a)
{
	char *to;

	if (a->start_len == 0)
		spell_start(a);
	to = put(a->head, a->start, a->start_len);
	to = put_word(to, " ask=exact key=", "\"");
	a->head_len = (size_t)(to - a->head);
	to = put_number(put_word(a->end, " us=", ""),
	    (uint64_t)(clock_ns() / 1000 - a->began));
	to = put(to, a->proof, a->proof_len);
	*to++ = '\n';
	a->end_len = (size_t)(to - a->end);
}

static enum request_status
lookup_status(const struct table *table)
{
	return table != NULL ? REQUEST_FOUND : REQUEST_NOT_FOUND;
}

/* What is between key and bytes of the lookups that one table answers. */
static void
spell_tail(struct access *a, const struct table *table)
{
	char *to;

	to = put_word(a->tail, "\" status=",
	    status_words[lookup_status(table)].raw);
	to = put_word(to, " table=", table != NULL ? table_name(table) : "-");
	to = put_word(to, " bytes=", "");
	a->table = table;
	a->tail_len = (size_t)(to - a->tail);
}

/* A piece of which copy bytes are there, and nearly always enough. */
static inline char *
put_piece(char *to, const char *p, size_t len, size_t copy)
{
	memcpy(to, p, copy);
	if (len > copy)
		memcpy(to + copy, p + copy, len - copy);
	return to + len;
}

/* Bytes that stand for themselves; NULL where there is another one. */
static inline char *
put_plain(char *to, const char *key, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x20 || key[i] > 0x7e || key[i] == '"' ||
		    key[i] == '\\')
			return NULL;
		to[i] = key[i];
	}
	return to + len;
}

/* A number that most often has three digits. */
static inline char *
put_bytes(char *to, size_t n)
{
	if (n < 100 || n > 999)
		return put_number(to, n);
	to[0] = (char)('0' + n / 100);
	to[1] = (char)('0' + n / 10 % 10);
	to[2] = (char)('0' + n % 10);
	return to + 3;
}

void
access_lookup(struct access *a, const char *key, size_t key_len,
    const struct table *table, size_t bytes)
{
	char *line = line_room(a), *to;

	to = put_piece(line, a->head, a->head_len, HEAD_COPY);
	if (key_len > ACCESS_KEY_MAX ||
	    (to = put_plain(to, key, key_len)) == NULL) {
		access_note_ask(a, "exact");
		access_note_key(a, key, key_len);
		access_reply(a, lookup_status(table), NULL, table != NULL ?
		    table_name(table) : NULL, bytes);
		return;
	}
	if (table != a->table || a->tail_len == 0)
		spell_tail(a, table);
	to = put_piece(to, a->tail, a->tail_len, TAIL_COPY);
	to = put_bytes(to, bytes);
	to = put_piece(to, a->end, a->end_len, END_COPY);
	a->len += (size_t)(to - line);
}
