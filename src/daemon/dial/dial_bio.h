/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIAL_BIO_H
#define DIAL_BIO_H

/*
 * How the library of TLS reads and writes memory as if that were a socket.
 */

#include <openssl/bio.h>

/*
 * A kind of BIO that reads and writes by these, as BIO_meth_set_read(3) has
 * it, from what does not wait, and has no end.
 *
 * Returns it, owned by the caller, BIO_meth_free(3); NULL when out of memory.
 */
BIO_METHOD *dial_bio_method(int (*read)(BIO *, char *, int),
    int (*write)(BIO *, const char *, int));

#endif
