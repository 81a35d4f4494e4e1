/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Words for the library's errors.
 */

#include "config.h"

#include "appmsg.h"

const char *
appmsg_strerror(int error)
{
	/* No default: the compiler names an error that has no words. */
	switch ((enum appmsg_error)error) {
	case APPMSG_OK:
		return "no error";
	case APPMSG_EAGAIN:
		return "more bytes needed";
	case APPMSG_EPROTO:
		return "not the appmsg protocol";
	case APPMSG_E2BIG:
		return "message too large";
	case APPMSG_EILSEQ:
		return "text that is not Unicode";
	case APPMSG_ENOMEM:
		return "out of memory";
	case APPMSG_ETIMEDOUT:
		return "timed out";
	case APPMSG_EHOST:
		return "host unknown";
	case APPMSG_ECONN:
		return "cannot connect";
	case APPMSG_EOF:
		return "connection closed by the server";
	case APPMSG_EIO:
		return "connection broken";
	case APPMSG_ENOENT:
		return "no such member";
	case APPMSG_EINVAL:
		return "wrong argument";
	case APPMSG_EUNPROVEN:
		return "the server is not proven to be the one";
	case APPMSG_EDENIED:
		return "the server lets us not in";
	}
	return "unknown error";
}

const char *
appmsg_version(void)
{
	return PACKAGE_VERSION;
}
