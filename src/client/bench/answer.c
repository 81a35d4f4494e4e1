/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Each reply is read as strictly as search reads it, but that nothing of it is
 * kept.
 */

#include "config.h"

#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "requests.h"

/* Nobody sends so much; who says so is wrong. */
#define CONTENT_MOST	(UINT64_C(1) << 32)

/* A longer text of a server without status is an answer in any case. */
#define TEXT_MAX	(64 * 1024)

/* For how many requests, and how long ones, replies are kept: 4 MB at most. */
#define KNOWN_REQUESTS	8192
#define KNOWN_SIZE	500

struct answer_known {
	uint16_t len;		/* 0: none */
	uint16_t id_at;		/* len: it has none */
	uint8_t outcome;
	bool keeps;
	char bytes[KNOWN_SIZE];
};

int
answer_find(struct answer *a, const char *data, size_t len)
{
	size_t used, here;
	int error;

	/* A header is an object; so what is none is told at once. */
	if (len > APPMSG_LENGTH_SIZE &&
	    memchr("{ \t\n\r", data[APPMSG_LENGTH_SIZE], 5) == NULL)
		return APPMSG_EPROTO;
	error = appmsg_header_decode(data, len, &a->header, &used);
	if (error != 0)
		return error;
	if (a->header.flaw != APPMSG_FLAW_NONE ||
	    a->header.content_length > CONTENT_MOST)
		return APPMSG_EPROTO;
	here = len - used;
	if (a->header.content_length <= here) {
		here = (size_t)a->header.content_length;
		a->content = data + used;
	} else if (a->header.content_length <= ANSWER_CONTENT_MAX) {
		return APPMSG_EAGAIN;
	} else {
		a->content = NULL;
	}
	a->len = used + here;
	a->rest = a->header.content_length - here;
	a->keeps = appmsg_str_eq(&a->header.connection, "keep-alive", 10);
	return 0;
}

/* The id of the request came back, or an error that may come without. */
static bool
has_id(const struct answer *a, int64_t id, bool has_ids, bool failed)
{
	switch (a->header.id.kind) {
	case APPMSG_ID_INT:
		return a->header.id.num == id;
	case APPMSG_ID_NONE:
		return !has_ids || failed;
	case APPMSG_ID_STRING:
		break;
	}
	return false;
}

/* Where there is no status, the text says it; false when there is none. */
static bool
judge_text(const struct appmsg_str *result, const char *key, size_t key_len,
    enum reply_outcome *outcome)
{
	char text[TEXT_MAX];
	size_t len;
	int error = appmsg_str_decode(result, text, sizeof(text), &len);

	if (error == APPMSG_E2BIG)
		*outcome = REPLY_FOUND;
	else if (error == 0)
		*outcome = reply_judge(text, len, key, key_len);
	return error == 0 || error == APPMSG_E2BIG;
}

enum tally_failure
answer_judge(const struct answer *a, const char *key, size_t key_len,
    int64_t id, bool has_ids, enum reply_outcome *outcome)
{
	struct appmsg_str result;
	bool has_status = reply_outcome(&a->header, outcome);

	if (!has_id(a, id, has_ids, has_status && *outcome > REPLY_MISSED))
		return TALLY_WRONG_ID;
	if (!appmsg_str_eq(&a->header.content_type, "text/json", 9))
		return TALLY_NO_REPLY;
	if (a->content == NULL) {
		if (!has_status)
			*outcome = REPLY_FOUND;
		return TALLY_FAILURES;
	}
	if (appmsg_content_find(a->content, (size_t)a->header.content_length,
	    "result", &result) != 0)
		return TALLY_NO_REPLY;
	if (!has_status && !judge_text(&result, key, key_len, outcome))
		return TALLY_NO_REPLY;
	return TALLY_FAILURES;
}

int
answer_memo_init(struct answer_memo *memo, size_t n)
{
	memo->known = NULL;
	if (n > KNOWN_REQUESTS)
		return 0;
	memo->known = calloc(n, sizeof(*memo->known));
	return memo->known != NULL ? 0 : -1;
}

void
answer_memo_clear(struct answer_memo *memo)
{
	free(memo->known);
	memo->known = NULL;
}

size_t
answer_recall(const struct answer_memo *memo, size_t request,
    const char *data, size_t len, int64_t id, struct answer_verdict *verdict)
{
	const struct answer_known *known;
	size_t behind;

	if (memo->known == NULL)
		return 0;
	known = &memo->known[request];
	if (known->len == 0 || len < known->len ||
	    memcmp(data, known->bytes, known->id_at) != 0)
		return 0;
	if (known->id_at < known->len) {
		behind = known->id_at + REQUESTS_ID_LEN;
		if (memcmp(data + behind, known->bytes + behind,
		    known->len - behind) != 0 ||
		    !requests_is_id(data + known->id_at, id))
			return 0;
	}
	verdict->outcome = known->outcome;
	verdict->keeps = known->keeps;
	return known->len;
}

void
answer_remember(struct answer_memo *memo, size_t request, const char *data,
    const struct answer *a, enum reply_outcome outcome)
{
	struct answer_known *known;
	char digits[REQUESTS_ID_LEN];
	const char *id = NULL;

	if (memo->known == NULL || a->len > KNOWN_SIZE || a->rest > 0 ||
	    outcome > REPLY_MISSED)
		return;
	known = &memo->known[request];
	known->len = 0;
	if (a->header.id.kind != APPMSG_ID_NONE) {
		/* Where they stand twice, nobody knows which is the id. */
		requests_put_id(digits, a->header.id.num);
		id = memmem(data, a->len, digits, sizeof(digits));
		if (id == NULL || memmem(id + 1,
		    a->len - (size_t)(id + 1 - data), digits,
		    sizeof(digits)) != NULL)
			return;
	}
	memcpy(known->bytes, data, a->len);
	known->outcome = (uint8_t)outcome;
	known->keeps = a->keeps;
	known->len = (uint16_t)a->len;
	known->id_at = id != NULL ? (uint16_t)(id - data) : known->len;
}
