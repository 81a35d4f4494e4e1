/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FAST_H
#define FAST_H

/*
 * The fast path: plain lookups, as most requests are.
 * It answers exactly what stream.c would answer, only sooner, and leaves
 * everything else to it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/buf.h"
#include "lib/appmsg.h"

struct conf_limits;
struct fast;
struct request_env;
struct stream;

/*
 * What a worker remembers from request to request.
 *
 * Returns it, or NULL when out of memory.
 */
struct fast *fast_new(void);

/*
 * Free it.  NULL is allowed.
 */
void fast_free(struct fast *);

/*
 * Remember a header that was read, if requests with the same one can be
 * answered here.
 *
 * buf, len  its bytes, with the length before them; copied
 * hdr       what they mean
 */
void fast_remember(struct fast *, const char *buf, size_t len,
    const struct appmsg_header *hdr);

/*
 * Answer plain lookups at the front of some bytes, as many as there are.
 *
 * s       between two messages; its told is set
 * budget  the most that may be answered; reduced by those that are
 * last    set when the connection ends with what was answered
 *
 * Returns the bytes of buf that are done with; 0 when the first message is
 * not for here, or memory is out.
 */
size_t fast_feed(struct fast *, struct stream *s, struct request_env *,
    const struct conf_limits *, const char *buf, size_t len, int64_t *budget,
    struct buf *out, bool *last);

/*
 * The header of the message that fast_feed() has just stopped at, as
 * appmsg_header_decode() would read it, where it was remembered.  Worth 2,500
 * instructions of the 9,000 that a search by prefix takes without.
 *
 * buf   where that message is
 * hdr   filled when there is one; its strings are borrowed from buf, or from
 *       here until the next fast_remember()
 * used  set to the bytes of the header, its length included
 *
 * Returns whether there is one.
 */
bool fast_header(const struct fast *, const char *buf,
    struct appmsg_header *hdr, size_t *used);

#endif
