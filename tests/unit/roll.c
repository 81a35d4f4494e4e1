/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Marsaglia's xorshift, whose upper bits are the better ones.
 */

#include "config.h"

#include "roll.h"

uint64_t
roll_bits(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

uint32_t
roll(uint32_t sides)
{
	return (uint32_t)(roll_bits() >> 32) % sides;
}
