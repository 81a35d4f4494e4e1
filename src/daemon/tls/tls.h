/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TLS_H
#define TLS_H

/*
 * TLS for listeners: the certificates and keys that a configuration names, and
 * what all workers share of them.  Nobody outside of this room knows what
 * makes it; without OpenSSL the configuration refuses all that would need it.
 *
 * A load makes a set, which replaces the one before when its generation does.
 * Connections go on with the set that they began with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

struct conf;
struct problems;
struct tls;
struct tls_set;

/*
 * What it is, as "OpenSSL 3.0.19 27 Jan 2026"; NULL: this build has none.
 * Static.
 */
const char *tls_version(void);

/*
 * Make what all share: no certificates yet, and new keys for tickets.  To be
 * called where files can still be read, since the library may have some of its
 * own.
 *
 * Returns it, owned by the caller, tls_free(), after all that uses it; NULL
 * when out of memory.
 */
struct tls *tls_new(void);
void tls_free(struct tls *);

/*
 * Read the certificates, keys and client-ca of a configuration.  Where a
 * certificate is as in the set that is used, its key is not read again, since
 * who started may have had the right to and gave it up.
 *
 * warn      gets what is no mistake, as "file:line: warning: ..."; NULL: the
 *           log does
 * problems  gets what is one
 *
 * Returns the set with one reference, the caller's; or NULL with at least one
 * problem.  For one thread at a time.
 */
struct tls_set *tls_load(struct tls *, const struct conf *conf, FILE *warn,
    struct problems *problems);

/*
 * The certificates and keys of the set that is used, with what a configuration
 * which was used before asks of clients: only its client-ca is read.  Returns
 * as tls_load().
 */
struct tls_set *tls_load_back(struct tls *, const struct conf *,
    struct problems *problems);

/*
 * Whether a set has nothing that the one which is used has not, and the
 * configuration is the same.
 */
bool tls_is_same(struct tls *, const struct tls_set *);

/*
 * Let go of a reference.  NULL is allowed.
 */
void tls_set_unref(struct tls_set *);

/*
 * Use a set for all handshakes that begin from now on.  Takes the reference.
 */
void tls_use(struct tls *, struct tls_set *);

/*
 * A certificate of the set that is used, from 0, in the order of the lines.
 *
 * name  filled with its first name, "" if it has none; what is no letter,
 *       digit or one of -.*@:_ is a question mark there
 * size  of it, at least 1
 * ends  set to when it does
 *
 * Returns whether there is one of that number.
 */
bool tls_certificate(struct tls *, size_t i, char *name, size_t size,
    time_t *ends);

#endif
