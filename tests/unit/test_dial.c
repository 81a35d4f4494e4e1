/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The side that connects, with a server in memory: however the bytes come,
 * with which certificate, and where memory runs out, the library's included.
 */

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef HAVE_OPENSSL

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "confs.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/dial/dial_tls.h"
#include "failing.h"
#include "folder.h"

#define ALL	(SIZE_MAX / 2)		/* bytes at a time */
#define LONG	((size_t)200000)
#define TRIES	3000		/* more than there are allocations */

static EVP_PKEY *key;
static struct conf *conf;
static struct sockaddr_in here;

/* A client, and the server that it speaks to. */
struct pair {
	struct dial_tls *client;
	SSL *server;
	BIO *in, *out;		/* server's */
	struct buf sends;	/* the client; owned */
	enum dial_tls_state state;
};

/* So that the library's allocations fail as others do. */
static void *
get(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return len > 0 ? malloc(len) : NULL;
}

static void *
change(void *p, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	if (len > 0)
		return realloc(p, len);
	free(p);
	return NULL;
}

static void
give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* One that signs itself, for somebody. */
static X509 *
make_certificate(const char *names, long seconds)
{
	X509 *x = X509_new();
	X509_EXTENSION *more;

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
	    "CN", MBSTRING_ASC, (const unsigned char *)"10.0.0.1", -1, -1,
	    0), 1);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	more = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_non_null(more);
	assert_int_equal(X509_add_ext(x, more, -1), 1);
	X509_EXTENSION_free(more);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

/* Trust a certificate, and no other. */
static void
trust(X509 *x)
{
	struct problems problems = PROBLEMS_INIT;
	BIO *pem = BIO_new(BIO_s_mem());
	char *p;
	long len;

	assert_int_equal(PEM_write_bio_X509(pem, x), 1);
	len = BIO_get_mem_data(pem, &p);
	folder_write("ca.pem", p, (size_t)len);
	BIO_free(pem);
	conf_free(conf);
	conf = confs_load(LISTEN "table t redis 10.0.0.1:1 tls=yes "
	    "ca=ca.pem\n");
	dial_tls_load(conf, &problems);
	assert_int_equal(problems_count(&problems), 0);
}

static const struct dial_trust *
trusted(void)
{
	return conf_remote_first(conf)->remote->trust;
}

static void
begin(struct pair *p, X509 *x, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	*p = (struct pair){ .state = DIAL_TLS_OPENING };
	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
	p->server = SSL_new(ctx);
	SSL_CTX_free(ctx);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	SSL_set_bio(p->server, p->in, p->out);
	SSL_set_accept_state(p->server);
}

static void
dial(struct pair *p)
{
	p->client = dial_tls_new(trusted(), (const struct sockaddr *)&here,
	    &p->sends);
	assert_non_null(p->client);
}

static void
end(struct pair *p)
{
	dial_tls_free(p->client);
	SSL_free(p->server);
	buf_clear(&p->sends);
	ERR_clear_error();
}

/* What the client sends arrives. */
static void
arrive(struct pair *p)
{
	if (p->sends.len > 0)
		assert_int_equal(BIO_write(p->in, p->sends.data,
		    (int)p->sends.len), (int)p->sends.len);
	p->sends.len = 0;
}

/* What the server sends, so many bytes at a time. */
static void
answer(struct pair *p, size_t step)
{
	char buf[4096];
	int n;

	if (step > sizeof(buf))
		step = sizeof(buf);
	while (p->state == DIAL_TLS_OPENING &&
	    (n = BIO_read(p->out, buf, (int)step)) > 0)
		p->state = dial_tls_shake(p->client, buf, (size_t)n,
		    &p->sends);
}

static void
shake(struct pair *p, size_t step)
{
	for (int i = 0; i < 4 && p->state == DIAL_TLS_OPENING; i++) {
		arrive(p);
		SSL_do_handshake(p->server);
		answer(p, step);
	}
	arrive(p);
}

/* Read all that the server sends; it is text over and over. */
static size_t
read_all(struct pair *p, size_t step, const char *text)
{
	size_t got, all = 0, len = strlen(text);
	char *in = malloc(LONG), *out = malloc(LONG + DIAL_TLS_SPARE);
	int n;

	assert_non_null(in);
	assert_non_null(out);
	if (step > LONG)
		step = LONG;
	while (p->state == DIAL_TLS_OPEN &&
	    (n = BIO_read(p->out, in, (int)step)) > 0) {
		p->state = dial_tls_decipher(p->client, in, (size_t)n, out,
		    &got, &p->sends);
		for (size_t i = 0; i < got; i++)
			assert_int_equal(out[i], text[(all + i) % len]);
		all += got;
	}
	free(in);
	free(out);
	return all;
}

static void
say(struct pair *p, const char *text, size_t len)
{
	size_t n = strlen(text), done, part;

	for (done = 0; done < len; done += n) {
		part = len - done < n ? len - done : n;
		assert_int_equal(SSL_write(p->server, text, (int)part),
		    (int)part);
	}
}

static void
bytes_come_as_they_like(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const size_t steps[] = { 1, 7, 1000, ALL };
	static char text[20000], got[20000];
	X509 *x = make_certificate("IP:127.0.0.1", 3600);
	struct pair p;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 23);
	trust(x);
	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 4; k++) {
			begin(&p, x, versions[i]);
			dial(&p);
			shake(&p, steps[k]);
			assert_int_equal(p.state, DIAL_TLS_OPEN);
			/* The second flight of 1.2, and tickets. */
			SSL_do_handshake(p.server);
			assert_true(SSL_is_init_finished(p.server));
			assert_int_equal(dial_tls_encipher(p.client, text,
			    sizeof(text) - 1, &p.sends), 0);
			arrive(&p);
			for (n = 0; n < sizeof(text) - 1;) {
				int part = SSL_read(p.server, got + n,
				    (int)(sizeof(got) - n));

				assert_true(part > 0);
				n += (size_t)part;
			}
			assert_memory_equal(got, text, sizeof(text) - 1);
			say(&p, text, LONG);
			assert_int_equal(read_all(&p, steps[k], text), LONG);
			SSL_shutdown(p.server);
			assert_int_equal(read_all(&p, steps[k], text), 0);
			assert_int_equal(p.state, DIAL_TLS_ENDED);
			end(&p);
		}
	X509_free(x);
}

static void
expect_why(X509 *x, const char *why)
{
	struct pair p;

	begin(&p, x, TLS1_3_VERSION);
	dial(&p);
	shake(&p, ALL);
	if (why == NULL) {
		assert_int_equal(p.state, DIAL_TLS_OPEN);
	} else {
		assert_int_equal(p.state, DIAL_TLS_BROKEN);
		assert_string_equal(dial_tls_why(p.client), why);
		/* The server hears of it. */
		assert_int_equal(SSL_do_handshake(p.server), -1);
		assert_int_equal(ERR_GET_LIB(ERR_peek_last_error()),
		    ERR_LIB_SSL);
	}
	end(&p);
}

#define PROOF	"certificate verify failed: "

static void
only_who_is_trusted_is_spoken_to(void **state)
{
	static const struct {
		const char *names;
		long seconds;
		const char *why;
	} rows[] = {
		{ "IP:127.0.0.1", 3600, NULL },
		{ "DNS:a,IP:::1,IP:127.0.0.1", 3600, NULL },
		{ "IP:127.0.0.2", 3600, PROOF "IP address mismatch" },
		{ "DNS:127.0.0.1", 3600, PROOF "IP address mismatch" },
		{ "IP:127.0.0.1", -3600, PROOF "certificate has expired" }
	};
	X509 *x;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		x = make_certificate(rows[i].names, rows[i].seconds);
		trust(x);
		expect_why(x, rows[i].why);
		X509_free(x);
	}
	x = make_certificate("IP:127.0.0.1", 3601);
	expect_why(x, PROOF "self-signed certificate");
	X509_free(x);
}

/* Addresses of IPv6 are names as well. */
static void
it_may_be_of_another_family(void **state)
{
	struct sockaddr_in6 there = { .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	X509 *x;
	struct pair p;

	(void)state;
	for (int right = 0; right < 2; right++) {
		x = make_certificate(right ? "IP:::1" : "IP:127.0.0.1", 3600);
		trust(x);
		begin(&p, x, TLS1_3_VERSION);
		p.client = dial_tls_new(trusted(),
		    (const struct sockaddr *)&there, &p.sends);
		assert_non_null(p.client);
		shake(&p, ALL);
		assert_int_equal(p.state, right ? DIAL_TLS_OPEN :
		    DIAL_TLS_BROKEN);
		end(&p);
		X509_free(x);
	}
}

/* Whatever comes instead of the server's first words. */
static void
what_is_not_tls_is_told(void **state)
{
	static const struct {
		const char *said, *why;
	} rows[] = {
		{ "-ERR unknown command\r\n", "what it speaks is not TLS" },
		{ "HTTP/1.1 400 Bad Request\r\n",
		    "what it speaks is not TLS" },
		{ "\x15\x03\x01", NULL }
	};
	X509 *x = make_certificate("IP:127.0.0.1", 3600);
	struct pair p;

	(void)state;
	trust(x);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&p, x, TLS1_3_VERSION);
		dial(&p);
		p.state = dial_tls_shake(p.client, rows[i].said,
		    strlen(rows[i].said), &p.sends);
		assert_int_equal(p.state, rows[i].why == NULL ?
		    DIAL_TLS_OPENING : DIAL_TLS_BROKEN);
		if (rows[i].why != NULL)
			assert_string_equal(dial_tls_why(p.client),
			    rows[i].why);
		end(&p);
	}
	X509_free(x);
}

/* A reply before there is a request would be taken for one to the first. */
static void
nobody_speaks_before_he_is_asked(void **state)
{
	X509 *x = make_certificate("IP:127.0.0.1", 3600);
	struct pair p;

	(void)state;
	trust(x);
	for (int ends = 0; ends < 2; ends++) {
		/* Where the last word of the handshake is the server's. */
		begin(&p, x, TLS1_2_VERSION);
		dial(&p);
		arrive(&p);
		SSL_do_handshake(p.server);
		answer(&p, ALL);
		arrive(&p);
		assert_int_equal(SSL_do_handshake(p.server), 1);
		if (ends)
			SSL_shutdown(p.server);
		else
			assert_int_equal(SSL_write(p.server, "+OK\r\n", 5), 5);
		answer(&p, ALL);
		assert_int_equal(p.state, DIAL_TLS_BROKEN);
		assert_string_equal(dial_tls_why(p.client), ends ?
		    "it ends the connection" : "it speaks before it is asked");
		end(&p);
	}
	X509_free(x);
}

/* A connection that is proven all the same, or none. */
static bool
try_without_memory(X509 *x, unsigned int n)
{
	static char text[3000];
	struct pair p;
	bool failed, open = false;
	int rc = -1;

	begin(&p, x, TLS1_3_VERSION);
	failing_start(n, false);
	p.client = dial_tls_new(trusted(), (const struct sockaddr *)&here,
	    &p.sends);
	failed = failing_stop();
	if (p.client != NULL) {
		arrive(&p);
		SSL_do_handshake(p.server);
		if (!failed)
			failing_start(n, false);
		answer(&p, ALL);
		open = p.state == DIAL_TLS_OPEN;
		if (open)
			rc = dial_tls_encipher(p.client, text, sizeof(text),
			    &p.sends);
		failed = failing_stop() || failed;
	}
	if (p.client != NULL && !open) {
		assert_true(failed);
		assert_string_not_equal(dial_tls_why(p.client), "");
	}
	if (rc == 0) {
		arrive(&p);
		SSL_do_handshake(p.server);
		assert_int_equal(SSL_read(p.server, text, sizeof(text)),
		    (int)sizeof(text));
	}
	assert_true(failed || rc == 0);
	end(&p);
	return failed;
}

static void
memory_may_run_out(void **state)
{
	X509 *x = make_certificate("IP:127.0.0.1", 3600);
	unsigned int n = 1;

	(void)state;
	trust(x);
	while (try_without_memory(x, n) && n < TRIES)
		n++;
	assert_in_range(n, 50, TRIES - 1);
	X509_free(x);
}

static void
authorities_may_not_fit_into_memory(void **state)
{
	X509 *x = make_certificate("IP:127.0.0.1", 3600);
	struct conf_remote *r;
	bool failed = true;
	unsigned int n;

	(void)state;
	trust(x);
	r = conf_remote_first(conf)->remote;
	for (n = 1; failed && n < TRIES; n++) {
		struct problems problems = PROBLEMS_INIT;

		if (r->trust != NULL)
			r->trust_free(r->trust);
		r->trust = NULL;
		failing_start(n, false);
		dial_tls_load(conf, &problems);
		failed = failing_stop();
		/* Some are made anew, or are for speed. */
		assert_true(failed || r->trust != NULL);
		assert_true(r->trust != NULL || problems.n > 0 ||
		    problems.dropped > 0);
		problems_clear(&problems);
	}
	assert_in_range(n, 20, TRIES - 1);
	X509_free(x);
}

static int
setup(void **state)
{
	key = EVP_EC_gen("P-256");
	here = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return key == NULL ? -1 : folder_setup(state);
}

static int
teardown(void **state)
{
	conf_free(conf);
	EVP_PKEY_free(key);
	return folder_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_as_they_like),
		cmocka_unit_test(only_who_is_trusted_is_spoken_to),
		cmocka_unit_test(it_may_be_of_another_family),
		cmocka_unit_test(what_is_not_tls_is_told),
		cmocka_unit_test(nobody_speaks_before_he_is_asked),
		cmocka_unit_test(memory_may_run_out),
		cmocka_unit_test(authorities_may_not_fit_into_memory)
	};

	if (CRYPTO_set_mem_functions(get, change, give) != 1)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}

#else

int
main(void)
{
	return 77;
}

#endif
