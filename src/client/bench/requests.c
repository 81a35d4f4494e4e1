/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One run of bytes for all of them, so that those that are sent one after the
 * other in their order lie so, too.
 */

#include "config.h"

#include "requests.h"

#include <stdlib.h>
#include <string.h>

#include "appmsg.h"
#include "client/options/query.h"

#define REQUESTS_BYTES_MAX	((size_t)1 << 30)
#define REQUESTS_SOME		10000	/* stand for all of them */
#define REQUESTS_IDS		1000000000	/* then they begin again */

static int
reserve(struct requests *r, size_t more)
{
	size_t cap = r->cap > 0 ? r->cap : (size_t)16 * 1024;
	struct request *all;
	char *bytes;

	if (more > REQUESTS_BYTES_MAX - r->len)
		return APPMSG_E2BIG;
	while (cap - r->len < more)
		cap *= 2;
	if (cap != r->cap) {
		if ((bytes = realloc(r->bytes, cap)) == NULL)
			return APPMSG_ENOMEM;
		r->bytes = bytes;
		r->cap = cap;
	}
	if (r->n < r->all_cap)
		return 0;
	cap = r->all_cap > 0 ? 2 * r->all_cap : 64;
	if ((all = reallocarray(r->all, cap, sizeof(*all))) == NULL)
		return APPMSG_ENOMEM;
	r->all = all;
	r->all_cap = cap;
	return 0;
}

/* Put a request and its key behind the others. */
static int
append(struct requests *r, const char *key, size_t key_len,
    const char *content, size_t content_len)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.content_length = content_len,
		.connection = APPMSG_STR("keep-alive"),
		.id = { .kind = APPMSG_ID_INT, .num = REQUESTS_ID_FIRST }
	};
	struct request *request;
	size_t hdr_len;
	int error;

	appmsg_header_encode(&hdr, NULL, 0, &hdr_len);
	if (content_len > REQUESTS_BYTES_MAX || key_len > REQUESTS_BYTES_MAX)
		return APPMSG_E2BIG;
	if ((error = reserve(r, hdr_len + content_len + key_len)) != 0 ||
	    (error = appmsg_header_encode(&hdr, r->bytes + r->len,
	    r->cap - r->len, &hdr_len)) != 0)
		return error;
	request = &r->all[r->n++];
	request->at = r->len;
	request->len = (uint32_t)(hdr_len + content_len);
	/* It is the last member. */
	request->id_at = (uint32_t)(hdr_len - 1 - REQUESTS_ID_LEN);
	request->key_len = (uint32_t)key_len;
	memcpy(r->bytes + r->len + hdr_len, content, content_len);
	r->len += request->len;
	memcpy(r->bytes + r->len, key, key_len);
	r->len += key_len;
	if (request->len > r->longest)
		r->longest = request->len;
	return 0;
}

int
requests_add(struct requests *r, const struct query *query, const char *key,
    size_t len)
{
	char *content;
	size_t content_len;
	int error;

	if (!query_make(query, key, len, &content, &content_len))
		return APPMSG_ENOMEM;
	error = append(r, key, len, content, content_len);
	free(content);
	return error;
}

const char *
requests_bytes(const struct requests *r, size_t index)
{
	return r->bytes + r->all[index].at;
}

const char *
requests_key(const struct requests *r, size_t index)
{
	return r->bytes + r->all[index].at + r->all[index].len;
}

int64_t
requests_id(uint64_t number)
{
	return REQUESTS_ID_FIRST + (int64_t)(number % REQUESTS_IDS);
}

void
requests_put_id(char *to, int64_t id)
{
	uint32_t n = (uint32_t)id;

	for (int i = REQUESTS_ID_LEN - 1; i >= 0; i--, n /= 10)
		to[i] = (char)('0' + n % 10);
}

bool
requests_is_id(const char *digits, int64_t id)
{
	uint64_t n = 0;

	for (int i = 0; i < REQUESTS_ID_LEN; i++) {
		unsigned int digit = (unsigned char)digits[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	return n == (uint64_t)id;
}

size_t
requests_put(const struct requests *r, size_t index, int64_t id, char *to)
{
	const struct request *request = &r->all[index];

	memcpy(to, r->bytes + request->at, request->len);
	requests_put_id(to + request->id_at, id);
	return request->len;
}

static int
compare_lengths(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

size_t
requests_middle(const struct requests *r)
{
	size_t n = r->n < REQUESTS_SOME ? r->n : REQUESTS_SOME, i;
	uint32_t *lengths = reallocarray(NULL, n, sizeof(*lengths)), middle;

	if (lengths == NULL)
		return 0;
	/* Some of all of them, where they are many. */
	for (i = 0; i < n; i++)
		lengths[i] = r->all[i * (r->n / n)].len;
	qsort(lengths, n, sizeof(*lengths), compare_lengths);
	middle = lengths[n / 2];
	free(lengths);
	for (i = 0; i < r->n - 1 && r->all[i].len != middle; i++)
		;
	return i;
}

void
requests_clear(struct requests *r)
{
	free(r->bytes);
	free(r->all);
	memset(r, 0, sizeof(*r));
}
