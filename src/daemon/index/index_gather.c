/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The words of a share of all keys: a hash of them, and for each the gaps
 * between the ranks of its keys, in blocks that become larger with the word's
 * number of keys.  A word of one key, as most are, has no block.
 */

#include "config.h"

#include "daemon/index/index_words_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/index/index_private.h"
#include "daemon/table/fold.h"
#include "daemon/table/word.h"
#include "daemon/thread/pace.h"
#include "lib/appmsg.h"

#define UNIT		4	/* bytes; a block's first has the next one */
#define BLOCK_MIN	1	/* units of gaps in a word's first block */
#define BLOCK_MAX	1023	/* and in its last ones */
#define SLOTS_MIN	64
#define PIECE		4096	/* bytes of an answer that are folded at once */
#define PADDING		16	/* that a torn escape may read beyond its end */

int
index_bytes_reserve(struct index_bytes *bytes, size_t more)
{
	size_t room = bytes->room;
	uint8_t *p;

	if (bytes->p != NULL && more <= room - bytes->len)
		return 0;
	while (room - bytes->len < more)
		room = room + room / 2 + 64;
	if ((p = realloc(bytes->p, room)) == NULL)
		return -1;
	bytes->p = p;
	bytes->room = room;
	return 0;
}

size_t
index_number_put(uint8_t *p, uint64_t n)
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		p[len++] = (uint8_t)(n | 0x80);
	p[len++] = (uint8_t)n;
	return len;
}

static uint32_t
block_after(uint32_t room)
{
	uint32_t units = room / UNIT * 2 + 1;

	return (units > BLOCK_MAX ? BLOCK_MAX : units) * UNIT;
}

/* A new last block for a word. */
static int
gather_block(struct index_gather *gather, struct index_gathered *word)
{
	uint32_t room = word->head == 0 ? BLOCK_MIN * UNIT :
	    block_after(word->room);
	size_t need = gather->units_n + 1 + room / UNIT;

	if (need > gather->units_room) {
		size_t units_room = need + need / 2 + 64;
		uint32_t *units;

		if (need > UINT32_MAX) {
			errno = ENOMEM;
			return -1;
		}
		units = reallocarray(gather->units, units_room,
		    sizeof(*units));
		if (units == NULL)
			return -1;
		gather->units = units;
		gather->units_room = units_room;
	}
	if (word->head == 0)
		word->head = (uint32_t)gather->units_n;
	else
		gather->units[word->tail] = (uint32_t)gather->units_n;
	word->tail = (uint32_t)gather->units_n;
	gather->units[word->tail] = 0;
	gather->units_n = need;
	word->used = 0;
	word->room = room;
	return 0;
}

/* The word is in one more key. */
static int
gather_rank(struct index_gather *gather, struct index_gathered *word,
    uint32_t rank)
{
	uint8_t gap[LIST_NUMBER_MAX];
	size_t len;

	if (word->last == rank)
		return 0;
	len = index_number_put(gap, rank - word->last - 1);
	for (size_t i = 0; i < len; i++) {
		if (word->used == word->room &&
		    gather_block(gather, word) == -1)
			return -1;
		((uint8_t *)&gather->units[word->tail + 1])[word->used++] =
		    gap[i];
	}
	word->last = rank;
	word->n++;
	return 0;
}

static int
gather_slots(struct index_gather *gather)
{
	size_t n = gather->slots_n == 0 ? SLOTS_MIN : gather->slots_n * 2;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < gather->n; i++) {
		size_t at = gather->words[i].hash & (n - 1);

		while (slots[at] != 0)
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(gather->slots);
	gather->slots = slots;
	gather->slots_n = n;
	return 0;
}

/* A word that was not there before. */
static int
gather_new(struct index_gather *gather, const uint8_t *text, size_t len,
    uint32_t hash, uint32_t rank)
{
	if (gather->n == gather->room) {
		size_t room = gather->room + gather->room / 2 + 32;
		struct index_gathered *words = reallocarray(gather->words,
		    room, sizeof(*words));

		if (words == NULL)
			return -1;
		gather->words = words;
		gather->room = room;
	}
	if (gather->n == UINT32_MAX - 1) {
		errno = ENOMEM;
		return -1;
	}
	if (index_bytes_reserve(&gather->text, len) == -1)
		return -1;
	memcpy(gather->text.p + gather->text.len, text, len);
	gather->words[gather->n++] = (struct index_gathered){
		.text = gather->text.len, .len = (uint32_t)len, .hash = hash,
		.n = 1, .first = rank, .last = rank
	};
	gather->text.len += len;
	return 0;
}

static int
gather_word(struct index_gather *gather, const uint8_t *text, size_t len,
    uint32_t rank)
{
	uint32_t hash = (uint32_t)table_hash((const char *)text, len);
	size_t at;

	/* At most half of them are taken. */
	if (gather->n * 2 >= gather->slots_n && gather_slots(gather) == -1)
		return -1;
	at = hash & (gather->slots_n - 1);
	for (; gather->slots[at] != 0; at = (at + 1) & (gather->slots_n - 1)) {
		struct index_gathered *word =
		    &gather->words[gather->slots[at] - 1];

		if (word->hash == hash && word->len == len &&
		    memcmp(gather->text.p + word->text, text, len) == 0)
			return gather_rank(gather, word, rank);
	}
	if (gather_new(gather, text, len, hash, rank) == -1)
		return -1;
	gather->slots[at] = (uint32_t)gather->n;
	return 0;
}

static int
gather_text(struct index_gather *gather, const void *text, size_t len,
    uint32_t rank)
{
	const uint8_t *p = text;
	size_t start, end = 0;

	while (word_next(p, len, &start, &end)) {
		if (gather_word(gather, p + start, index_word_len(p + start,
		    end - start), rank) == -1)
			return -1;
	}
	return 0;
}

/*
 * Fold and gather, by pieces: what is behind them begins with a character of
 * ASCII, which nothing composes with or moves across, and which is no part of
 * a word.
 */
static int
gather_folded(struct index_gather *gather, bool marks, const char *text,
    size_t len, uint32_t rank)
{
	struct index_bytes *folded = &gather->folded;

	for (size_t at = 0, end; at < len; at = end) {
		end = len - at < PIECE ? len : at + PIECE;
		while (end < len && ((text[end] & 0x80) != 0 ||
		    word_has((uint8_t)text[end])))
			end++;
		if (index_bytes_reserve(folded, FOLD_ROOM(end - at)) == -1 ||
		    fold_as(marks, text + at, end - at, (char *)folded->p,
		    &folded->len) == -1)
			return -1;
		if (gather_text(gather, folded->p, folded->len, rank) == -1)
			return -1;
		folded->len = 0;
		pace();
	}
	return 0;
}

/* Undo the escapes of an answer, whatever becomes of a mapped one. */
static int
gather_plain(struct index_gather *gather, const char **text, size_t *len)
{
	struct index_bytes *plain = &gather->plain;
	struct appmsg_str str = { .len = *len, .flags = APPMSG_STR_ESCAPED };

	if (*len == 0 || memchr(*text, '\\', *len) == NULL)
		return 0;
	if (index_bytes_reserve(plain, *len * 2 + PADDING) == -1)
		return -1;
	memcpy(plain->p, *text, *len);
	memset(plain->p + *len, 0, PADDING);
	str.raw = (const char *)plain->p;
	*text = (const char *)plain->p + *len + PADDING;
	return appmsg_str_decode(&str, (char *)plain->p + *len + PADDING,
	    *len, len) == 0 ? 0 : -1;
}

static int
gather_answer(struct index_gather *gather, const struct table *table,
    table_id id, uint32_t rank)
{
	struct table_entry entry;
	const char *text;
	size_t len;

	table_entry(table, id, &entry);
	text = entry.value;
	len = entry.value_len;
	if (gather_plain(gather, &text, &len) == -1)
		return -1;
	return table_folds(table) ? gather_folded(gather,
	    table_drops_marks(table), text, len, rank) :
	    gather_text(gather, text, len, rank);
}

static const uint8_t *
gather_sort_key(const void *arg, uint64_t id, size_t *len)
{
	const struct index_gather *gather = arg;

	*len = gather->words[id].len;
	return gather->text.p + gather->words[id].text;
}

static int
gather_sort(struct index_gather *gather)
{
	gather->items = reallocarray(NULL, gather->n + 1,
	    sizeof(*gather->items));
	if (gather->items == NULL)
		return -1;
	for (size_t i = 0; i < gather->n; i++)
		gather->items[i].id = i;
	return index_sort(gather_sort_key, NULL, gather, gather->items,
	    gather->n, 0);
}

int
index_gather_run(struct index_gather *gather, const struct index *index,
    const struct table *table, uint32_t from, uint32_t to, bool answers)
{
	/* A block's number is never 0. */
	gather->units_n = 1;
	for (uint32_t i = from; i < to; i++) {
		uint32_t rank = gather->order == NULL ? i : gather->order[i];
		size_t len;
		const uint8_t *key = index_key(index, rank, &len);

		if (i % PACE_ENTRIES == 0)
			pace();
		if (gather_text(gather, key, len, i) == -1 ||
		    (answers && gather_answer(gather, table, index_id(index,
		    rank), i) == -1))
			return -1;
	}
	free(gather->slots);
	gather->slots = NULL;
	return gather_sort(gather);
}

void
index_gather_clear(struct index_gather *gather)
{
	free(gather->text.p);
	free(gather->words);
	free(gather->slots);
	free(gather->units);
	free(gather->items);
	free(gather->plain.p);
	free(gather->folded.p);
	*gather = (struct index_gather){ .n = 0 };
}

void
index_reader_init(struct index_reader *reader,
    const struct index_gather *gather, const struct index_gathered *word)
{
	*reader = (struct index_reader){ .gather = gather,
		.left = word->n - 1, .rank = word->first,
		.block = word->head, .room = BLOCK_MIN * UNIT };
}

void
index_reader_next(struct index_reader *reader)
{
	const uint32_t *units = reader->gather->units;
	uint64_t gap = 0;
	uint8_t byte;

	for (unsigned int shift = 0;; shift += 7) {
		if (reader->used == reader->room) {
			reader->block = units[reader->block];
			reader->room = block_after(reader->room);
			reader->used = 0;
		}
		byte = ((const uint8_t *)&units[reader->block + 1])[
		    reader->used++];
		gap |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	reader->left--;
	reader->rank += (uint32_t)gap + 1;
}
