/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Headers are cut where numbers are when they are remembered, and compared
 * around that.
 */

#include "config.h"

#include "lib/core/heads.h"

#include "lib/scan.h"

#define PATIENCE	8	/* headers seen for each one more remembered */

static const struct appmsg_str head_keep_alive = APPMSG_STR("keep-alive");
static const struct appmsg_str head_json = APPMSG_STR("text/json");

/* In the order of enum appmsg_status. */
static const struct appmsg_str head_words[] = {
	APPMSG_STR(""), APPMSG_STR("found"), APPMSG_STR("not-found"),
	APPMSG_STR("error"), APPMSG_STR("busy"), APPMSG_STR("denied"),
	APPMSG_STR("unavailable")
};

#define WORDS	(sizeof(head_words) / sizeof(*head_words))

const char *
appmsg_status_word(enum appmsg_status status)
{
	return (size_t)status < WORDS ? head_words[status].raw : "";
}

/* A word that is not known is an error, says appmsg-protocol(7). */
enum appmsg_status
core_head_status(const struct appmsg_header *hdr)
{
	if (hdr->status.raw == NULL)
		return APPMSG_STATUS_NONE;
	for (size_t i = APPMSG_STATUS_FOUND; i < WORDS; i++)
		if (appmsg_str_eq(&hdr->status, head_words[i].raw,
		    head_words[i].len))
			return (enum appmsg_status)i;
	return APPMSG_STATUS_ERROR;
}

bool
core_head_keeps(const struct appmsg_header *hdr)
{
	return appmsg_str_eq(&hdr->connection, head_keep_alive.raw,
	    head_keep_alive.len);
}

bool
core_head_is_json(const struct appmsg_header *hdr)
{
	return appmsg_str_eq(&hdr->content_type, head_json.raw,
	    head_json.len);
}

/* A string of a header that was copied, in the copy. */
static void
str_move(struct appmsg_str *str, const char *from, const char *to)
{
	if (str->raw != NULL)
		str->raw = to + (str->raw - from);
}

static bool
is_number(const struct scan_value *v, ptrdiff_t most)
{
	uint64_t n;

	return core_digits(v->raw, v->raw + v->len, most, &n) ==
	    v->raw + v->len;
}

/*
 * Find the holes of a header that is known to be well-formed.  An id stands
 * behind the length, or in no hole: then it must be the same one.
 */
static bool
find_holes(struct core_head *head)
{
	struct appmsg_str name;
	struct scan_value v;
	struct scan scan;
	size_t start;

	head->length_start = head->id_start = head->id_end = 0;
	scan_init(&scan, head->text + APPMSG_LENGTH_SIZE,
	    head->len - APPMSG_LENGTH_SIZE);
	scan_object(&scan);
	while (scan_member(&scan, &name) == SCAN_OK &&
	    scan_value(&scan, &v) == SCAN_OK) {
		start = (size_t)(v.raw - head->text);
		if (appmsg_str_eq(&name, "content-length", 14)) {
			if (!is_number(&v, CORE_DIGITS_LENGTH))
				return false;
			head->length_start = start;
			head->length_end = start + v.len;
		} else if (head->length_start > 0 &&
		    appmsg_str_eq(&name, "id", 2) &&
		    is_number(&v, CORE_DIGITS_ID)) {
			head->id_start = start;
			head->id_end = start + v.len;
		}
	}
	return head->length_start > 0;
}

void
core_heads_remember(struct core_heads *heads, const char *buf, size_t len,
    const struct appmsg_header *hdr)
{
	struct core_head *head = &heads->all[heads->next];

	if (len > CORE_HEAD_MAX)
		return;
	/* Where each is another one, not each pays for it. */
	if (head->len > 0 && heads->wait++ < PATIENCE)
		return;
	heads->wait = 0;
	memcpy(head->text, buf, len);
	head->len = len;
	head->hdr = *hdr;
	str_move(&head->hdr.content_type, buf, head->text);
	str_move(&head->hdr.content_encoding, buf, head->text);
	str_move(&head->hdr.connection, buf, head->text);
	str_move(&head->hdr.status, buf, head->text);
	str_move(&head->hdr.error, buf, head->text);
	str_move(&head->hdr.id.str, buf, head->text);
	head->status = core_head_status(hdr);
	head->keeps = core_head_keeps(hdr);
	head->json = core_head_is_json(hdr);
	if (!find_holes(head)) {
		head->len = 0;
		return;
	}
	heads->last = heads->next;
	heads->next = (heads->next + 1) % CORE_HEADS;
}

bool
core_heads_find_other(struct core_heads *heads, const char *buf, size_t len,
    struct core_fit *fit)
{
	for (size_t i = 0; i < CORE_HEADS; i++) {
		if (i == heads->last || heads->all[i].len == 0 ||
		    !core_head_fits(&heads->all[i], buf, len, fit))
			continue;
		heads->last = i;
		return true;
	}
	return false;
}
