/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Tickets, from both sides of handshakes in memory: taken as long as their key
 * is, whichever context asks, and not for a certificate that has ended.  And
 * contexts that get no memory for it: none is left with a callback alone.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#ifdef HAVE_OPENSSL

#include <openssl/err.h>

#include "common/clock.h"
#include "daemon/tls/tls_private.h"

#define HOUR_MS	(3600 * INT64_C(1000))

static EVP_PKEY *key;
static struct tls_tickets tickets;
static SSL_CTX *server, *client;
static SSL_SESSION *session;	/* that the client has by now */

/* What the library allocates; the one that makes left 0 fails. */
static size_t left;

static void *
take(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return left > 0 && --left == 0 ? NULL : malloc(size);
}

static void *
take_again(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return left > 0 && --left == 0 ? NULL : realloc(p, size);
}

static void
give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* One for the key, signed by itself, which ends in some seconds. */
static X509 *
make_certificate(long seconds)
{
	X509 *x = X509_new();

	assert_non_null(x);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
	    "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0), 1);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static SSL_CTX *
make_server(X509 *authority)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *x = make_certificate(3600);

	assert_non_null(ctx);
	assert_int_equal(tls_tickets_use(&tickets, ctx), 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"a", 1);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	if (authority != NULL) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	X509_free(x);
	return ctx;
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(key = EVP_EC_gen("P-256"));
	tls_tickets_init(&tickets);
	server = make_server(NULL);
	client = SSL_CTX_new(TLS_client_method());
	assert_non_null(client);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	SSL_SESSION_free(session);
	session = NULL;
	SSL_CTX_free(client);
	SSL_CTX_free(server);
	tls_tickets_clear(&tickets);
	EVP_PKEY_free(key);
	return 0;
}

/* Returns whether the session was resumed; the client has a new one then. */
static bool
shake(SSL_CTX *ctx, int version)
{
	SSL *s = SSL_new(ctx), *c = SSL_new(client);
	BIO *one, *other;
	char byte;
	bool resumed;
	int a = 0, b = 0;

	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(s, one, one);
	SSL_set_bio(c, other, other);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	SSL_set_max_proto_version(c, version);
	if (session != NULL)
		assert_int_equal(SSL_set_session(c, session), 1);
	for (int i = 0; i < 20 && (a != 1 || b != 1); i++) {
		b = SSL_do_handshake(c);
		a = SSL_do_handshake(s);
	}
	assert_true(a == 1 && b == 1);
	/* The ticket of TLS 1.3 comes behind that. */
	assert_true(SSL_read(c, &byte, 1) <= 0);
	resumed = SSL_session_reused(s);
	assert_true(resumed == SSL_session_reused(c));
	SSL_SESSION_free(session);
	session = SSL_get1_session(c);
	SSL_set_shutdown(s, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(c, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(s);
	SSL_free(c);
	ERR_clear_error();
	return resumed;
}

static const struct tls_ticket_key no_key;
static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void
taken_as_long_as_their_key(void **state)
{
	unsigned char name[TLS_TICKET_NAME];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION_free(session);
		session = NULL;
		memset(tickets.keys, 0, sizeof(tickets.keys));
		assert_false(shake(server, versions[i]));
		assert_true(shake(server, versions[i]));
		/* It is used for an hour, */
		memcpy(name, tickets.keys[0].name, sizeof(name));
		tickets.keys[0].since -= HOUR_MS - 60000;
		assert_true(shake(server, versions[i]));
		assert_memory_equal(tickets.keys[0].name, name, sizeof(name));
		/* and taken for another one, */
		tickets.keys[0].since -= 60000;
		assert_true(shake(server, versions[i]));
		assert_memory_not_equal(tickets.keys[0].name, name,
		    sizeof(name));
		assert_memory_equal(tickets.keys[1].name, name, sizeof(name));
		/* in which who comes has got one of the new key. */
		tickets.keys[1].since = 0;
		assert_true(shake(server, versions[i]));
		/* The one before is forgotten when it is two hours old. */
		tickets.keys[0].since -= HOUR_MS;
		assert_true(shake(server, versions[i]));
		tickets.keys[1].since -= HOUR_MS;
		assert_true(shake(server, versions[i]));
		assert_memory_equal(&tickets.keys[1], &no_key, sizeof(no_key));
	}
}

/* Nor does it stay in memory where nobody comes. */
static void
keys_are_wiped_by_the_hour(void **state)
{
	struct tls_ticket_key old;

	(void)state;
	memset(tickets.keys, 0, sizeof(tickets.keys));
	tls_tickets_look(&tickets);
	assert_memory_equal(&tickets.keys[0], &no_key, sizeof(no_key));
	assert_false(shake(server, TLS1_3_VERSION));
	old = tickets.keys[0];
	tls_tickets_look(&tickets);
	assert_memory_equal(&tickets.keys[0], &old, sizeof(old));
	for (int hour = 0; hour < 3; hour++) {
		tickets.keys[0].since -= HOUR_MS;
		if (tickets.keys[1].since != 0)
			tickets.keys[1].since -= HOUR_MS;
		tls_tickets_look(&tickets);
		for (int i = 0; i < 2; i++)
			assert_int_equal(memcmp(tickets.keys[i].aes, old.aes,
			    sizeof(old.aes)) == 0, hour == 0 && i == 1);
	}
	/* It was a long night. */
	tickets.keys[0].since -= 3 * HOUR_MS;
	tls_tickets_look(&tickets);
	assert_memory_equal(&tickets.keys[1], &no_key, sizeof(no_key));
}

/* also where nobody came for hours. */
static void
not_when_it_is_too_old(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION_free(session);
		session = NULL;
		assert_false(shake(server, versions[i]));
		tickets.keys[0].since -= 2 * HOUR_MS;
		assert_false(shake(server, versions[i]));
	}
}

/* What a reload makes takes those of before. */
static void
taken_by_all_contexts(void **state)
{
	SSL_CTX *other = make_server(NULL);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION_free(session);
		session = NULL;
		assert_false(shake(server, versions[i]));
		assert_true(shake(other, versions[i]));
	}
	SSL_CTX_free(other);
}

/* The library itself would not look. */
static void
not_for_a_certificate_that_has_ended(void **state)
{
	static const struct timespec tick = { .tv_nsec = 20000000 };
	X509 *mine = make_certificate(2);
	SSL_CTX *asks = make_server(mine);

	(void)state;
	assert_int_equal(SSL_CTX_use_certificate(client, mine), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(client, key), 1);
	assert_false(shake(asks, TLS1_3_VERSION));
	/* A machine that is too busy for this shows nothing. */
	if (X509_cmp_current_time(X509_get0_notAfter(mine)) > 0)
		assert_true(shake(asks, TLS1_3_VERSION) ||
		    X509_cmp_current_time(X509_get0_notAfter(mine)) < 0);
	while (X509_cmp_current_time(X509_get0_notAfter(mine)) > 0)
		nanosleep(&tick, NULL);
	/* And now it says that it is none any more. */
	SSL_CTX_set_verify(asks, SSL_VERIFY_NONE, NULL);
	assert_false(shake(asks, TLS1_3_VERSION));
	SSL_CTX_free(asks);
	X509_free(mine);
}

static void
used_whole_or_not_at_all(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t n = 1;; n++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		int rc;
		bool all;

		assert_non_null(ctx);
		left = n;
		rc = tls_tickets_use(&tickets, ctx);
		all = left > 0;
		left = 0;
		if (rc == 0)
			assert_ptr_equal(SSL_CTX_get_app_data(ctx), &tickets);
		else
			failed++;
		SSL_CTX_free(ctx);
		ERR_clear_error();
		if (all)
			break;
	}
	assert_true(failed > 0);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(taken_as_long_as_their_key),
		TEST(keys_are_wiped_by_the_hour),
		TEST(not_when_it_is_too_old),
		TEST(taken_by_all_contexts),
		TEST(not_for_a_certificate_that_has_ended),
		TEST(used_whole_or_not_at_all),
	};

	if (CRYPTO_set_mem_functions(take, take_again, give) != 1)
		return 99;

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	return 77;
}

#endif
