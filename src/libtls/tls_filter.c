/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * One connection: OpenSSL between two pieces of memory.  It gets what came,
 * all of it, and what it wants to say is taken at once, so that it never waits
 * for anybody.
 */

#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/client/filter.h"
#include "tls.h"

#define FILTER_RECORD	16384	/* bytes of plaintext in a record, at most */

struct filter {
	struct appmsg_tls *tls;	/* borrowed */
	SSL *ssl;		/* owned; has both BIOs */
	BIO *in, *out;		/* of ssl */
	bool ready;
	bool wanted;		/* the server wants a certificate, and has none */
};

static void
filter_free(void *arg)
{
	struct filter *f = arg;

	if (f == NULL)
		return;
	SSL_free(f->ssl);
	free(f);
}

static int
filter_is_ready(const void *arg)
{
	const struct filter *f = arg;

	return f->ready;
}

/* Give what OpenSSL has said to the client. */
static int
give_wire(struct filter *f, struct appmsg_client *client)
{
	char *data;
	long len = BIO_get_mem_data(f->out, &data);
	int error = 0;

	if (len > 0)
		error = appmsg_client_take_wire(client, data, (size_t)len);
	(void)BIO_reset(f->out);
	return error;
}

/* The server wants a certificate, and there is none to show. */
static int
no_certificate(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct filter *f = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	f->wanted = true;
	return 0;
}

/* An alert of the server that is about who we are. */
static bool
is_denial(const struct filter *f, int reason)
{
	/* Before TLS 1.3 there was no alert for that. */
	if (f->wanted && reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)
		return true;
	switch (reason - SSL_AD_REASON_OFFSET) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case SSL3_AD_NO_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REQUIRED:
		return true;
	}
	return false;
}

/* What has gone wrong, as the caller has it and in words. */
static int
filter_error(struct filter *f)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	long proof = SSL_get_verify_result(f->ssl);
	int code = APPMSG_EPROTO;

	if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
		tls_fail(f->tls, "%s", tls_reason(error));
		if (reason == ERR_R_MALLOC_FAILURE)
			code = APPMSG_ENOMEM;
	} else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		tls_fail(f->tls, "%s", X509_verify_cert_error_string(proof));
		code = APPMSG_EUNPROVEN;
	} else if (reason == SSL_R_WRONG_VERSION_NUMBER ||
	    reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
	    reason == SSL_R_HTTP_REQUEST) {
		tls_fail(f->tls, "the server speaks no TLS");
	} else if (is_denial(f, reason)) {
		tls_fail(f->tls, "%s", f->wanted ?
		    "it wants a certificate" : tls_reason(error));
		code = APPMSG_EDENIED;
	} else {
		tls_fail(f->tls, "%s", tls_reason(error));
	}
	ERR_clear_error();
	return code;
}

/* Whether an operation that OpenSSL ended early only wants more bytes. */
static int
filter_result(struct filter *f, int ret)
{
	switch (SSL_get_error(f->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return APPMSG_EOF;
	}
	return filter_error(f);
}

static int
filter_shake(struct filter *f)
{
	int ret;

	ERR_clear_error();
	if ((ret = SSL_do_handshake(f->ssl)) != 1)
		return filter_result(f, ret);
	f->ready = true;
	return 0;
}

static int
filter_begin(void *arg, struct appmsg_client *client)
{
	struct filter *f = arg;
	int error = filter_shake(f);

	return error != 0 ? error : give_wire(f, client);
}

/* All that can be read of what has come. */
static int
read_plain(struct filter *f, struct appmsg_client *client)
{
	size_t room;
	char *data;
	int n;

	for (;;) {
		data = appmsg_client_plain_room(client, FILTER_RECORD, &room);
		if (data == NULL)
			return APPMSG_ENOMEM;
		ERR_clear_error();
		n = SSL_read(f->ssl, data, room > INT_MAX ? INT_MAX :
		    (int)room);
		if (n <= 0)
			return filter_result(f, n);
		appmsg_client_take_plain(client, (size_t)n);
	}
}

static int
filter_open(void *arg, struct appmsg_client *client, const char *data,
    size_t len)
{
	struct filter *f = arg;
	int error = 0, wire;

	if (BIO_write(f->in, data, (int)len) != (int)len)
		return APPMSG_ENOMEM;
	if (!f->ready)
		error = filter_shake(f);
	if (error == 0 && f->ready)
		error = read_plain(f, client);
	/* An alert says to the peer why this was the end. */
	wire = give_wire(f, client);
	return error != 0 ? error : wire;
}

static int
filter_seal(void *arg, struct appmsg_client *client, const char *data,
    size_t len)
{
	struct filter *f = arg;
	int n;

	ERR_clear_error();
	n = SSL_write(f->ssl, data, (int)len);
	if (n != (int)len)
		return n > 0 ? APPMSG_EPROTO : filter_result(f, n);
	return give_wire(f, client);
}

static void
filter_end(void *arg, struct appmsg_client *client)
{
	struct filter *f = arg;

	ERR_clear_error();
	SSL_shutdown(f->ssl);
	ERR_clear_error();
	give_wire(f, client);
}

static const struct appmsg_filter_ops filter_ops = {
	.begin = filter_begin,
	.open = filter_open,
	.seal = filter_seal,
	.is_ready = filter_is_ready,
	.end = filter_end,
	.free = filter_free
};

/* OpenSSL would not check an empty one, and takes no longer ones. */
static bool
is_name(const char *name)
{
	return name[0] != '\0' && strlen(name) <= TLSEXT_MAXLEN_host_name;
}

/* Whom the certificate must be for; a name is told to the server, too. */
static bool
filter_expect(struct filter *f, const char *name)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	size_t len = strcspn(name, "%");

	if (len < sizeof(address)) {
		memcpy(address, name, len);
		address[len] = '\0';
		/* Without the zone, which is not of the address. */
		if (inet_pton(AF_INET, address, &in6) == 1 ||
		    inet_pton(AF_INET6, address, &in6) == 1)
			return X509_VERIFY_PARAM_set1_ip_asc(
			    SSL_get0_param(f->ssl), address) == 1;
	}
	SSL_set_hostflags(f->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(f->ssl, name) == 1 &&
	    SSL_set1_host(f->ssl, name) == 1;
}

static struct filter *
filter_new(struct appmsg_tls *tls, const char *name)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->tls = tls;
	f->in = BIO_new(BIO_s_mem());
	f->out = BIO_new(BIO_s_mem());
	f->ssl = SSL_new(tls->ctx);
	if (f->in == NULL || f->out == NULL || f->ssl == NULL) {
		BIO_free(f->in);
		BIO_free(f->out);
		filter_free(f);
		return NULL;
	}
	/* Nothing there is not the end: more may come. */
	BIO_set_mem_eof_return(f->in, -1);
	SSL_set_bio(f->ssl, f->in, f->out);
	SSL_set_connect_state(f->ssl);
	SSL_CTX_set_client_cert_cb(tls->ctx, no_certificate);
	/* The callback's, so it must not fail unseen. */
	if (SSL_set_app_data(f->ssl, f) != 1 || !filter_expect(f, name)) {
		filter_free(f);
		return NULL;
	}
	return f;
}

int
appmsg_client_open_tls(struct appmsg_client **client, struct appmsg_tls *tls,
    const char *host, const char *port, const char *name, int64_t deadline_ms)
{
	struct filter *f;
	int error;

	if (tls == NULL || host == NULL || port == NULL)
		return APPMSG_EINVAL;
	if (name == NULL)
		name = host;
	tls->why[0] = '\0';
	if (!is_name(name)) {
		tls_fail(tls, "a server's name has 1 to %d bytes",
		    TLSEXT_MAXLEN_host_name);
		return APPMSG_EINVAL;
	}
	if ((error = tls_trust_system(tls)) != 0)
		return error;
	if ((f = filter_new(tls, name)) == NULL) {
		ERR_clear_error();
		return APPMSG_ENOMEM;
	}
	return appmsg_client_open_filtered(client, host, port, &filter_ops, f,
	    deadline_ms);
}

static int
open_server(struct appmsg_client **client, void *arg,
    const struct appmsg_server *server, const char *name, int64_t deadline_ms)
{
	return appmsg_client_open_tls(client, arg, server->host, server->port,
	    name, deadline_ms);
}

static const char *
why_not(void *arg)
{
	return appmsg_tls_why(arg);
}

void
appmsg_servers_use_tls(struct appmsg_servers *servers, struct appmsg_tls *tls,
    const char *name)
{
	static const struct appmsg_opener opener = {
		.open = open_server, .why = why_not
	};

	appmsg_servers_set_opener(servers, &opener, tls, name);
}
