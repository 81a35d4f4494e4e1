/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The numbers of all calls are cut into spans that have the same fate, and a
 * binary tree finds the span of a call: some ten comparisons, however many
 * rules there are.
 */

#include "config.h"

#include "daemon/system/filter.h"

#include <linux/seccomp.h>

#include <errno.h>
#include <stdlib.h>

/* From a number to that of the next span; n 0: no rule. */
struct span {
	uint32_t from;
	const struct filter_rule *rules;	/* n of the same number */
	size_t n;
};

#define SPANS_MAX	(2 * FILTER_RULES_MAX + 1)

/* Where the halves of an argument are; words are the machine's. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW		0
#define HIGH		4
#else
#define LOW		4
#define HIGH		0
#endif

void
filter_add(struct filter *f, const struct filter_rule *rule)
{
	if (f->n == FILTER_RULES_MAX) {
		f->full = true;
		return;
	}
	f->rules[f->n] = *rule;
	f->rules[f->n].order = f->n;
	f->n++;
}

/* Returns where the instruction is. */
static size_t
emit(struct filter *f, unsigned int code, uint32_t k)
{
	if (f->n_code == FILTER_CODE_MAX) {
		f->full = true;
		return 0;
	}
	f->code[f->n_code] = (struct sock_filter){ (uint16_t)code, 0, 0, k };
	return f->n_code++;
}

static void
emit_load(struct filter *f, size_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

/* Look at half of an argument.  Returns the jump that is to leave if not. */
static size_t
emit_half(struct filter *f, size_t offset, uint32_t mask, uint32_t value)
{
	emit_load(f, offset);
	if (mask != UINT32_MAX)
		emit(f, BPF_ALU | BPF_AND | BPF_K, mask);
	return emit(f, BPF_JMP | BPF_JEQ | BPF_K, value);
}

static void
emit_rule(struct filter *f, const struct filter_rule *rule)
{
	size_t arg = offsetof(struct seccomp_data, args) +
	    rule->arg * sizeof(uint64_t);
	uint32_t high = (uint32_t)(rule->mask >> 32);
	uint32_t low = (uint32_t)rule->mask;
	size_t leave[2], n = 0;

	if (high != 0)
		leave[n++] = emit_half(f, arg + HIGH, high,
		    (uint32_t)(rule->value >> 32));
	if (low != 0)
		leave[n++] = emit_half(f, arg + LOW, low,
		    (uint32_t)rule->value);
	emit(f, BPF_RET | BPF_K, rule->action);
	while (n-- > 0)
		f->code[leave[n]].jf = (uint8_t)(f->n_code - leave[n] - 1);
}

static void
emit_span(struct filter *f, const struct span *span)
{
	for (size_t i = 0; i < span->n; i++)
		emit_rule(f, &span->rules[i]);
	if (span->n == 0 || span->rules[span->n - 1].mask != 0)
		emit(f, BPF_RET | BPF_K, f->otherwise);
}

/* A jump over many instructions takes one of its own. */
static void
emit_tree(struct filter *f, const struct span *spans, size_t n)
{
	size_t half = n / 2, jump;

	if (n == 1) {
		emit_span(f, spans);
		return;
	}
	jump = emit(f, BPF_JMP | BPF_JGE | BPF_K, spans[half].from);
	f->code[jump].jf = 1;
	jump = emit(f, BPF_JMP | BPF_JA, 0);
	emit_tree(f, spans, half);
	f->code[jump].k = (uint32_t)(f->n_code - jump - 1);
	emit_tree(f, spans + half, n - half);
}

static int
compare(const void *a, const void *b)
{
	const struct filter_rule *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Whether what is behind a span goes on as it does. */
static bool
is_same(const struct span *span, const struct filter_rule *rules, size_t n)
{
	if (span->n == 0 || n == 0)
		return span->n == n;
	return span->rules[0].mask == 0 && rules[0].mask == 0 &&
	    span->rules[0].action == rules[0].action;
}

static size_t
add_span(struct span *spans, size_t n_spans, uint32_t from,
    const struct filter_rule *rules, size_t n)
{
	if (n_spans > 0 && is_same(&spans[n_spans - 1], rules, n))
		return n_spans;
	spans[n_spans] = (struct span){ from, rules, n };
	return n_spans + 1;
}

/* Returns how many there are. */
static size_t
cut(const struct filter *f, struct span *spans)
{
	uint32_t next = 0;	/* of no span yet */
	size_t n_spans = 0, i = 0, n;

	while (i < f->n) {
		const struct filter_rule *rules = &f->rules[i];

		for (n = 1; i + n < f->n && rules[n].nr == rules->nr; n++)
			;
		if (rules->nr > next)
			n_spans = add_span(spans, n_spans, next, NULL, 0);
		n_spans = add_span(spans, n_spans, rules->nr, rules, n);
		next = rules->nr + 1;
		i += n;
	}
	return add_span(spans, n_spans, next, NULL, 0);
}

int
filter_compile(struct filter *f, uint32_t arch, uint32_t otherwise)
{
	static struct span spans[SPANS_MAX];
	size_t jump;

	f->n_code = 0;
	f->otherwise = otherwise;
	qsort(f->rules, f->n, sizeof(f->rules[0]), compare);
	emit_load(f, offsetof(struct seccomp_data, arch));
	jump = emit(f, BPF_JMP | BPF_JEQ | BPF_K, arch);
	f->code[jump].jt = 1;
	emit(f, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	emit_load(f, offsetof(struct seccomp_data, nr));
	emit_tree(f, spans, cut(f, spans));
	if (!f->full)
		return 0;
	errno = E2BIG;
	return -1;
}
