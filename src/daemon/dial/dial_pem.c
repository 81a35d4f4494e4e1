/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/dial/dial_pem.h"

#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

int
dial_pem_no_passphrase(char *buf, int size, int writes, void *arg)
{
	(void)buf;
	(void)size;
	(void)writes;
	*(bool *)arg = true;
	return -1;
}

const char *
dial_pem_why(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return why != NULL ? why : "no reason is known";
}

STACK_OF(X509) *
dial_pem_all(const char *p, size_t len)
{
	BIO *bio = BIO_new_mem_buf(p, (int)len);
	STACK_OF(X509) *all = sk_X509_new_null();
	bool wanted, ok = bio != NULL && all != NULL;
	X509 *x;

	while (ok && (x = PEM_read_bio_X509(bio, NULL, dial_pem_no_passphrase,
	    &wanted)) != NULL)
		if (sk_X509_push(all, x) == 0) {
			X509_free(x);
			ok = false;
		}
	/* The end of the file is one, if there was something before it. */
	if (ok && sk_X509_num(all) > 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		ERR_clear_error();
	else
		ok = false;
	BIO_free(bio);
	if (ok)
		return all;
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

#endif
