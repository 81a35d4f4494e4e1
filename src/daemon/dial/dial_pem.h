/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DIAL_PEM_H
#define DIAL_PEM_H

/*
 * Certificates as they lie in files.
 */

#include <stddef.h>

#include <openssl/x509.h>

/*
 * Read all certificates of some bytes in PEM.
 *
 * Returns them, owned by the caller; NULL where there are none, or not what
 * they should be, with dial_pem_why() due.
 */
STACK_OF(X509) *dial_pem_all(const char *, size_t len);

/*
 * The library's reason for the last failure in this thread, static; and
 * forget all that it noted.
 */
const char *dial_pem_why(void);

/*
 * For the library, which would ask at a terminal: there is nobody who could
 * type a passphrase.
 *
 * arg  a bool, which is set: one is wanted
 */
int dial_pem_no_passphrase(char *buf, int size, int writes, void *arg);

#endif
