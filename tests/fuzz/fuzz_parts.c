/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Lists of parts, and what clients say: pieces of headers and contents that
 * are put together at random, so that the fast path meets each of its
 * spellings, and everything that is nearly one.
 */

#include "config.h"

#include "fuzz_parts.h"

#include <string.h>

#include "daemon/base/buf.h"
#include "fuzz.h"
#include "lib/appmsg.h"

#define PARTS_MAX	256
#define MARK		"\xff\xff"

struct part {
	const uint8_t *p;
	size_t len;
};

struct parts {
	struct part list[PARTS_MAX];
	size_t n;
};

static void
add(struct buf *b, const void *bytes, size_t len)
{
	FUZZ_CHECK(buf_add(b, bytes, len) == 0);
}

static void
add_text(struct buf *b, const char *text)
{
	add(b, text, strlen(text));
}

/* The bytes before FF FF, or all; *data goes behind it. */
static struct part
take_part(const uint8_t **data, size_t *len)
{
	const uint8_t *mark = memmem(*data, *len, MARK, 2);
	size_t n = mark != NULL ? (size_t)(mark - *data) : *len;
	struct part part = { *data, n };

	*data += mark != NULL ? n + 2 : n;
	*len -= mark != NULL ? n + 2 : n;
	return part;
}

void
parts_put_right(struct buf *b, const uint8_t *data, size_t len)
{
	while (len > 0) {
		struct part header = take_part(&data, &len);
		struct part content = take_part(&data, &len);
		size_t before, start = b->len + APPMSG_LENGTH_SIZE;
		const uint8_t *at = memchr(header.p, '@', header.len);
		char number[24];

		before = at != NULL ? (size_t)(at - header.p) : header.len;
		add(b, "\0", APPMSG_LENGTH_SIZE);
		add(b, header.p, before);
		if (at != NULL) {
			snprintf(number, sizeof(number), "%zu", content.len);
			add_text(b, number);
			add(b, at + 1, header.len - before - 1);
		}
		b->data[start - 2] = (char)((b->len - start) >> 8);
		b->data[start - 1] = (char)(b->len - start);
		add(b, content.p, content.len);
	}
}

#define PICK(state, list) \
	((list)[fuzz_random(state, sizeof(list) / sizeof(*(list)))])

static const char *const keys[] = {
	"ring", "ring", "a", "rings", "ri", "x", "", "RING", ("Stra\xc3\x9f" "e"),
	"\xf0\x9f\x92\x8d", "w\xc3\xa4hrung", "W\xc3\x84HRUNG", "spring", "k1",
	"k2", "k77", "k9999", "K3", "k10008", "\\u0000", "\\u0072ing",
	"\\ud83d\\udc8d", "x\\u0000y", "\\n\\\"\\\\\\/", "\\ud800", "\\u004",
	"ri\xc3", "ri\tng", "\xf0\x9f\x90\xb0", "ring\",\"x\":\"",
	"a long key that is in no table, longer than any step of the scanner",
};

/* Members that a header may have behind the usual ones. */
static const char *const more[] = {
	"\"id\":7", "\"id\":7", "\"id\":8", "\"id\":123456789012345",
	"\"id\":1234567890123456", "\"id\":-1", "\"id\":-0", "\"id\":007",
	"\"id\":\"x\"", "\"id\":\"x\"", "\"id\":\"yz\"", "\"id\":\"\"",
	"\"id\":\"\\u0041\"", "\"id\":\"\x7f\"", "\"id\":\"\xc3\xa4\"",
	"\"id\":null", "\"connection\":\"close\"", "\"connection\":null",
	"\"connection\":\"keep\\u002dalive\"", "\"explain\":true",
	"\"explain\":false", "\"suggest\":0", "\"suggest\":3", "\"x\":[{}]",
	"\"x\":\"connection\"", "\"id\":1,\"\\u0069d\":2",
};

static const char *const usual[] = {
	("\"byteorder\": \"little\", \"content-type\": \"text/json\", "
	    "\"content-encoding\": \"utf-8\", \"content-length\": @"),
	("\"byteorder\":\"little\",\"content-type\":\"text/json\","
	    "\"content-encoding\":\"utf-8\",\"content-length\":@"),
	("\"content-length\":@,\"content-encoding\":\"utf-8\","
	    "\"content-type\":\"text/json\",\"byteorder\":0"),
	("\"byteorder\":0,\"content-type\":\"text/json\","
	    "\"content-encoding\":\"UTF8\",\"content-length\":@"),
	("\"byteorder\":0,\"content-type\":\"text\\/json\","
	    "\"content-encoding\":\"utf-8\",\"content-length\":@"),
	("\"byteorder\":0,\"content-type\":\"text/json\","
	    "\"content-encoding\":\"utf-8\",\"content-length\":0@"),
	("\"byteorder\":0,\"content-type\":\"x\","
	    "\"content-encoding\":\"utf-8\",\"content-length\":@"),
};

static void
make_header(struct buf *b, uint64_t *state)
{
	/* The first ones more often: those are the fast path's. */
	uint32_t few = fuzz_random(state, 3) > 0 ? 3 :
	    sizeof(usual) / sizeof(*usual);

	add_text(b, "{");
	add_text(b, usual[fuzz_random(state, few)]);
	if (fuzz_random(state, 8) > 0)
		add_text(b, ",\"connection\":\"keep-alive\"");
	if (fuzz_random(state, 3) == 0) {
		add_text(b, ",");
		add_text(b, PICK(state, more));
	}
	add_text(b, "}");
}

/* What stands around a key; the first ones are the fast path's. */
static const char *const around[][2] = {
	{ "{\"action\": \"search\", \"value\": \"", "\"}" },
	{ "{\"action\":\"search\",\"value\":\"", "\"}" },
	{ "{\"action\": \"search\", \"value\": \"", "\"}" },
	{ "{\"action\":\"search\",\"value\":\"", "\"} " },
	{ "{\"action\":\"search\",\"value\":\"", "\",\"x\":{}}" },
	{ "{\"action\":\"search\",\"value\":\"", "\",\"value\":\"a\"}" },
	{ "{\"value\":\"", "\",\"action\":\"search\"}" },
	{ "{\"action\":\"s\\u0065arch\",\"value\":\"", "\"}" },
	{ "{\"action\":\"search\",\"value\":\"",
	    "\",\"match\":\"prefix\",\"limit\":3}" },
	{ "{\"action\":\"search\",\"value\":\"", "\",\"match\":\"exact\"}" },
	{ "{\"action\":\"search\",\"value\":\"",
	    "\",\"match\":\"fuzzy\",\"distance\":1}" },
	{ "{\"action\":\"search\",\"value\":\"",
	    "\",\"table\":\"words\"}" },
	{ "{\"action\":\"", "\"}" },
	{ "", "" },
};

static void
make_content(struct buf *b, uint64_t *state)
{
	const char *const *pair = fuzz_random(state, 3) > 0 ?
	    around[fuzz_random(state, 2)] : PICK(state, around);

	add_text(b, pair[0]);
	add_text(b, PICK(state, keys));
	add_text(b, pair[1]);
}

/* Make room for n parts at a place. */
static void
parts_open(struct parts *parts, size_t at, size_t n)
{
	memmove(parts->list + at + n, parts->list + at,
	    (parts->n - at) * sizeof(*parts->list));
	parts->n += n;
}

/* Some bytes changed, without a mark that was not there. */
static void
part_mutate(struct part *part, uint64_t *state)
{
	static uint8_t bytes[4096];
	static struct buf made;

	if (fuzz_random(state, 2) == 0) {
		made.len = 0;
		(fuzz_random(state, 2) ? make_header : make_content)(&made,
		    state);
		part->p = (const uint8_t *)made.data;
		part->len = made.len;
		return;
	}
	if (part->len > sizeof(bytes))
		return;
	if (part->len > 0)
		memcpy(bytes, part->p, part->len);
	part->len = LLVMFuzzerMutate(bytes, part->len, sizeof(bytes));
	for (size_t i = 1; i < part->len; i++)
		if (bytes[i] == 0xff && bytes[i - 1] == 0xff)
			bytes[i] = 'x';
	part->p = bytes;
}

static void
parts_change(struct parts *parts, uint64_t *state)
{
	static struct buf made[2];
	/* At a message, which is two parts. */
	size_t at = 2 * fuzz_random(state, (uint32_t)parts->n / 2 + 1);
	size_t from = 2 * fuzz_random(state, (uint32_t)parts->n / 2 + 1);
	bool whole = at + 2 <= parts->n && from + 2 <= parts->n;
	struct part pair[2];

	if (whole)
		memcpy(pair, parts->list + from, sizeof(pair));
	switch (fuzz_random(state, 8)) {
	case 0:		/* one less */
		if (!whole)
			return;
		memmove(parts->list + at, parts->list + at + 2,
		    (parts->n - at - 2) * sizeof(*parts->list));
		parts->n -= 2;
		return;
	case 1:		/* one again */
	case 2:
		if (!whole || parts->n > PARTS_MAX - 2)
			return;
		parts_open(parts, at, 2);
		memcpy(parts->list + at, pair, sizeof(pair));
		return;
	case 3:
	case 4:
		if (whole)
			part_mutate(&parts->list[at + fuzz_random(state, 2)],
			    state);
		return;
	default:	/* a new one */
		if (parts->n > PARTS_MAX - 2)
			return;
		made[0].len = made[1].len = 0;
		make_header(&made[0], state);
		make_content(&made[1], state);
		parts_open(parts, at, 2);
		for (int i = 0; i < 2; i++)
			parts->list[at + (size_t)i] = (struct part){
			    (const uint8_t *)made[i].data, made[i].len };
	}
}

size_t
parts_mutate(uint8_t *data, size_t len, size_t max, uint64_t *state)
{
	static struct buf b;
	const uint8_t *p = data;
	size_t left = len;
	struct parts parts = { .n = 0 };

	while (left > 0) {
		if (parts.n == PARTS_MAX)
			return LLVMFuzzerMutate(data, len, max);
		parts.list[parts.n++] = take_part(&p, &left);
	}
	if (parts.n % 2 == 1 && parts.n < PARTS_MAX)
		parts.list[parts.n++] = (struct part){ p, 0 };
	parts_change(&parts, state);
	b.len = 0;
	add(&b, "", 0);		/* so that there is memory, though empty */
	for (size_t i = 0; i < parts.n; i++) {
		if (i > 0)
			add(&b, MARK, 2);
		add(&b, parts.list[i].p, parts.list[i].len);
	}
	if (b.len > max)
		return LLVMFuzzerMutate(data, len, max);
	memcpy(data, b.data, b.len);
	return b.len;
}

size_t
parts_mutate_all(const struct parts_setup *setup, uint8_t *data, size_t len,
    size_t max, unsigned int seed)
{
	size_t size = setup->size;
	uint64_t state = seed;

	if (len < size || max <= size || fuzz_random(&state, 8) == 0)
		return LLVMFuzzerMutate(data, len, max);
	if (fuzz_random(&state, setup->orders) == 0) {
		data[fuzz_random(&state, (uint32_t)size)] ^=
		    (uint8_t)(1u << fuzz_random(&state, 8));
		return len;
	}
	if (!(data[0] & setup->right) && fuzz_random(&state, 4) > 0)
		return size + LLVMFuzzerMutate(data + size, len - size,
		    max - size);
	data[0] |= setup->right;
	return size + parts_mutate(data + size, len - size, max - size,
	    &state);
}
