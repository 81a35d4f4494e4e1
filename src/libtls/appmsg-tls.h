/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_TLS_H
#define APPMSG_TLS_H

/*
 * libappmsg-tls: clients of libappmsg over TLS 1.2 and 1.3.  It is a library
 * apart, so that programs that need no TLS need no OpenSSL.  What is opened
 * here is used, and freed, by the calls of <appmsg.h>.
 *
 * A server proves by a certificate that it is the one that was asked for:
 * there is no way to do without that proof.
 */

#include <stdint.h>

#include <appmsg.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whom clients trust, and who they are; opaque.  Used by one thread at a time,
 * as all clients are that were opened with it.
 */
struct appmsg_tls;

/*
 * Make one that trusts the system's certificate authorities, and shows no
 * certificate.
 *
 * tls  set when 0 is returned; owned by the caller, appmsg_tls_free()
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int appmsg_tls_new(struct appmsg_tls **tls);

/*
 * Free it, when all its clients are freed.  NULL is allowed.
 */
void appmsg_tls_free(struct appmsg_tls *tls);

/*
 * Trust the certificates of a file, in PEM, instead of the system's.  They
 * need not be of authorities: a server's own may be there.
 *
 * Returns 0; or APPMSG_EINVAL for a file that cannot be read or has none,
 * appmsg_tls_why() says which.
 */
int appmsg_tls_trust(struct appmsg_tls *tls, const char *file);

/*
 * Show a certificate to servers that want one.
 *
 * file  the certificate, then those that lead from it to an authority; PEM
 * key   its key, in PEM without a password; NULL: it is in file, too
 *
 * Returns 0; or APPMSG_EINVAL for a file that cannot be read, or a key that is
 * not the certificate's, appmsg_tls_why() says which.
 */
int appmsg_tls_show(struct appmsg_tls *tls, const char *file,
    const char *key);

/*
 * What failed last, of this or of a client that was opened with it: the
 * reason behind APPMSG_EINVAL, APPMSG_EUNPROVEN, APPMSG_EDENIED, or an
 * APPMSG_EPROTO that is about TLS.
 *
 * Returns a text of a few words, lower case, without full stop, until the next
 * call for this or its clients; empty: there is no more to say.
 */
const char *appmsg_tls_why(const struct appmsg_tls *tls);

/*
 * Connect to a server over TCP and TLS; as appmsg_client_open().
 *
 * tls         must live as long as the client
 * host, port  name or address; number or service name
 * name        what the server's certificate must be for, name or address, of 1
 *             to 255 bytes; NULL: host
 *
 * Returns as appmsg_client_open(), and APPMSG_EUNPROVEN when the server does
 * not prove that it is the one of that name; APPMSG_EDENIED when it does not
 * let us in, which may come as late as from appmsg_client_recv(); APPMSG_EPROTO
 * when it does not speak TLS, or not ours; APPMSG_EOF or APPMSG_EIO, with
 * errno, when it ends the connection before.
 */
int appmsg_client_open_tls(struct appmsg_client **client,
    struct appmsg_tls *tls, const char *host, const char *port,
    const char *name, int64_t deadline_ms);

/*
 * Let a list of servers speak TLS with those that want it.
 *
 * tls   must live as long as the list
 * name  what each server's certificate must be for, as above; borrowed as long
 *       as the list lives; NULL: its host
 */
void appmsg_servers_use_tls(struct appmsg_servers *servers,
    struct appmsg_tls *tls, const char *name);

#ifdef __cplusplus
}
#endif

#endif
