/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Names of encodings, and conversion to UTF-8.
 */

#include "config.h"

#include "text.h"

#include <string.h>

/* Longer than any name below; a longer one is unknown. */
#define NAME_MAX_LEN	32

/*
 * Python's names after its own way to compare them: lower case, and each run
 * of '_' and '-' is one '_', but for those in front and behind, which are none.
 */
static const struct {
	const char *name;
	enum text_encoding encoding;
} names[] = {
	{ "utf_8", TEXT_UTF8 }, { "utf8", TEXT_UTF8 }, { "u8", TEXT_UTF8 },
	{ "utf", TEXT_UTF8 }, { "utf8_ucs2", TEXT_UTF8 },
	{ "utf8_ucs4", TEXT_UTF8 }, { "cp65001", TEXT_UTF8 },
	{ "ascii", TEXT_ASCII }, { "us_ascii", TEXT_ASCII },
	{ "us", TEXT_ASCII }, { "646", TEXT_ASCII }, { "cp367", TEXT_ASCII },
	{ "csascii", TEXT_ASCII }, { "ibm367", TEXT_ASCII },
	{ "iso646_us", TEXT_ASCII }, { "iso_646.irv_1991", TEXT_ASCII },
	{ "iso_ir_6", TEXT_ASCII }, { "ansi_x3.4_1968", TEXT_ASCII },
	{ "ansi_x3_4_1968", TEXT_ASCII }, { "ansi_x3.4_1986", TEXT_ASCII },
	{ "iso8859_1", TEXT_LATIN1 }, { "iso_8859_1", TEXT_LATIN1 },
	{ "latin_1", TEXT_LATIN1 }, { "latin1", TEXT_LATIN1 },
	{ "latin", TEXT_LATIN1 }, { "l1", TEXT_LATIN1 },
	{ "8859", TEXT_LATIN1 }, { "iso8859", TEXT_LATIN1 },
	{ "cp819", TEXT_LATIN1 }, { "ibm819", TEXT_LATIN1 },
	{ "csisolatin1", TEXT_LATIN1 }, { "iso_ir_100", TEXT_LATIN1 },
	{ "iso_8859_1_1987", TEXT_LATIN1 },
	{ "utf_16", TEXT_UTF16 }, { "utf16", TEXT_UTF16 },
	{ "u16", TEXT_UTF16 },
	{ "utf_16_le", TEXT_UTF16LE }, { "utf_16le", TEXT_UTF16LE },
	{ "unicodelittleunmarked", TEXT_UTF16LE },
	{ "utf_16_be", TEXT_UTF16BE }, { "utf_16be", TEXT_UTF16BE },
	{ "unicodebigunmarked", TEXT_UTF16BE },
	{ "utf_32", TEXT_UTF32 }, { "utf32", TEXT_UTF32 },
	{ "u32", TEXT_UTF32 },
	{ "utf_32_le", TEXT_UTF32LE }, { "utf_32le", TEXT_UTF32LE },
	{ "utf_32_be", TEXT_UTF32BE }, { "utf_32be", TEXT_UTF32BE },
};

enum text_encoding
text_encoding_find(const struct appmsg_str *name)
{
	static const struct appmsg_str usual = APPMSG_STR("utf-8");
	char text[6 * NAME_MAX_LEN], word[NAME_MAX_LEN + 1];
	size_t len, n = 0;
	bool gap = false;

	if (name->len == usual.len && memcmp(name->raw, usual.raw,
	    usual.len) == 0)
		return TEXT_UTF8;
	if (appmsg_str_decode(name, text, sizeof(text), &len) != 0)
		return TEXT_UNKNOWN;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '.')) {
			if (c != '_' && c != '-')
				return TEXT_UNKNOWN;
			gap = true;
			continue;
		}
		if (n + 2 > NAME_MAX_LEN)
			return TEXT_UNKNOWN;
		if (gap && n > 0)
			word[n++] = '_';
		gap = false;
		word[n++] = c;
	}
	word[n] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i].name) == 0)
			return names[i].encoding;
	return TEXT_UNKNOWN;
}

size_t
text_utf8_max(enum text_encoding encoding, size_t len)
{
	switch (encoding) {
	case TEXT_LATIN1:
		return 2 * len;
	case TEXT_UTF16:
	case TEXT_UTF16LE:
	case TEXT_UTF16BE:
		return len / 2 * 3;
	case TEXT_UNKNOWN:
	case TEXT_UTF8:
	case TEXT_ASCII:
	case TEXT_UTF32:
	case TEXT_UTF32LE:
	case TEXT_UTF32BE:
		break;
	}
	return len;
}

char *
text_put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

static bool
is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

static inline uint32_t
get_unit(const uint8_t *p, unsigned int size, bool big)
{
	uint32_t c = 0;

	for (unsigned int i = 0; i < size; i++)
		c |= (uint32_t)p[i] << 8 * (big ? size - 1 - i : i);
	return c;
}

/*
 * UTF-16 and UTF-32 alike: units of size bytes.  Both are known where it is
 * called, and the compiler makes a loop of its own for each: one request may
 * have a million units, and others wait meanwhile.
 */
static inline int
wide_to_utf8(const uint8_t *p, size_t len, unsigned int size, bool big,
    char *out, size_t *out_len)
{
	const uint8_t *end = p + len;
	char *start = out;

	if (len % size != 0)
		return APPMSG_EILSEQ;
	while (p < end) {
		uint32_t c = get_unit(p, size, big);

		p += size;
		if (size == 2 && c >= 0xd800 && c <= 0xdbff && p < end) {
			uint32_t low = get_unit(p, size, big);

			if (low < 0xdc00 || low > 0xdfff)
				return APPMSG_EILSEQ;
			p += size;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
		if (is_surrogate(c) || c > 0x10ffff)
			return APPMSG_EILSEQ;
		out = text_put_utf8(out, c);
	}
	*out_len = (size_t)(out - start);
	return 0;
}

/* Take the byte order mark that must be there. */
static inline int
marked_to_utf8(const uint8_t *p, size_t len, unsigned int size, char *out,
    size_t *out_len)
{
	if (len >= size && get_unit(p, size, false) == 0xfeff)
		return wide_to_utf8(p + size, len - size, size, false, out,
		    out_len);
	if (len >= size && get_unit(p, size, true) == 0xfeff)
		return wide_to_utf8(p + size, len - size, size, true, out,
		    out_len);
	return APPMSG_EILSEQ;
}

int
text_to_utf8(enum text_encoding encoding, const void *in, size_t in_len,
    char *out, size_t *out_len)
{
	const uint8_t *p = in;
	char *start = out;

	switch (encoding) {
	case TEXT_ASCII:
		for (size_t i = 0; i < in_len; i++)
			if (p[i] >= 0x80)
				return APPMSG_EILSEQ;
		memcpy(out, in, in_len);
		*out_len = in_len;
		return 0;
	case TEXT_LATIN1:
		/* Without a branch, which nobody could foresee. */
		for (size_t i = 0; i < in_len; i++) {
			unsigned int wide = p[i] >> 7;

			out[0] = (char)(wide ? 0xc0 | p[i] >> 6 : p[i]);
			out[1] = (char)(0x80 | (p[i] & 0x3f));
			out += 1 + wide;
		}
		*out_len = (size_t)(out - start);
		return 0;
	case TEXT_UTF16:
		return marked_to_utf8(p, in_len, 2, out, out_len);
	case TEXT_UTF16LE:
		return wide_to_utf8(p, in_len, 2, false, out, out_len);
	case TEXT_UTF16BE:
		return wide_to_utf8(p, in_len, 2, true, out, out_len);
	case TEXT_UTF32:
		return marked_to_utf8(p, in_len, 4, out, out_len);
	case TEXT_UTF32LE:
		return wide_to_utf8(p, in_len, 4, false, out, out_len);
	case TEXT_UTF32BE:
		return wide_to_utf8(p, in_len, 4, true, out, out_len);
	case TEXT_UTF8:
	case TEXT_UNKNOWN:
		break;
	}
	return APPMSG_EILSEQ;
}
