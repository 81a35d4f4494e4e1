/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The program of a filter, run by a machine of the kernel's kind that is
 * written here again, says of every call what its rules say.
 */

#include "config.h"

#include "daemon/system/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roll.h"

#define ARCH		AUDIT_ARCH_X86_64
#define OTHERWISE	(SECCOMP_RET_ERRNO | 38)
#define ROUNDS		200
#define CALLS		2000

static struct filter f;

static uint32_t
run(const struct seccomp_data *data)
{
	const char *bytes = (const char *)data;
	uint32_t a = 0;
	size_t i = 0;

	for (;;) {
		const struct sock_filter *p = &f.code[i++];

		assert_true(i <= f.n_code);
		switch (p->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(p->k % 4 == 0 && p->k < sizeof(*data));
			memcpy(&a, bytes + p->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= p->k;
			break;
		case BPF_JMP | BPF_JA:
			i += p->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == p->k ? p->jt : p->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= p->k ? p->jt : p->jf;
			break;
		case BPF_RET | BPF_K:
			return p->k;
		default:
			fail_msg("code %u", p->code);
		}
	}
}

/* The first rule that is met, in the order in which they were added. */
static uint32_t
wanted(const struct filter_rule *rules, size_t n,
    const struct seccomp_data *data)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].nr == (uint32_t)data->nr &&
		    (data->args[rules[i].arg] & rules[i].mask) ==
		    rules[i].value)
			return rules[i].action;
	return OTHERWISE;
}

static void
compile(const struct filter_rule *rules, size_t n)
{
	memset(&f, 0, sizeof(f));
	for (size_t i = 0; i < n; i++)
		filter_add(&f, &rules[i]);
	assert_int_equal(filter_compile(&f, ARCH, OTHERWISE), 0);
}

/* Bits that are often few and often the same. */
static uint64_t
bits(void)
{
	switch (roll(5)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return UINT64_C(1) << roll(64);
	case 3:
		return (uint64_t)roll(8) << 30;
	}
	return roll(4);
}

static void
random_rules(struct filter_rule *rules, size_t n)
{
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW,
	    SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | 13 };

	for (size_t i = 0; i < n; i++) {
		uint64_t mask = roll(2) ? 0 : bits();

		rules[i] = (struct filter_rule){ .nr = roll(150),
		    .arg = roll(6), .mask = mask, .value = bits() & mask,
		    .action = actions[roll(3)] };
	}
}

static void
it_says_what_the_rules_say(void **state)
{
	static struct filter_rule rules[FILTER_RULES_MAX];
	struct seccomp_data data = { .arch = ARCH };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = roll(300);

		random_rules(rules, n);
		compile(rules, n);
		for (int i = 0; i < CALLS; i++) {
			data.nr = i < 160 ? i : (int)roll(160);
			for (size_t j = 0; j < 6; j++)
				data.args[j] = bits();
			assert_int_equal(run(&data), wanted(rules, n, &data));
		}
		data.nr = -1;
		assert_int_equal(run(&data), OTHERWISE);
		data.nr = 0x40000001;
		assert_int_equal(run(&data), OTHERWISE);
	}
}

static void
another_processor_ends_it(void **state)
{
	const struct filter_rule rule = { .nr = 1,
	    .action = SECCOMP_RET_ALLOW };
	struct seccomp_data data = { .nr = 1, .arch = AUDIT_ARCH_I386 };

	(void)state;
	compile(&rule, 1);
	assert_int_equal(run(&data), SECCOMP_RET_KILL_PROCESS);
	data.arch = ARCH;
	assert_int_equal(run(&data), SECCOMP_RET_ALLOW);
	compile(NULL, 0);
	assert_int_equal(run(&data), OTHERWISE);
}

/* A part of the rules is no filter. */
static void
what_does_not_fit_is_refused(void **state)
{
	struct filter_rule rule = { .mask = UINT64_MAX,
	    .action = SECCOMP_RET_ALLOW };

	(void)state;
	memset(&f, 0, sizeof(f));
	for (uint32_t i = 0; i <= FILTER_RULES_MAX; i++) {
		rule.nr = 1;
		rule.mask = 0;
		filter_add(&f, &rule);
	}
	assert_int_equal(filter_compile(&f, ARCH, OTHERWISE), -1);
	assert_int_equal(errno, E2BIG);
	memset(&f, 0, sizeof(f));
	for (uint32_t i = 0; i < FILTER_RULES_MAX; i++) {
		rule.nr = 2 * i;
		rule.mask = UINT64_MAX;
		filter_add(&f, &rule);
	}
	assert_int_equal(filter_compile(&f, ARCH, OTHERWISE), -1);
	assert_int_equal(errno, E2BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_the_rules_say),
		cmocka_unit_test(another_processor_ends_it),
		cmocka_unit_test(what_does_not_fit_is_refused)
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
