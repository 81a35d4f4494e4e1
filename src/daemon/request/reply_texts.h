/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef REPLY_TEXTS_H
#define REPLY_TEXTS_H

/*
 * What replies say.  The tutorial's server says the same, byte for byte;
 * nothing else in the daemon spells these texts.
 *
 * quote  a quotation mark as it is spelled where the text goes
 */

#define REPLY_QUOTE			"\""
#define REPLY_QUOTE_JSON		"\\\""

#define REPLY_NO_MATCH(quote)		"No match for " quote
#define REPLY_NO_MATCH_END(quote)	quote "."
#define REPLY_ERROR			"Error: "
#define REPLY_BAD_ACTION(quote)		REPLY_ERROR "invalid action " quote
#define REPLY_BAD_ACTION_END(quote)	quote "."
#define REPLY_NO_TABLES			"No tables."
#define REPLY_FIRST_BYTES		"First 10 bytes of request: "

/* Around the text of a reply in JSON; further members follow the first end. */
#define REPLY_OPEN			"{\"result\": \""
#define REPLY_END			"\""
#define REPLY_CLOSE			REPLY_END "}"
#define REPLY_MATCHES			REPLY_END ", \"matches\": "
#define REPLY_TABLES			REPLY_END ", \"tables\": "
#define REPLY_MORE			", \"more\": true}"
#define REPLY_NO_MORE			", \"more\": false}"

#endif
