/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lines are read by poll(2) and read(2), not by stdio: a key that has come
 * must be asked for while its writer still thinks about the next one.
 */

#include "config.h"

#include "keys.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appmsg.h"
#include "common/encoding.h"
#include "common/escape.h"

#define KEYS_READ_SIZE ((size_t)64 * 1024)

void
keys_init(struct keys *keys, char **words, int count, int fd)
{
	memset(keys, 0, sizeof(*keys));
	keys->words = words;
	keys->words_left = count;
	keys->fd = fd;
}

void
keys_clear(struct keys *keys)
{
	free(keys->data);
	memset(keys, 0, sizeof(*keys));
}

/*
 * Take a line out of what was read; the last one may lack its newline.  What
 * was written where lines end in CR LF has no CR in its keys.
 */
static bool
keys_line(struct keys *keys, const char **key, size_t *len)
{
	char *line, *newline;
	size_t left = keys->len - keys->start;

	if (left == 0)
		return false;
	line = keys->data + keys->start;
	newline = memchr(line + keys->seen, '\n', left - keys->seen);
	if (newline == NULL && !keys->eof) {
		keys->seen = left;
		return false;
	}
	*key = line;
	*len = newline != NULL ? (size_t)(newline - line) : left;
	keys->start += *len + (newline != NULL);
	if (newline != NULL && *len > 0 && newline[-1] == '\r')
		--*len;
	keys->seen = 0;
	keys->line++;
	return true;
}

/* Wait until a read will not block; 0 when that was too long, -1 on error. */
static int
keys_wait(const struct keys *keys, int64_t deadline_ms)
{
	struct pollfd pfd = { .fd = keys->fd, .events = POLLIN };
	int64_t left;
	int ready;

	do {
		left = deadline_ms < 0 ? -1 :
		    deadline_ms - appmsg_deadline(0);
		if (deadline_ms >= 0 && left < 0)
			left = 0;
		ready = poll(&pfd, 1, left > INT_MAX ? INT_MAX : (int)left);
	} while (ready == -1 && errno == EINTR);
	return ready;
}

static int
keys_read(struct keys *keys)
{
	size_t cap;
	char *data;
	ssize_t n;

	/* What was taken is in nobody's use any more. */
	keys->len -= keys->start;
	if (keys->len > 0)
		memmove(keys->data, keys->data + keys->start, keys->len);
	keys->start = 0;
	if (keys->cap - keys->len < KEYS_READ_SIZE) {
		cap = keys->cap * 2 + KEYS_READ_SIZE;
		if ((data = realloc(keys->data, cap)) == NULL)
			return -1;
		keys->data = data;
		keys->cap = cap;
	}
	do
		n = read(keys->fd, keys->data + keys->len,
		    keys->cap - keys->len);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		keys->len += (size_t)n;
	else if (n == 0)
		keys->eof = true;
	else if (errno != EAGAIN)
		return -1;
	return 0;
}

/* Is the line that was taken a key? */
static enum keys_result
keys_judge(struct keys *keys, const char *key, size_t len)
{
	keys->why = NULL;
	if (keys->line == 1 && encoding_has_mark(key, len)) {
		keys->why = "a byte order mark before the key";
	} else if (keys->line == 1 &&
	    (keys->why = encoding_utf16(key, len)) != NULL) {
		/* So is all that follows, which need not be said again. */
		keys->start = keys->len;
		keys->eof = true;
	} else if (!escape_is_utf8(key, len)) {
		keys->why = encoding_not_utf8(key, len);
	}
	return keys->why == NULL ? KEYS_ONE : KEYS_BAD;
}

static enum keys_result
keys_next_line(struct keys *keys, const char **key, size_t *len,
    int64_t deadline_ms)
{
	int ready;

	while (!keys_line(keys, key, len)) {
		if (keys->eof)
			return KEYS_END;
		if ((ready = keys_wait(keys, deadline_ms)) == 0)
			return KEYS_LATER;
		if (ready == -1 || keys_read(keys) == -1)
			return KEYS_FAILED;
	}
	return keys_judge(keys, *key, *len);
}

enum keys_result
keys_next(struct keys *keys, const char **key, size_t *len,
    int64_t deadline_ms)
{
	enum keys_result result;

	for (;;) {
		if (keys->in_lines) {
			result = keys_next_line(keys, key, len, deadline_ms);
			if (result != KEYS_END)
				return result;
			keys->in_lines = false;
		}
		if (keys->words_left == 0)
			return KEYS_END;
		*key = *keys->words++;
		*len = strlen(*key);
		keys->words_left--;
		if (strcmp(*key, "-") != 0)
			return KEYS_ONE;
		keys->in_lines = true;
	}
}
