/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What is said, and to whom.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <stdarg.h>

#include "common/log.h"
#include "daemon/conf/conf.h"

#define WARNING_MAX	1024	/* bytes */

void
tls_warn(FILE *out, const struct conf_place *place, const char *fmt, ...)
{
	char text[WARNING_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (place == NULL)
		log_warnx("%s", text);
	else if (out == NULL)
		log_warnx("%s:%u: %s", place->file, place->line, text);
	else
		fprintf(out, "%s:%u: warning: %s\n", place->file,
		    place->line, text);
}

#endif
