/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tickets that any worker takes, over reloads: their keys are the server's, a
 * new one each hour, and the one before is still taken.  They are in memory
 * alone, so that no file gives away what was said.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/clock.h"

int64_t tls_ticket_key_ms = 3600 * INT64_C(1000);

void
tls_tickets_init(struct tls_tickets *t)
{
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
}

void
tls_tickets_clear(struct tls_tickets *t)
{
	pthread_mutex_destroy(&t->lock);
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
}

/* What is not there any more gives nothing away. */
static void
forget(struct tls_ticket_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));	/* to zeros: there is none */
}

/* With the lock: forget what is too old, and have a new one if it is time. */
static int
rotate(struct tls_tickets *t)
{
	struct tls_ticket_key new = { .since = clock_ms() };
	int64_t age = new.since - t->keys[0].since;

	if (t->keys[0].since != 0 && age < tls_ticket_key_ms) {
		if (new.since - t->keys[1].since >= 2 * tls_ticket_key_ms)
			forget(&t->keys[1]);
		return 0;
	}
	if (RAND_bytes(new.name, sizeof(new.name)) != 1 ||
	    RAND_priv_bytes(new.aes, sizeof(new.aes)) != 1 ||
	    RAND_priv_bytes(new.hmac, sizeof(new.hmac)) != 1)
		return -1;
	t->keys[1] = t->keys[0];
	if (age >= 2 * tls_ticket_key_ms)
		forget(&t->keys[1]);
	t->keys[0] = new;
	OPENSSL_cleanse(&new, sizeof(new));
	return 0;
}

void
tls_tickets_look(struct tls_tickets *t)
{
	pthread_mutex_lock(&t->lock);
	/* Without a new one they go on, until there is one. */
	if (t->keys[0].since != 0)
		rotate(t);
	pthread_mutex_unlock(&t->lock);
}

/*
 * The key to encipher with, or that of a name.
 *
 * Returns 0 if it is the one in use, 1 if it is the one before; -1: none.
 */
static int
find(struct tls_tickets *t, const unsigned char *name,
    struct tls_ticket_key *key)
{
	int which = -1;

	pthread_mutex_lock(&t->lock);
	if (rotate(t) == 0)
		for (int i = 1; i >= 0; i--)
			if (t->keys[i].since != 0 && (name == NULL ? i == 0 :
			    memcmp(t->keys[i].name, name,
			    TLS_TICKET_NAME) == 0)) {
				*key = t->keys[i];
				which = i;
			}
	pthread_mutex_unlock(&t->lock);
	return which;
}

static int
set_mac(EVP_MAC_CTX *mac, unsigned char *key)
{
	char digest[] = "sha256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key,
		    TLS_TICKET_KEY),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end()
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

/*
 * The library's callback.  1: go on; 2: likewise, but give a new ticket; 0:
 * the ticket is none of ours; -1: failed.
 */
static int
key_cb(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *ctx,
    EVP_MAC_CTX *mac, int enciphers)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_ticket_key key;
	int which = find(t, enciphers ? NULL : name, &key), ok;

	if (which == -1)
		return enciphers ? -1 : 0;
	if (enciphers) {
		memcpy(name, key.name, TLS_TICKET_NAME);
		ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(
		    EVP_aes_256_cbc())) == 1 && EVP_EncryptInit_ex(ctx,
		    EVP_aes_256_cbc(), NULL, key.aes, iv) == 1;
	} else {
		ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, key.aes,
		    iv) == 1;
	}
	ok = ok && set_mac(mac, key.hmac) == 1;
	OPENSSL_cleanse(&key, sizeof(key));
	return !ok ? -1 : which == 1 ? 2 : 1;
}

/* The library does not look at a certificate again that it had proven. */
static bool
is_dated(SSL_SESSION *session)
{
	const X509 *peer = SSL_SESSION_get0_peer(session);

	return peer == NULL ||
	    (X509_cmp_current_time(X509_get0_notBefore(peer)) < 0 &&
	    X509_cmp_current_time(X509_get0_notAfter(peer)) > 0);
}

static SSL_TICKET_RETURN
opened_cb(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t len, SSL_TICKET_STATUS status, void *arg)
{
	(void)ssl;
	(void)name;
	(void)len;
	(void)arg;
	switch (status) {
	case SSL_TICKET_SUCCESS:
	case SSL_TICKET_SUCCESS_RENEW:
		if (!is_dated(session))
			break;
		return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
		    SSL_TICKET_RETURN_USE_RENEW;
	}
	return SSL_TICKET_RETURN_IGNORE_RENEW;
}

int
tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx)
{
	SSL_CTX_set_timeout(ctx, TLS_TICKET_LIFE);
	/* Without the first, key_cb() would have no keys. */
	return SSL_CTX_set_app_data(ctx, (void *)t) == 1 &&
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, key_cb) == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	    SSL_CTX_set_session_ticket_cb(ctx, NULL, opened_cb, NULL) == 1 ?
	    0 : -1;
}

#endif
