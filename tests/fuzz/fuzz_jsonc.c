/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#include "fuzz_jsonc.h"

#include <string.h>

#include <json-c/json.h>

#include "fuzz.h"
#include "lib/appmsg.h"

bool
jsonc_decodes(const struct appmsg_str *s, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;

	/* F0 9D A0 80 is U+1D800, F0 9D BF BF is U+1DFFF, ... */
	if (s->flags & APPMSG_STR_ESCAPED)
		for (size_t i = 0; i + 4 <= len; i++)
			if (p[i] >= 0xf0 && (p[i + 1] & 0x0f) == 0x0d &&
			    p[i + 2] >= 0xa0)
				return false;
	return true;
}

bool
jsonc_read(const uint8_t *data, size_t len, struct json_object **obj)
{
	struct json_tokener *tok = json_tokener_new_ex(JSONC_DEPTH);
	char *text = malloc(len + 1);
	bool good;

	FUZZ_CHECK(tok != NULL && text != NULL);
	memcpy(text, data, len);
	/* The NUL tells json-c that a number has ended. */
	text[len] = '\0';
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
	    JSON_TOKENER_VALIDATE_UTF8);
	*obj = json_tokener_parse_ex(tok, text, (int)len + 1);
	good = json_tokener_get_error(tok) == json_tokener_success &&
	    json_tokener_get_parse_end(tok) == len;
	if (!good) {
		json_object_put(*obj);
		*obj = NULL;
	}
	json_tokener_free(tok);
	free(text);
	return good;
}

bool
jsonc_refuses(const uint8_t *data, size_t len)
{
	int version = json_c_version_num() >> 8;
	bool ascii = true, large = false;
	size_t run = 0;		/* of digits; 18 always fit 64 bits */

	for (size_t i = 0; i < len; i++) {
		ascii = ascii && data[i] < 0x80;
		run = data[i] >= '0' && data[i] <= '9' ? run + 1 : 0;
		large = large || run > 18;
	}
	return (version >= 17 && large) || (version == 18 && !ascii);
}
