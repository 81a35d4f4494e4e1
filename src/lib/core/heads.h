/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_HEADS_H
#define CORE_HEADS_H

/*
 * Headers of replies that were read, to know them when they come again: a
 * server sends just the same few, but for a length and an id, which are holes
 * in them.  What is remembered means what appmsg_header_decode() would say.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "appmsg-session.h"

#define CORE_HEADS		4	/* that are remembered */
#define CORE_HEAD_MAX		512	/* bytes of one that is */
#define CORE_DIGITS_LENGTH	9	/* surely within 32 bits */
#define CORE_DIGITS_ID		15	/* surely within 2^53 */

/* A header that was read, the 2 bytes of its length included. */
struct core_head {
	size_t len;		/* 0: none */
	size_t length_start, length_end;	/* digits, in text */
	size_t id_start, id_end;	/* same; 0: no hole */
	struct appmsg_header hdr;	/* what it means, out of text */
	enum appmsg_status status;	/* NONE: it has none */
	bool keeps;
	bool json;
	char text[CORE_HEAD_MAX];
};

/* All 0 at first; is not moved. */
struct core_heads {
	struct core_head all[CORE_HEADS];
	size_t last;		/* that fitted */
	size_t next;		/* to be remembered */
	unsigned int wait;	/* headers to let pass before that */
};

/* A header in hand that is like one of them. */
struct core_fit {
	const struct core_head *head;	/* until the next is remembered */
	uint64_t content_len;
	uint64_t id;		/* where it has a hole for one */
};

/*
 * What is said of a request, and whether the connection stays.
 */
enum appmsg_status core_head_status(const struct appmsg_header *);
bool core_head_keeps(const struct appmsg_header *);
bool core_head_is_json(const struct appmsg_header *);

/*
 * Remember a header that was read without a flaw, if it is worth it.
 *
 * buf, len  its bytes, with the length before them; copied
 */
void core_heads_remember(struct core_heads *, const char *buf, size_t len,
    const struct appmsg_header *);

/*
 * As core_heads_find(), of all but the one that fitted last.
 */
bool core_heads_find_other(struct core_heads *, const char *buf, size_t len,
    struct core_fit *);

/*
 * Take digits as everybody writes them.
 *
 * Returns what is behind them; NULL when there are none, or too many.
 */
static inline const char *
core_digits(const char *p, const char *end, ptrdiff_t most, uint64_t *n)
{
	const char *start = p;
	uint64_t value = 0;

	for (; p < end && *p >= '0' && *p <= '9' && p - start <= most; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	*n = value;
	if (p == start || p - start > most ||
	    (*start == '0' && p - start > 1))
		return NULL;
	return p;
}

static inline bool
core_head_fits(const struct core_head *head, const char *buf, size_t len,
    struct core_fit *fit)
{
	const char *p = buf + head->length_start, *end = buf + len;
	size_t from = head->length_end, size;

	if (len < head->length_start || memcmp(buf + APPMSG_LENGTH_SIZE,
	    head->text + APPMSG_LENGTH_SIZE,
	    head->length_start - APPMSG_LENGTH_SIZE) != 0 ||
	    (p = core_digits(p, end, CORE_DIGITS_LENGTH,
	    &fit->content_len)) == NULL)
		return false;
	if (head->id_start > 0) {
		size = head->id_start - from;
		if ((size_t)(end - p) < size ||
		    memcmp(p, head->text + from, size) != 0 ||
		    (p = core_digits(p + size, end, CORE_DIGITS_ID,
		    &fit->id)) == NULL)
			return false;
		from = head->id_end;
	}
	size = head->len - from;
	if ((size_t)(end - p) != size ||
	    memcmp(p, head->text + from, size) != 0)
		return false;
	fit->head = head;
	return true;
}

/*
 * Whether a header is like one that is remembered.
 *
 * buf, len  its bytes, with the length before them
 * fit       filled if it is
 */
static inline bool
core_heads_find(struct core_heads *heads, const char *buf, size_t len,
    struct core_fit *fit)
{
	const struct core_head *last = &heads->all[heads->last];

	return (last->len > 0 && core_head_fits(last, buf, len, fit)) ||
	    core_heads_find_other(heads, buf, len, fit);
}

#endif
