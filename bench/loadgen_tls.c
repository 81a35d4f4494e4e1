/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * TLS 1.3 for the connections, always with the same cipher, so that servers
 * are compared and not their tastes.  The library reads and writes two buffers
 * of all connections, as if they were a socket; whose server it is is not
 * looked at.
 */

#include "config.h"

#include "loadgen.h"

#include <err.h>

#ifdef HAVE_OPENSSL

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CIPHER	"TLS_AES_128_GCM_SHA256"

struct tls {
	SSL *ssl;
	bool open;		/* the handshake is done */
};

static SSL_CTX *ctx;
static SSL_SESSION *session;	/* what others resume; NULL: none yet */
static BIO *bio;
static const unsigned char *in;
static size_t in_len;
static unsigned char *made;
static size_t made_len, made_cap;
uint64_t tls_resumed;

static void __attribute__((noreturn))
fail(const char *what)
{
	errx(2, "%s: %s", what, ERR_reason_error_string(ERR_get_error()));
}

static int
bio_read(BIO *b, char *p, int len)
{
	size_t n = in_len < (size_t)len ? in_len : (size_t)len;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(p, in, n);
	in += n;
	in_len -= n;
	return (int)n;
}

static int
bio_write(BIO *b, const char *p, int len)
{
	BIO_clear_retry_flags(b);
	if (made_len + (size_t)len > made_cap)
		made = loadgen_grow(made, made_cap = 2 * (made_len +
		    (size_t)len));
	memcpy(made + made_len, p, (size_t)len);
	made_len += (size_t)len;
	return len;
}

static long
bio_ctrl(BIO *b, int what, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

static int
session_cb(SSL *ssl, SSL_SESSION *new)
{
	(void)ssl;
	if (session != NULL)
		return 0;
	session = new;
	/* Or it would be used once, as the standard recommends. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return 1;
}

void
tls_init(void)
{
	const char *mine = loadgen.certificate;
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");

	ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL || method == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, CIPHER) != 1)
		fail("TLS");
	if (mine != NULL && (SSL_CTX_use_certificate_chain_file(ctx, mine) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, mine, SSL_FILETYPE_PEM) != 1))
		fail(mine);
	SSL_CTX_set_session_cache_mode(ctx, !loadgen.resume ?
	    SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, session_cb);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	if ((bio = BIO_new(method)) == NULL)
		fail("TLS");
	BIO_set_init(bio, 1);
}

static SSL *
new_ssl(void)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL || (session != NULL &&
	    SSL_set_session(ssl, session) != 1))
		fail("TLS");
	SSL_set_connect_state(ssl);
	return ssl;
}

struct tls *
tls_new(void)
{
	struct tls *t = loadgen_grow(NULL, sizeof(*t));

	*t = (struct tls){ .ssl = new_ssl() };
	BIO_up_ref(bio);
	SSL_set0_rbio(t->ssl, bio);
	BIO_up_ref(bio);
	SSL_set0_wbio(t->ssl, bio);
	in_len = 0;
	SSL_do_handshake(t->ssl);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	/* Or the session would not be taken again. */
	SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	free(t);
}

bool
tls_is_open(const struct tls *t)
{
	return t->open;
}

void
tls_write(struct tls *t, const void *p, size_t len)
{
	size_t n;

	if (SSL_write_ex(t->ssl, p, len, &n) != 1)
		fail("TLS");
}

const void *
tls_made(size_t *len)
{
	*len = made_len;
	made_len = 0;
	return made;
}

ssize_t
tls_read(struct tls *t, const void *p, size_t len, void *to, size_t size)
{
	size_t all = 0, n;
	int ok;

	in = p;
	in_len = len;
	if (!t->open) {
		ok = SSL_do_handshake(t->ssl);
		if (ok != 1)
			goto no_more;
		t->open = true;
		tls_resumed += (uint64_t)SSL_session_reused(t->ssl);
	}
	while ((ok = SSL_read_ex(t->ssl, (char *)to + all, size - all,
	    &n)) == 1)
		all += n;
no_more:
	switch (SSL_get_error(t->ssl, ok)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_ZERO_RETURN:
		return (ssize_t)all;
	}
	ERR_clear_error();
	return -1;
}

void
tls_ask_once(int fd, const void *request, size_t request_len,
    void *reply, size_t reply_len)
{
	SSL *ssl = new_ssl();
	size_t got = 0, n;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1 ||
	    SSL_write_ex(ssl, request, request_len, &n) != 1)
		fail("handshake");
	for (; got < reply_len; got += n)
		if (SSL_read_ex(ssl, reply, reply_len - got, &n) != 1)
			fail("no reply");
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}

#else

uint64_t tls_resumed;

void
tls_init(void)
{
	errx(2, "built without TLS");
}

struct tls *
tls_new(void)
{
	return NULL;
}

void
tls_free(struct tls *t)
{
	(void)t;
}

bool
tls_is_open(const struct tls *t)
{
	(void)t;
	return false;
}

void
tls_write(struct tls *t, const void *p, size_t len)
{
	(void)t;
	(void)p;
	(void)len;
}

const void *
tls_made(size_t *len)
{
	*len = 0;
	return "";
}

ssize_t
tls_read(struct tls *t, const void *p, size_t len, void *to, size_t size)
{
	(void)t;
	(void)p;
	(void)len;
	(void)to;
	(void)size;
	return -1;
}

void
tls_ask_once(int fd, const void *request, size_t request_len,
    void *reply, size_t reply_len)
{
	(void)fd;
	(void)request;
	(void)request_len;
	(void)reply;
	(void)reply_len;
}

#endif
