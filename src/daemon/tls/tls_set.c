/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A context for each certificate and each client-ca: which one a client gets
 * is known when it has said the name that it wants.
 *
 * The versions and ciphers are those that have no known flaw, TLS 1.3 and of
 * 1.2 what agrees on a new key and authenticates what it enciphers.  All that
 * lets a client make the server work, or hold memory, without asking for
 * anything is off: renegotiation, compression, early data, more than one
 * ticket.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "daemon/base/file.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/dial/dial_pem.h"

#define CA_MAX_SIZE	((size_t)4 << 20)	/* bytes of its file */
#define CHAIN_MAX_SIZE	(64 << 10)	/* bytes of a client's certificates */
#define CHAIN_MAX_DEPTH	10

#define CIPHERS_1_2	"ECDHE+AESGCM:ECDHE+CHACHA20"

/* What is spoken, as RFC 7301 has it: a length and so many bytes. */
static const struct protocol {
	unsigned char bytes[16];
	unsigned int len;
} protocols[] = { { "\10appmsg/1", 9 }, { "\10http/1.1", 9 } };

/* What a set is made of, while it is. */
struct maker {
	struct tls *tls;
	const struct conf *conf;
	struct tls_set *set;
	FILE *warn;
	struct problems *problems;
};

static const struct conf_place *
place_of(const struct maker *m, size_t cert)
{
	static const struct conf_place nowhere = { .file = NULL };
	const struct conf_certificate *c;

	STAILQ_FOREACH(c, &m->conf->certificates, entry)
		if (cert-- == 0)
			return &c->place;
	return &nowhere;
}

static void
set_free(struct tls_set *set)
{
	for (size_t i = 0; i < set->n_groups * set->n_certs; i++)
		SSL_CTX_free(set->ctxs[i]);
	for (size_t i = 0; i < set->n_certs; i++)
		tls_cert_unref(set->certs[i]);
	free(set->certs);
	free(set->groups);
	free(set->ctxs);
	free(set->doors);
	free(set);
}

void
tls_set_unref(struct tls_set *set)
{
	if (set != NULL && --set->refs == 0)
		set_free(set);
}

SSL_CTX *
tls_set_ctx(const struct tls_set *set, size_t door)
{
	size_t group = door < set->n_doors ? set->doors[door] : TLS_NO_GROUP;

	return group == TLS_NO_GROUP ? NULL : set->groups[group].ctx[0];
}

/* Who asks for a name gets the first certificate that has it. */
static int
name_cb(SSL *ssl, int *alert, void *arg)
{
	const struct tls_group *g = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	for (size_t i = 0; name != NULL && i < g->set->n_certs; i++)
		if (X509_check_host(g->set->certs[i]->leaf, name, 0, 0,
		    NULL) == 1) {
			if (i > 0)
				SSL_set_SSL_CTX(ssl, g->ctx[i]);
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_NOACK;
}

/* Who offers protocols, but not ours, means another server. */
static int
protocol_cb(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	const struct tls_group *g = arg;
	const struct protocol *ours = &protocols[g->http];
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, ours->bytes, ours->len,
	    in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
set_what_is_spoken(SSL_CTX *ctx, struct tls_group *g)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_NO_AUTO_CHAIN);
	/* So that each message of the protocol's own is seen. */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX_SIZE);
	SSL_CTX_set_alpn_select_cb(ctx, protocol_cb, g);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
	    SSL_CTX_set_max_early_data(ctx, 0) == 1 ? 0 : -1;
}

/* The certificates of a client-ca, and what tickets are bound to. */
struct authority {
	STACK_OF(X509) *all;		/* owned; NULL: none is asked for */
	unsigned char id[SHA256_DIGEST_LENGTH];
};

static int
ask_for_certificate(SSL_CTX *ctx, const struct authority *a)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	for (int i = 0; i < sk_X509_num(a->all); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(a->all, i)) != 1 ||
		    SSL_CTX_add_client_CA(ctx, sk_X509_value(a->all, i)) != 1)
			return -1;
	/* One between a root and its clients is enough. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify_depth(ctx, CHAIN_MAX_DEPTH);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int
make_ctx(const struct maker *m, struct tls_group *g, size_t i,
    const struct authority *a)
{
	const struct tls_cert *cert = m->set->certs[i];
	SSL_CTX *ctx = g->ctx[i] = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || set_what_is_spoken(ctx, g) != 0 ||
	    tls_tickets_use(&m->tls->tickets, ctx) != 0 ||
	    SSL_CTX_set_session_id_context(ctx, a->id, sizeof(a->id)) != 1 ||
	    SSL_CTX_use_certificate(ctx, cert->leaf) != 1 ||
	    SSL_CTX_set1_chain(ctx, cert->chain) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, cert->key) != 1 ||
	    (a->all != NULL && ask_for_certificate(ctx, a) != 0))
		return -1;
	SSL_CTX_set_tlsext_servername_callback(ctx, name_cb);
	SSL_CTX_set_tlsext_servername_arg(ctx, g);
	return 0;
}

/* Read a client-ca; NULL path: there is none. */
static int
read_authority(const struct maker *m, const struct conf_listen *l,
    struct authority *a)
{
	static const char none[] = "no client-ca";
	const char *why;
	char *bytes;
	size_t len;

	a->all = NULL;
	if (l->client_ca == NULL) {
		SHA256((const unsigned char *)none, sizeof(none), a->id);
		return 0;
	}
	bytes = file_read(l->client_ca, CA_MAX_SIZE, &len, &why);
	if (bytes == NULL) {
		problems_add(m->problems, l->place.file, l->place.line,
		    "cannot read client-ca %s: %s", l->client_ca, why);
		return -1;
	}
	SHA256((const unsigned char *)bytes, len, a->id);
	a->all = dial_pem_all(bytes, len);
	free(bytes);
	if (a->all != NULL)
		return 0;
	problems_add(m->problems, l->place.file, l->place.line,
	    "no certificate in PEM in client-ca %s: %s", l->client_ca,
	    dial_pem_why());
	return -1;
}

/* The contexts of a group, whose first listener is l. */
static int
make_group(const struct maker *m, const struct conf_listen *l)
{
	struct tls_set *set = m->set;
	struct tls_group *g = &set->groups[set->n_groups];
	const struct conf_place *place;
	struct authority a;
	size_t i;

	*g = (struct tls_group){ .set = set, .ca = l->client_ca,
	    .http = l->search,
	    .ctx = set->ctxs + set->n_groups * set->n_certs };
	set->n_groups++;
	if (read_authority(m, l, &a) != 0)
		return -1;
	/* A ticket of one is none of the other's. */
	a.id[0] ^= g->http;
	memcpy(g->id, a.id, sizeof(g->id));
	for (i = 0; i < set->n_certs && make_ctx(m, g, i, &a) == 0; i++)
		;
	sk_X509_pop_free(a.all, X509_free);
	if (i == set->n_certs)
		return 0;
	place = place_of(m, i);
	problems_add(m->problems, place->file, place->line,
	    "cannot use the certificate %s: %s", set->certs[i]->path,
	    dial_pem_why());
	return -1;
}

static bool
is_same_ca(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
make_door(const struct maker *m, const struct conf_listen *l)
{
	struct tls_set *set = m->set;
	size_t i;

	set->doors[set->n_doors++] = TLS_NO_GROUP;
	if (!l->tls || set->n_certs == 0)
		return 0;
	for (i = 0; i < set->n_groups; i++)
		if (is_same_ca(set->groups[i].ca, l->client_ca) &&
		    set->groups[i].http == l->search)
			break;
	set->doors[set->n_doors - 1] = i;
	return i < set->n_groups ? 0 : make_group(m, l);
}

/* What was read of the same files. */
static struct tls_cert *
find_old(struct tls *tls, const struct conf_certificate *c)
{
	const struct tls_set *old = tls->current;

	for (size_t i = 0; old != NULL && i < old->n_certs; i++) {
		struct tls_cert *cert = old->certs[i];

		if (strcmp(cert->path, c->path) == 0 &&
		    is_same_ca(cert->key_path, c->key))
			return cert;
	}
	return NULL;
}

/* Room for all, before any is made. */
static struct tls_set *
new_set(const struct conf *conf, size_t certs)
{
	const struct conf_listen *l;
	size_t doors = 0;
	struct tls_set *set = calloc(1, sizeof(*set));

	TAILQ_FOREACH(l, &conf->listens, entry)
		doors++;
	if (set == NULL)
		return NULL;
	set->refs = 1;
	set->certs = calloc(certs + 1, sizeof(struct tls_cert *));
	set->groups = calloc(doors + 1, sizeof(*set->groups));
	set->ctxs = calloc(doors * certs + 1, sizeof(SSL_CTX *));
	set->doors = calloc(doors + 1, sizeof(*set->doors));
	if (set->certs != NULL && set->groups != NULL && set->ctxs != NULL &&
	    set->doors != NULL)
		return set;
	set_free(set);
	return NULL;
}

static size_t
count_certificates(const struct conf *conf)
{
	const struct conf_certificate *c;
	size_t n = 0;

	STAILQ_FOREACH(c, &conf->certificates, entry)
		n++;
	return n;
}

static void
make_doors(const struct maker *m)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &m->conf->listens, entry)
		make_door(m, l);
}

/* All of them, so that all that is wrong is told at once. */
static void
make_all(const struct maker *m)
{
	const struct conf_certificate *c;
	struct tls_cert *cert;
	bool all = true;

	STAILQ_FOREACH(c, &m->conf->certificates, entry) {
		cert = tls_cert_read(c, find_old(m->tls, c), m->warn,
		    m->problems);
		if (cert != NULL)
			m->set->certs[m->set->n_certs++] = cert;
		all = all && cert != NULL;
	}
	/* A certificate that is missing would be missed there again. */
	if (all)
		make_doors(m);
}

/* The set that was made, or NULL where there are more problems than before. */
static struct tls_set *
made(const struct maker *m, size_t before)
{
	ERR_clear_error();
	if (problems_count(m->problems) == before)
		return m->set;
	set_free(m->set);
	return NULL;
}

struct tls_set *
tls_load(struct tls *tls, const struct conf *conf, FILE *warn,
    struct problems *problems)
{
	const struct maker m = { .tls = tls, .conf = conf, .warn = warn,
	    .problems = problems,
	    .set = new_set(conf, count_certificates(conf)) };
	size_t before = problems_count(problems);

	if (m.set == NULL) {
		problems_add(problems, NULL, 0, "%s", strerror(ENOMEM));
		return NULL;
	}
	make_all(&m);
	return made(&m, before);
}

struct tls_set *
tls_load_back(struct tls *tls, const struct conf *conf,
    struct problems *problems)
{
	/* Who asks is the one that changes it. */
	const struct tls_set *old = tls->current;
	const struct maker m = { .tls = tls, .conf = conf,
	    .problems = problems, .set = new_set(conf, old->n_certs) };
	size_t before = problems_count(problems);

	if (m.set == NULL) {
		problems_add(problems, NULL, 0, "%s", strerror(ENOMEM));
		return NULL;
	}
	while (m.set->n_certs < old->n_certs) {
		struct tls_cert *cert = old->certs[m.set->n_certs];

		cert->refs++;
		m.set->certs[m.set->n_certs++] = cert;
	}
	make_doors(&m);
	return made(&m, before);
}

#endif
