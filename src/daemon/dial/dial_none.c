/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A build without OpenSSL, whose configuration refuses all that would need it:
 * nobody has a connection that is enciphered.
 */

#include "config.h"

#ifndef HAVE_OPENSSL

#include "daemon/dial/dial_tls.h"

void
dial_tls_load(const struct conf *conf, struct problems *problems)
{
	(void)conf;
	(void)problems;
}

struct dial_tls *
dial_tls_new(const struct dial_trust *trust, const struct sockaddr *address,
    struct buf *out)
{
	(void)trust;
	(void)address;
	(void)out;
	return NULL;
}

void
dial_tls_free(struct dial_tls *t)
{
	(void)t;
}

enum dial_tls_state
dial_tls_shake(struct dial_tls *t, const char *p, size_t len, struct buf *out)
{
	(void)t;
	(void)p;
	(void)len;
	(void)out;
	return DIAL_TLS_BROKEN;
}

enum dial_tls_state
dial_tls_decipher(struct dial_tls *t, const char *p, size_t len, char *to,
    size_t *got, struct buf *out)
{
	(void)t;
	(void)p;
	(void)len;
	(void)to;
	(void)out;
	*got = 0;
	return DIAL_TLS_BROKEN;
}

int
dial_tls_encipher(struct dial_tls *t, const char *p, size_t len,
    struct buf *out)
{
	(void)t;
	(void)p;
	(void)len;
	(void)out;
	return -1;
}

const char *
dial_tls_why(const struct dial_tls *t)
{
	(void)t;
	return "";
}

#endif
