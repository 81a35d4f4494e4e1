/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FRAMES_H
#define FRAMES_H

/*
 * Headers as bytes, for tests that decode them.  Each lies in memory of just
 * its size, so that the address sanitizer sees a byte read too far.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appmsg.h"

/* The usual members, but the length; but the first; all four. */
#define THREE	"\"byteorder\":\"little\",\"content-type\":\"text/json\"," \
		"\"content-encoding\":\"utf-8\""
#define REST	"\"content-type\":\"text/json\",\"content-encoding\":" \
		"\"utf-8\",\"content-length\":37"
#define FOUR	THREE ",\"content-length\":37"

struct frame {
	uint8_t *bytes;		/* the length, and the header; owned */
	size_t len;
};

/*
 * Make the frame of a header, whose bytes the caller frees, free(3).
 */
struct frame frame_new(const char *header, size_t len);

/*
 * Decode a header, of which each part must be too little.
 *
 * hdr  what it holds is borrowed from the frame
 *
 * Returns 0 or APPMSG_EPROTO.
 */
int frame_decode(const struct frame *, struct appmsg_header *hdr);

/* The same for a text, whose frame stays until the next call. */
int frame_decode_text(const char *text, struct appmsg_header *hdr);

/* Whether a string, decoded, is this text. */
bool frame_is(const struct appmsg_str *, const char *text);

#endif
