/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef STATUS_H
#define STATUS_H

/*
 * How a request ended.  Everything that says so takes the words from here:
 * replies, the access log, statistics, the control socket.
 */

#include "lib/appmsg.h"

enum request_status {
	REQUEST_FOUND,
	REQUEST_NOT_FOUND,
	REQUEST_ERROR,
	REQUEST_BUSY,
	REQUEST_DENIED,
	REQUEST_UNAVAILABLE,	/* who would know it could not be asked */
	REQUEST_STATUSES	/* how many there are */
};

/* Why a request is not answered, or somebody not served (any more). */
struct refusal {
	enum request_status status;
	const char *code;	/* the protocol's word; NULL unless status is
				   REQUEST_ERROR */
	const char *why;	/* a few words, put between "Error: " and a
				   full stop */
};

/* The words; each ends with a NUL, too. */
extern const struct appmsg_str status_words[REQUEST_STATUSES];

#endif
