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
 * Call back for each certificate of the set that is used.
 *
 * path  of its file; borrowed for the call, as name is
 * name  its first name, which may be any text; "" if it has none
 * ends  when it does
 */
void tls_certificates(struct tls *, void (*cb)(const char *path,
    const char *name, time_t ends, void *arg), void *arg);

#endif
