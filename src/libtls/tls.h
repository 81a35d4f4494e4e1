/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TLS_H
#define TLS_H

/*
 * Private: what the two halves of libappmsg-tls share.
 */

#include <stdbool.h>

#include <openssl/ssl.h>

#include "appmsg-tls.h"

struct appmsg_tls {
	SSL_CTX *ctx;		/* owned */
	bool trusts;		/* it is settled whom */
	char why[256];		/* what failed last */
};

/*
 * Remember what failed.
 */
void tls_fail(struct appmsg_tls *tls, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * An error of OpenSSL in words, lower case; static.
 */
const char *tls_reason(unsigned long error);

/*
 * Trust the system's certificate authorities, where nobody was named.
 *
 * Returns 0, or APPMSG_EINVAL as appmsg_tls_trust().
 */
int tls_trust_system(struct appmsg_tls *tls);

#endif
