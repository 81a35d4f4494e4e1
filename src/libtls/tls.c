/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whom clients trust, who they are, and what OpenSSL has to say of a failure.
 */

#include "config.h"

#include "tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* ECDHE and AEAD, as appmsgd has it. */
#define TLS_CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20"

/* Ours, where there is a choice; a server that knows none takes no heed. */
static const unsigned char alpn[] = "\010appmsg/1";

void
tls_fail(struct appmsg_tls *tls, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(tls->why, sizeof(tls->why), fmt, ap);
	va_end(ap);
}

const char *
tls_reason(unsigned long error)
{
	const char *text = ERR_reason_error_string(error);

	return text != NULL ? text : "unknown error";
}

/* A file that is not what it should be; 0 bytes of text are of none. */
static int
fail_file(struct appmsg_tls *tls, const char *file)
{
	unsigned long error = ERR_peek_last_error(), first = ERR_peek_error();

	/* The system's error comes first, those that it led to behind it. */
	if (ERR_SYSTEM_ERROR(first))
		tls_fail(tls, "%s: %s", file, strerror(ERR_GET_REASON(first)));
	else if (ERR_GET_LIB(error) == ERR_LIB_PEM ||
	    ERR_GET_REASON(error) == ERR_R_PEM_LIB)
		tls_fail(tls, "%s: nothing in PEM that would do", file);
	else
		tls_fail(tls, "%s: %s", file, tls_reason(error));
	ERR_clear_error();
	return APPMSG_EINVAL;
}

int
appmsg_tls_new(struct appmsg_tls **tls)
{
	struct appmsg_tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return APPMSG_ENOMEM;
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(t->ctx, TLS_CIPHERS) != 1 ||
	    SSL_CTX_set_alpn_protos(t->ctx, alpn, sizeof(alpn) - 1) != 0) {
		appmsg_tls_free(t);
		ERR_clear_error();
		return APPMSG_ENOMEM;
	}
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	*tls = t;
	return 0;
}

void
appmsg_tls_free(struct appmsg_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}

const char *
appmsg_tls_why(const struct appmsg_tls *tls)
{
	return tls->why;
}

int
appmsg_tls_trust(struct appmsg_tls *tls, const char *file)
{
	X509_STORE *store = X509_STORE_new();

	ERR_clear_error();
	tls->why[0] = '\0';
	if (store == NULL)
		return APPMSG_ENOMEM;
	if (X509_STORE_load_file(store, file) != 1) {
		X509_STORE_free(store);
		return fail_file(tls, file);
	}
	/* A server's own certificate is as good as its authority's. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_cert_store(tls->ctx, store);
	tls->trusts = true;
	return 0;
}

int
tls_trust_system(struct appmsg_tls *tls)
{
	if (tls->trusts)
		return 0;
	ERR_clear_error();
	if (SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
		return fail_file(tls, "the system's certificates");
	tls->trusts = true;
	return 0;
}

/* Nobody is asked for a password: the key is refused. */
static int
no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

int
appmsg_tls_show(struct appmsg_tls *tls, const char *file, const char *key)
{
	if (key == NULL)
		key = file;
	ERR_clear_error();
	tls->why[0] = '\0';
	SSL_CTX_set_default_passwd_cb(tls->ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(tls->ctx, file) != 1)
		return fail_file(tls, file);
	if (SSL_CTX_use_PrivateKey_file(tls->ctx, key, SSL_FILETYPE_PEM) != 1)
		return fail_file(tls, key);
	return 0;
}
