/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Certificates and keys out of files in PEM.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "daemon/base/file.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/dial/dial_pem.h"

#define FILE_MAX_SIZE	((size_t)1 << 20)	/* bytes */
#define SOON_DAYS	14
#define DAY		86400	/* seconds */
#define DATE_SIZE	32

/* What needs no escaping, be it in JSON, in a label or on a terminal. */
#define PLAIN		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
			"0123456789-.*@:_"

/* Returns the key in some bytes, owned by the caller; NULL with a problem. */
static EVP_PKEY *
key_of(const char *p, size_t len, const char *path,
    const struct conf_place *place, struct problems *problems)
{
	BIO *bio = BIO_new_mem_buf(p, (int)len);
	bool wanted = false;
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL,
	    dial_pem_no_passphrase, &wanted);

	BIO_free(bio);
	if (key != NULL)
		return key;
	if (wanted)
		problems_add(problems, place->file, place->line, "the key %s "
		    "has a passphrase, which nobody could type", path);
	else
		problems_add(problems, place->file, place->line, "no private "
		    "key in PEM in %s: %s", path, dial_pem_why());
	ERR_clear_error();
	return NULL;
}

static void
look_at_mode(const char *path, const struct conf_place *place, FILE *warn)
{
	struct stat sb;

	if (stat(path, &sb) == 0 && (sb.st_mode & S_IROTH) != 0)
		tls_warn(warn, place, "others may read the key %s (mode "
		    "%04o)", path, (unsigned int)sb.st_mode & 07777);
}

/* The key, in a file of its own or behind the certificate. */
static EVP_PKEY *
read_key(const struct conf_certificate *c, const char *p, size_t len,
    FILE *warn, struct problems *problems)
{
	const char *path = c->key != NULL ? c->key : c->path, *why;
	EVP_PKEY *key = NULL;
	char *bytes = NULL;

	if (c->key != NULL) {
		bytes = file_read(path, FILE_MAX_SIZE, &len, &why);
		if (bytes == NULL) {
			problems_add(problems, c->place.file, c->place.line,
			    "cannot read the key %s: %s", path, why);
			return NULL;
		}
		p = bytes;
	}
	key = key_of(p, len, path, &c->place, problems);
	if (bytes != NULL)
		OPENSSL_cleanse(bytes, len);
	free(bytes);
	if (key != NULL)
		look_at_mode(path, &c->place, warn);
	return key;
}

static time_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

static const char *
date(time_t t, char *buf)
{
	struct tm tm;

	strftime(buf, DATE_SIZE, "%Y-%m-%d %H:%M UTC", gmtime_r(&t, &tm));
	return buf;
}

void
tls_cert_look(const struct tls_cert *cert, const struct conf_place *place,
    FILE *warn)
{
	time_t left = cert->ends - time(NULL);
	char buf[DATE_SIZE];

	if (left <= 0)
		tls_warn(warn, place, "the certificate %s ended %s",
		    cert->path, date(cert->ends, buf));
	else if (left <= (time_t)SOON_DAYS * DAY)
		tls_warn(warn, place, "the certificate %s ends %s, in %d "
		    "days", cert->path, date(cert->ends, buf),
		    (int)(left / DAY));
}

void
tls_cert_name(const struct tls_cert *cert, char *name, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert->leaf,
	    NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(cert->leaf);

	name[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);

		if (one->type != GEN_DNS || name[0] != '\0')
			continue;
		snprintf(name, size, "%.*s",
		    ASN1_STRING_length(one->d.dNSName),
		    (const char *)ASN1_STRING_get0_data(one->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (name[0] == '\0')
		X509_NAME_get_text_by_NID(subject, NID_commonName, name,
		    (int)size);
	ERR_clear_error();
	for (; *name != '\0'; name++)
		if (strchr(PLAIN, *name) == NULL)
			*name = '?';
}

static void
cert_free(struct tls_cert *cert)
{
	X509_free(cert->leaf);
	sk_X509_pop_free(cert->chain, X509_free);
	EVP_PKEY_free(cert->key);
	free(cert->path);
	free(cert->key_path);
	free(cert);
}

void
tls_cert_unref(struct tls_cert *cert)
{
	if (cert != NULL && --cert->refs == 0)
		cert_free(cert);
}

/* One that is new must be of use now. */
static int
check_dates(const struct tls_cert *cert, const struct conf_place *place,
    FILE *warn, struct problems *problems)
{
	time_t begins = time_of(X509_get0_notBefore(cert->leaf));
	char buf[DATE_SIZE];

	if (cert->ends <= time(NULL)) {
		problems_add(problems, place->file, place->line,
		    "the certificate %s ended %s", cert->path,
		    date(cert->ends, buf));
		return -1;
	}
	if (begins > time(NULL))
		tls_warn(warn, place, "the certificate %s begins %s",
		    cert->path, date(begins, buf));
	tls_cert_look(cert, place, warn);
	return 0;
}

/* Fill in what the files hold. */
static int
take(struct tls_cert *cert, const struct conf_certificate *c, const char *p,
    size_t len)
{
	cert->path = strdup(c->path);
	if (c->key != NULL)
		cert->key_path = strdup(c->key);
	SHA256((const unsigned char *)p, len, cert->hash);
	if (cert->path == NULL || (c->key != NULL && cert->key_path == NULL))
		return -1;
	cert->leaf = sk_X509_shift(cert->chain);
	cert->ends = time_of(X509_get0_notAfter(cert->leaf));
	return 0;
}

/* A new one, of the bytes in hand. */
static struct tls_cert *
make(const struct conf_certificate *c, const char *p, size_t len, FILE *warn,
    struct problems *problems)
{
	const struct conf_place *place = &c->place;
	struct tls_cert *cert = calloc(1, sizeof(*cert));

	if (cert == NULL) {
		problems_add(problems, place->file, place->line, "%s",
		    strerror(errno));
		return NULL;
	}
	cert->refs = 1;
	if ((cert->chain = dial_pem_all(p, len)) == NULL) {
		problems_add(problems, place->file, place->line,
		    "no certificate in PEM in %s: %s", c->path, dial_pem_why());
		goto fail;
	}
	if (take(cert, c, p, len) != 0) {
		problems_add(problems, place->file, place->line, "%s",
		    strerror(ENOMEM));
		goto fail;
	}
	if ((cert->key = read_key(c, p, len, warn, problems)) == NULL)
		goto fail;
	if (X509_check_private_key(cert->leaf, cert->key) != 1) {
		ERR_clear_error();
		problems_add(problems, place->file, place->line,
		    "the key %s does not fit the certificate %s",
		    c->key != NULL ? c->key : c->path, c->path);
		goto fail;
	}
	if (check_dates(cert, place, warn, problems) == 0)
		return cert;
fail:
	cert_free(cert);
	return NULL;
}

/* The same as before: its key is the one that is there. */
static struct tls_cert *
again(struct tls_cert *old, const struct stat *sb, const struct
    conf_certificate *c, FILE *warn)
{
	old->sb = *sb;
	old->refs++;
	tls_cert_look(old, &c->place, warn);
	return old;
}

struct tls_cert *
tls_cert_read(const struct conf_certificate *c, struct tls_cert *old,
    FILE *warn, struct problems *problems)
{
	struct file_look seen = { .since = 0 };
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct tls_cert *cert;
	struct stat sb;
	const char *why;
	char *bytes;
	size_t len;

	/* A file that has the key, too, may not be readable any more. */
	if (old != NULL && stat(c->path, &sb) == 0 &&
	    file_is_same(&sb, &old->sb))
		return again(old, &sb, c, warn);
	bytes = file_read_seen(c->path, &seen, FILE_MAX_SIZE, &len, &why);
	if (bytes == NULL) {
		problems_add(problems, c->place.file, c->place.line,
		    "cannot read the certificate %s: %s", c->path, why);
		return NULL;
	}
	SHA256((const unsigned char *)bytes, len, hash);
	if (old != NULL && memcmp(hash, old->hash, sizeof(hash)) == 0)
		cert = again(old, &seen.sb, c, warn);
	else if ((cert = make(c, bytes, len, warn, problems)) != NULL)
		cert->sb = seen.sb;
	OPENSSL_cleanse(bytes, len);
	free(bytes);
	return cert;
}

#endif
