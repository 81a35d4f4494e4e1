/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CORE_ASK_H
#define CORE_ASK_H

/*
 * Queries as bytes.  First they are measured, then written: a header is encoded
 * once and cut where the length and the id stand, and used again for what asks
 * the same way.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg-session.h"

#define CORE_ASK_BEFORE		160	/* bytes of a header's parts */
#define CORE_ASK_PART		64
/* What may be written behind the end of a message. */
#define CORE_ASK_SLACK		CORE_ASK_BEFORE

/* Ids that a session makes up have all the same length, to be changed. */
#define CORE_ID_FIRST		UINT64_C(1000000000)
#define CORE_ID_COUNT		UINT64_C(9000000000)
#define CORE_ID_LEN		10

/* A header that was encoded; all 0 at first. */
struct core_ask_head {
	bool made;
	unsigned int has;	/* of which kind */
	size_t before_len, middle_len, after_len;
	char before[CORE_ASK_BEFORE];	/* the length */
	char middle[CORE_ASK_PART];	/* between it and the id, if any */
	char after[CORE_ASK_PART];
};

/* A query, measured. */
struct core_ask {
	const struct appmsg_query *query;	/* borrowed, of this version */
	struct appmsg_query copy;	/* of another version */
	const struct core_ask_head *head;
	bool binary;
	bool plain;		/* the key is as it will be written */
	size_t key_len;		/* as it will be written */
	size_t tail_len;	/* of what stands behind value, unless 0 */
	size_t content_len;
	size_t digits;		/* of that */
	size_t header_len;	/* with the 2 bytes of its length */
};

/*
 * Look at a query.
 *
 * ask     filled when 0 is returned; borrows query and head
 * head    for queries of this kind; the session's
 * binary  key is the content
 *
 * Returns as appmsg_session_search().
 */
int core_ask_measure(struct core_ask *ask, struct core_ask_head *head,
    const struct appmsg_query *query, bool binary);

/*
 * Write the message.
 *
 * to     of header_len + content_len + CORE_ASK_SLACK bytes
 * id     a number, if the query has one: CORE_ID_FIRST and what comes behind
 * id_at  set: where it stands in the message; 0: nowhere
 */
void core_ask_write(const struct core_ask *ask, char *to, uint64_t id,
    size_t *id_at);

/*
 * Write an id of CORE_ID_LEN digits.
 */
void core_ask_put_id(char *to, uint64_t id);

#endif
