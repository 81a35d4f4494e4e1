/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PUBLISH_H
#define PUBLISH_H

/*
 * A table of this daemon made one on other machines, for whoever asks those.
 * For a thread of its own: all of it waits for servers, with deadlines.
 *
 * Whatever goes wrong, at any moment, who asks is answered from one whole
 * generation, the old or the new: entries are written under names that nobody
 * reads before a pointer says so, and that is moved when all are there.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_remote;
struct table;

#define PUBLISH_WHY_SIZE	1024
#define PUBLISH_WHO_SIZE	256
#define PUBLISH_DIGEST_SIZE	65	/* as bucket.h has it */

struct publish_wanted {
	const struct table *from;	/* answers; NULL: go back to the
					   generation before */
	const struct conf_remote *to;	/* not one that is live */
	unsigned int guard;		/* per cent of the entries that are
					   there, which from may lack at most */
	const char *who;		/* for others who want to publish, too:
					   less than PUBLISH_WHO_SIZE bytes */
};

/* For others to look at. */
struct publish_progress {
	_Atomic uint64_t done, all;
};

struct publish_outcome {
	bool ok;
	uint64_t generation;		/* that is read from now on */
	uint64_t before;		/* the one before it; 0: none */
	uint64_t entries, buckets;
	uint64_t bytes;			/* of keys and answers */
	char digest[PUBLISH_DIGEST_SIZE];	/* of the entries; "": unknown */
	char why[PUBLISH_WHY_SIZE];	/* not ok: what is wrong */
};

/*
 * Publish.
 *
 * stop  ends it within a moment, not ok, when it is set
 */
void publish_run(const struct publish_wanted *,
    struct publish_progress *progress, const atomic_bool *stop,
    struct publish_outcome *);

/*
 * Remove generations that were published and cannot be gone back to, when
 * nobody asks them any more, in PUBLISH_LINGER_MS.  What is not removed, since
 * something is wrong or stop is set, the next one who publishes removes.
 */
void publish_tidy(const struct publish_wanted *, const atomic_bool *stop);

/* Lookups that had begun have ended by then, and all daemons have looked at
 * the pointer. */
#define PUBLISH_LINGER_MS	5000

#endif
