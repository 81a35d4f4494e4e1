/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * limit-tls: limit over TLS.  OpenSSL over two buffers of the server's own, so
 * that a wake-up is one read and one write, which is the cheapest way that was
 * found; and nothing is done for a request.
 *
 *	limit-tls ADDRESS REQUEST-SIZE REPLY-FILE CERTIFICATE [close]
 *
 * CERTIFICATE has the key, too.  close: one request a
 * connection.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "limit_base.h"

#define ROOM	((size_t)64 << 10)

struct conn {
	int fd;
	SSL *ssl;
	size_t have;		/* bytes of an unfinished request */
	bool open;		/* the handshake is done */
};

static char in[ROOM], plain[2 * ROOM], out[64 * ROOM];
static size_t in_len, in_at, out_len;
static struct limit limit;
static SSL_CTX *ctx;
static BIO *bio;

static int
bio_read(BIO *b, char *p, int len)
{
	size_t n = in_len - in_at < (size_t)len ? in_len - in_at : (size_t)len;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(p, in + in_at, n);
	in_at += n;
	return (int)n;
}

static int
bio_write(BIO *b, const char *p, int len)
{
	(void)b;
	if (out_len + (size_t)len > sizeof(out))
		return -1;
	memcpy(out + out_len, p, (size_t)len);
	out_len += (size_t)len;
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

static void
drop(struct conn *c)
{
	ERR_clear_error();
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

static bool
send_out(int fd)
{
	size_t len = out_len;

	out_len = 0;
	return limit_write(fd, out, len);
}

/* What was read, deciphered; -1: the connection is over. */
static ssize_t
decipher(struct conn *c)
{
	size_t got = 0, n;
	int ok = 1, error;

	if (!c->open) {
		ok = SSL_do_handshake(c->ssl);
		c->open = ok == 1;
	}
	while (ok == 1 && (in_at < in_len || SSL_pending(c->ssl) > 0)) {
		ok = SSL_read_ex(c->ssl, plain + got, sizeof(plain) - got, &n);
		got += ok == 1 ? n : 0;
	}
	error = ok == 1 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, ok);
	return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ ?
	    (ssize_t)got : -1;
}

static bool
serve(void *conn)
{
	struct conn *c = conn;
	ssize_t n = read(c->fd, in, sizeof(in));
	size_t count;

	if (n == -1 && errno == EAGAIN)
		return true;
	in_at = 0;
	in_len = n > 0 ? (size_t)n : 0;
	out_len = 0;
	if (n <= 0 || (n = decipher(c)) == -1) {
		send_out(c->fd);
		drop(c);
		return false;
	}
	count = (c->have + (size_t)n) / limit.request_size;
	c->have = (c->have + (size_t)n) % limit.request_size;
	if (count > LIMIT_REPLIES ||
	    (count > 0 && SSL_write(c->ssl, limit.replies,
	    (int)(count * limit.reply_size)) <= 0))
		errx(2, "too many requests at once");
	if (count > 0 && limit.closing)
		SSL_shutdown(c->ssl);
	if (send_out(c->fd) && (count == 0 || !limit.closing))
		return true;
	drop(c);
	return false;
}

static void
init_tls(const char *path)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");

	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL || method == NULL ||
	    SSL_CTX_use_certificate_chain_file(ctx, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
		errx(2, "%s: no certificate and key", path);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	bio = BIO_new(method);
	BIO_set_init(bio, 1);
}

static void *
take(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->ssl = SSL_new(ctx)) == NULL)
		err(2, NULL);
	c->fd = fd;
	BIO_up_ref(bio);
	SSL_set0_rbio(c->ssl, bio);
	BIO_up_ref(bio);
	SSL_set0_wbio(c->ssl, bio);
	SSL_set_accept_state(c->ssl);
	return c;
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: limit-tls ADDRESS REQUEST-SIZE REPLY-FILE "
		    "CERTIFICATE [close]");
	limit_load(&limit, argv[2], argv[3]);
	init_tls(argv[4]);
	limit.closing = argc > 5;
	limit_run(limit_listen(argv[1]), take, serve);
}
