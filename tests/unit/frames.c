/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is not as libappmsg promises fails the test.
 */

#include "config.h"

#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct frame
frame_new(const char *header, size_t len)
{
	struct frame f = { malloc(len + 2), len + 2 };

	assert_non_null(f.bytes);
	assert_true(len <= APPMSG_HEADER_MAX);
	f.bytes[0] = (uint8_t)(len >> 8);
	f.bytes[1] = (uint8_t)len;
	memcpy(f.bytes + 2, header, len);
	return f;
}

int
frame_decode(const struct frame *f, struct appmsg_header *hdr)
{
	size_t used = 4711;
	int error;

	for (size_t len = 0; len < f->len; len++) {
		uint8_t *part = malloc(len > 0 ? len : 1);

		assert_non_null(part);
		memcpy(part, f->bytes, len);
		assert_int_equal(appmsg_header_decode(part, len, hdr, &used),
		    APPMSG_EAGAIN);
		assert_int_equal(used, len < 2 ? 2 : f->len);
		free(part);
	}
	used = 4711;
	error = appmsg_header_decode(f->bytes, f->len, hdr, &used);
	if (error == 0) {
		assert_int_equal(used, f->len);
		assert_int_equal(hdr->flaw != APPMSG_FLAW_NONE,
		    hdr->why != NULL);
	} else {
		assert_int_equal(error, APPMSG_EPROTO);
		assert_non_null(hdr->why);
	}
	assert_int_equal(hdr->why != NULL, hdr->code != NULL);
	return error;
}

int
frame_decode_text(const char *text, struct appmsg_header *hdr)
{
	static struct frame f;

	free(f.bytes);
	f = frame_new(text, strlen(text));
	return frame_decode(&f, hdr);
}

bool
frame_is(const struct appmsg_str *s, const char *text)
{
	return appmsg_str_eq(s, text, strlen(text));
}
