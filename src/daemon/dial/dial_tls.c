/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The library reads the bytes that a call was given, and writes into the
 * caller's buffer, as if they were a socket; of what it was given it keeps a
 * record that is not whole.
 *
 * What may be spoken is what listeners do.  A server that was asked nothing
 * has nothing to say: what it says with the end of the handshake would be the
 * reply to a request that is still to be made.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/dial/dial_tls.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/dial/dial_bio.h"
#include "daemon/dial/dial_pem.h"

#define CIPHERS_1_2	"ECDHE+AESGCM:ECDHE+CHACHA20"
#define CHAIN_MAX_SIZE	(64 << 10)	/* bytes of a server's certificates */
#define CHAIN_MAX_DEPTH	10
#define WHY_SIZE	160

struct dial_trust {
	SSL_CTX *ctx;		/* owned, as the other */
	BIO_METHOD *method;
};

struct dial_tls {
	SSL *ssl;		/* owned */
	const char *in;		/* in a call: what is not read yet */
	size_t in_len;
	struct buf *out;	/* in a call */
	bool no_memory;		/* for what was to be written */
	char why[WHY_SIZE];
};

/* There is so much, or "not now"; there is no end. */
static int
bio_read(BIO *bio, char *p, int len)
{
	struct dial_tls *t = BIO_get_data(bio);
	size_t n = t->in_len;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)len)
		n = (size_t)len;
	memcpy(p, t->in, n);
	t->in += n;
	t->in_len -= n;
	return (int)n;
}

static int
bio_write(BIO *bio, const char *p, int len)
{
	struct dial_tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (buf_add(t->out, p, (size_t)len) == 0)
		return len;
	t->no_memory = true;
	return -1;
}

static void
trust_free(struct dial_trust *trust)
{
	SSL_CTX_free(trust->ctx);
	BIO_meth_free(trust->method);
	free(trust);
}

static int
set_what_is_spoken(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX_SIZE);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 ? 0 : -1;
}

static int
set_whom(SSL_CTX *ctx, const STACK_OF(X509) *all)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	for (int i = 0; i < sk_X509_num(all); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(all, i)) != 1)
			return -1;
	/* A server's own certificate is as good as its authority's. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify_depth(ctx, CHAIN_MAX_DEPTH);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

static struct dial_trust *
trust_new(const STACK_OF(X509) *all)
{
	struct dial_trust *trust = calloc(1, sizeof(*trust));

	if (trust == NULL)
		return NULL;
	trust->ctx = SSL_CTX_new(TLS_client_method());
	if (trust->ctx != NULL && set_what_is_spoken(trust->ctx) == 0 &&
	    set_whom(trust->ctx, all) == 0 && (trust->method =
	    dial_bio_method(bio_read, bio_write)) != NULL)
		return trust;
	trust_free(trust);
	return NULL;
}

static void
load(const struct conf_table *t, struct problems *problems)
{
	struct conf_remote *r = t->remote;
	STACK_OF(X509) *all = dial_pem_all(r->ca_pem, r->ca_len);

	if (all == NULL) {
		problems_add(problems, t->place.file, t->place.line,
		    "no certificate in PEM in ca %s: %s", r->ca,
		    dial_pem_why());
		return;
	}
	r->trust_free = trust_free;
	r->trust = trust_new(all);
	sk_X509_pop_free(all, X509_free);
	if (r->trust == NULL)
		problems_add(problems, t->place.file, t->place.line,
		    "cannot use ca %s: %s", r->ca, dial_pem_why());
}

void
dial_tls_load(const struct conf *conf, struct problems *problems)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->remote != NULL && t->remote->ca_pem != NULL &&
		    t->remote->trust == NULL)
			load(t, problems);
	ERR_clear_error();
}

/* Its certificate has to have the address, whatever names it has. */
static int
set_address(SSL *ssl, const struct sockaddr *address)
{
	const struct sockaddr_in6 *sin6 = (const void *)address;
	const struct sockaddr_in *sin = (const void *)address;
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	return address->sa_family == AF_INET6 ?
	    X509_VERIFY_PARAM_set1_ip(param, sin6->sin6_addr.s6_addr, 16) :
	    X509_VERIFY_PARAM_set1_ip(param,
	    (const unsigned char *)&sin->sin_addr, 4);
}

static bool
begin(struct dial_tls *t, const struct dial_trust *trust,
    const struct sockaddr *address)
{
	BIO *bio = BIO_new(trust->method);

	t->ssl = SSL_new(trust->ctx);
	if (bio == NULL || t->ssl == NULL) {
		BIO_free(bio);
		return false;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_connect_state(t->ssl);
	return set_address(t->ssl, address) == 1;
}

struct dial_tls *
dial_tls_new(const struct dial_trust *trust, const struct sockaddr *address,
    struct buf *out)
{
	struct dial_tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (begin(t, trust, address) &&
	    dial_tls_shake(t, NULL, 0, out) == DIAL_TLS_OPENING)
		return t;
	ERR_clear_error();
	dial_tls_free(t);
	return NULL;
}

void
dial_tls_free(struct dial_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* The library's words are for its users, who know which call they were in. */
static enum dial_tls_state
broken(struct dial_tls *t)
{
	long verdict = SSL_get_verify_result(t->ssl);
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (t->no_memory)
		strlcpy(t->why, "there is no memory for what is sent",
		    sizeof(t->why));
	else if (verdict != X509_V_OK)
		snprintf(t->why, sizeof(t->why), "certificate verify failed: "
		    "%s", X509_verify_cert_error_string(verdict));
	else if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_SSL &&
	    (reason == SSL_R_WRONG_VERSION_NUMBER ||
	    reason == SSL_R_PACKET_LENGTH_TOO_LONG))
		strlcpy(t->why, "what it speaks is not TLS", sizeof(t->why));
	else
		snprintf(t->why, sizeof(t->why), "TLS failed: %s",
		    dial_pem_why());
	ERR_clear_error();
	return DIAL_TLS_BROKEN;
}

/* Before each call of the library. */
static void
prepare(struct dial_tls *t, const char *p, size_t len, struct buf *out)
{
	ERR_clear_error();
	t->in = p;
	t->in_len = len;
	t->out = out;
}

/*
 * Decipher one record, or what fits of it.
 *
 * got  set to its bytes; 0: there is no whole one
 */
static enum dial_tls_state
decipher_record(struct dial_tls *t, char *to, size_t len, size_t *got)
{
	int ok;

	*got = 0;
	ok = SSL_read_ex(t->ssl, to, len, got);
	if (ok == 1)
		return DIAL_TLS_OPEN;
	switch (SSL_get_error(t->ssl, ok)) {
	case SSL_ERROR_WANT_READ:
		return DIAL_TLS_OPEN;
	case SSL_ERROR_ZERO_RETURN:
		return DIAL_TLS_ENDED;
	default:
		return broken(t);
	}
}

enum dial_tls_state
dial_tls_shake(struct dial_tls *t, const char *p, size_t len, struct buf *out)
{
	enum dial_tls_state state;
	size_t got;
	char c;
	int done;

	prepare(t, p, len, out);
	done = SSL_do_handshake(t->ssl);
	if (done != 1)
		return SSL_get_error(t->ssl, done) == SSL_ERROR_WANT_READ ?
		    DIAL_TLS_OPENING : broken(t);
	/* What comes with the end of it: tickets. */
	state = decipher_record(t, &c, sizeof(c), &got);
	if (state == DIAL_TLS_BROKEN || (state == DIAL_TLS_OPEN && got == 0))
		return state;
	strlcpy(t->why, got > 0 ? "it speaks before it is asked" :
	    "it ends the connection", sizeof(t->why));
	return DIAL_TLS_BROKEN;
}

enum dial_tls_state
dial_tls_decipher(struct dial_tls *t, const char *p, size_t len, char *to,
    size_t *got, struct buf *out)
{
	enum dial_tls_state state;
	size_t room = len + DIAL_TLS_SPARE, n;

	*got = 0;
	prepare(t, p, len, out);
	do {
		state = decipher_record(t, to + *got, room - *got, &n);
		*got += n;
	} while (state == DIAL_TLS_OPEN && n > 0);
	return state;
}

int
dial_tls_encipher(struct dial_tls *t, const char *p, size_t len,
    struct buf *out)
{
	size_t n;

	prepare(t, NULL, 0, out);
	if (len == 0 || SSL_write_ex(t->ssl, p, len, &n) == 1)
		return 0;
	broken(t);
	return -1;
}

const char *
dial_tls_why(const struct dial_tls *t)
{
	return t->why;
}

#endif
