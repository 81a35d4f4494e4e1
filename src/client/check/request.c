/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text whose marks are replaced. */
struct filled {
	char *data;		/* owned */
	size_t len;
};

static int
fill(struct filled *filled, const char *text, size_t len, const char *length,
    size_t n_long)
{
	size_t size = len + strlen(length) + n_long + 1;
	char *p;

	filled->data = p = malloc(size);
	if (p == NULL)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == REQUEST_LENGTH && *length != '\0') {
			p = stpcpy(p, length);
		} else if (text[i] == REQUEST_LONG && n_long > 0) {
			memset(p, 'x', n_long);
			p += n_long;
		} else {
			*p++ = text[i];
		}
	}
	filled->len = (size_t)(p - filled->data);
	return 0;
}

/* Without memory, there is no data. */
static void
join(struct request *r, const struct filled *head,
    const struct filled *content)
{
	r->head = 2 + head->len;
	r->len = r->head + content->len;
	r->data = malloc(r->len);
	if (r->data == NULL)
		return;
	r->data[0] = (char)(head->len >> 8);
	r->data[1] = (char)(head->len & 0xff);
	memcpy(r->data + 2, head->data, head->len);
	memcpy(r->data + r->head, content->data, content->len);
}

int
request_make(struct request *r, const struct request_parts *parts)
{
	const char *header = parts->header != NULL ? parts->header :
	    REQUEST_HEADER;
	const char *text = parts->content != NULL ? parts->content :
	    REQUEST_RING;
	size_t len = parts->content_len > 0 ? parts->content_len :
	    strlen(text);
	struct filled head = { .data = NULL }, content = { .data = NULL };
	char length[32];

	*r = (struct request){ .data = NULL };
	if (fill(&content, text, len, "", parts->n_long) != 0)
		return -1;
	snprintf(length, sizeof(length), "%zu", content.len);
	if (fill(&head, header, strlen(header), length, parts->n_long) == 0) {
		join(r, &head, &content);
		free(head.data);
	}
	free(content.data);
	return r->data != NULL ? 0 : -1;
}

void
request_clear(struct request *r)
{
	free(r->data);
	*r = (struct request){ .data = NULL };
}
