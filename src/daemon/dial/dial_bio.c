/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#include "config.h"

#ifdef HAVE_OPENSSL

#include "daemon/dial/dial_bio.h"

static long
bio_ctrl(BIO *bio, int what, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return what == BIO_CTRL_FLUSH;
}

BIO_METHOD *
dial_bio_method(int (*read)(BIO *, char *, int),
    int (*write)(BIO *, const char *, int))
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");

	if (method != NULL && BIO_meth_set_read(method, read) == 1 &&
	    BIO_meth_set_write(method, write) == 1 &&
	    BIO_meth_set_ctrl(method, bio_ctrl) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

#endif
