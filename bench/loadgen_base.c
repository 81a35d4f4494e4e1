/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What all files of loadgen stand on: the command line, and memory.
 */

#include "config.h"

#include "loadgen.h"

#include <err.h>
#include <stdlib.h>

struct loadgen_options loadgen = {
	.conns = 64, .depth = 1, .seconds = 1, .warm_up = 0.3
};

void *
loadgen_grow(void *p, size_t size)
{
	if ((p = realloc(p, size)) == NULL)
		err(2, NULL);
	return p;
}
