/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Who a client has proven to be.
 */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/tls/tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "daemon/who/who_names.h"

/* Whatever its encoding is; one that is none is nobody's name. */
static int
add_common_names(struct who_names *names, const X509 *x)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	unsigned char *text;
	int at = -1, len, error = 0;

	while (error == 0 && (at = X509_NAME_get_index_by_NID(subject,
	    NID_commonName, at)) >= 0) {
		len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, at)));
		if (len < 0)
			continue;
		error = who_names_add(names, WHO_NAME_CN, (const char *)text,
		    (size_t)len);
		OPENSSL_free(text);
	}
	return error;
}

static int
add_other_names(struct who_names *names, const X509 *x)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	int error = 0;

	for (int i = 0; error == 0 && i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
		const ASN1_STRING *s = one->d.ia5;
		enum who_name_kind kind = one->type == GEN_DNS ?
		    WHO_NAME_DNS : one->type == GEN_URI ? WHO_NAME_URI :
		    one->type == GEN_EMAIL ? WHO_NAME_EMAIL : WHO_NAME_KINDS;

		if (kind != WHO_NAME_KINDS)
			error = who_names_add(names, kind,
			    (const char *)ASN1_STRING_get0_data(s),
			    (size_t)ASN1_STRING_length(s));
	}
	GENERAL_NAMES_free(all);
	return error;
}

int
tls_names_read(SSL *ssl, struct who_names **names)
{
	const X509 *x = SSL_get0_peer_certificate(ssl);
	int error;

	*names = NULL;
	if (x == NULL)
		return 0;
	if ((*names = who_names_new()) == NULL)
		return -1;
	error = add_common_names(*names, x) != 0 ||
	    add_other_names(*names, x) != 0 ? -1 : 0;
	ERR_clear_error();
	return error;
}

#endif
