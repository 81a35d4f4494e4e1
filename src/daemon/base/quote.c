/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One function for all who quote keys, so that they look the same.
 */

#include "config.h"

#include "daemon/base/quote.h"

#include <string.h>

void
quote(char out[QUOTE_SIZE], const char *key, size_t len)
{
	size_t n = len, o = 0;

	if (n > QUOTE_MAX) {
		n = QUOTE_MAX;
		while (n > QUOTE_MAX - 3 && (key[n] & 0xc0) == 0x80)
			n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (key[i] == '\0')
			out[o++] = '\\';
		out[o++] = (char)(key[i] == '\0' ? '0' : key[i]);
	}
	strlcpy(out + o, n < len ? "..." : "", QUOTE_SIZE - o);
}
