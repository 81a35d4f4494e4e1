/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef FILTER_H
#define FILTER_H

/*
 * A filter of system calls: rules, and the program of the kernel's packet
 * filter that they become, seccomp(2).  Nothing here allocates, so that what
 * comes out does not depend on how much memory there is.
 */

#include <linux/filter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_RULES_MAX	512
#define FILTER_CODE_MAX		BPF_MAXINSNS

/* What becomes of a call; of several rules the first that is met counts. */
struct filter_rule {
	uint32_t nr;
	unsigned int arg;	/* which is looked at, from 0 */
	uint64_t mask, value;	/* of it; 0, 0: whatever it is */
	uint32_t action;	/* SECCOMP_RET_... */
	size_t order;
};

/* Zeroed at first. */
struct filter {
	struct filter_rule rules[FILTER_RULES_MAX];
	size_t n;
	struct sock_filter code[FILTER_CODE_MAX];
	size_t n_code;
	uint32_t otherwise;
	bool full;		/* there was no room for all */
};

/*
 * Add a rule, without its order.
 */
void filter_add(struct filter *, const struct filter_rule *rule);

/*
 * Make the program.
 *
 * arch       AUDIT_ARCH_..., the only one whose calls do not end the process
 * otherwise  what becomes of calls that no rule is met by
 *
 * Returns 0; or -1 with errno E2BIG when there is no room for all of it.
 */
int filter_compile(struct filter *, uint32_t arch, uint32_t otherwise);

#endif
