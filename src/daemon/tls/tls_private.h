/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef TLS_PRIVATE_H
#define TLS_PRIVATE_H

/*
 * Between the parts of the room, of which each knows those before it:
 *
 *	tls_warn	what is no mistake, but should be known
 *	tls_hello	a client's first message, looked at
 *	tls_ticket	the keys of tickets
 *	tls_cert	a certificate and its key
 *	tls_set		all of a configuration, ready for handshakes
 *	tls_worker	the buffers of a thread, and whose turn it is
 *	tls		the set that is used
 *	tls_names	who a client has proven to be
 *	tls_flow	bytes through the library
 *	tls_shake	a connection until its first byte
 *	tls_link	and from then on
 */

#include <sys/queue.h>
#include <sys/stat.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "daemon/base/buf.h"
#include "daemon/base/warning.h"
#include "daemon/session/link.h"
#include "daemon/tls/tls.h"

struct conf_certificate;
struct conf_place;
struct event;
struct who_names;

/* tls_warn.c: */

/*
 * Write a warning about a line, or log it where out is NULL; place NULL: about
 * none.
 */
void tls_warn(FILE *out, const struct conf_place *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* tls_ticket.c: */

#define TLS_TICKET_NAME	16	/* bytes */
#define TLS_TICKET_KEY	32	/* bytes of each of two */

/* Tickets are good for so long, in seconds. */
#define TLS_TICKET_LIFE	7200

struct tls_ticket_key {
	unsigned char name[TLS_TICKET_NAME];
	unsigned char aes[TLS_TICKET_KEY], hmac[TLS_TICKET_KEY];
	int64_t since;			/* ms; 0: there is none */
};

/* In memory alone: who restarts makes a full handshake, which costs little. */
struct tls_tickets {
	pthread_mutex_t lock;
	struct tls_ticket_key keys[2];	/* the one in use, and that before */
};

/* How long a key is used, and one more time taken; tests make it short. */
extern int64_t tls_ticket_key_ms;

void tls_tickets_init(struct tls_tickets *);
void tls_tickets_clear(struct tls_tickets *);

/*
 * Forget the keys that are too old, whether or not somebody comes: what was
 * said under them is safe from then on.  To be called each time that a key is
 * used for.
 */
void tls_tickets_look(struct tls_tickets *);

/*
 * Have the tickets of a context made by these keys, which outlive it.
 */
int tls_tickets_use(struct tls_tickets *, SSL_CTX *);

/* tls_cert.c: */

struct tls_cert {
	atomic_uint refs;
	char *path, *key_path;		/* owned */
	struct stat sb;			/* of path, when it was read */
	unsigned char hash[32];		/* of what it held */
	X509 *leaf;			/* owned, as the others */
	STACK_OF(X509) *chain;
	EVP_PKEY *key;
	time_t ends;
};

/*
 * Read a certificate and its key.
 *
 * old  one of the same files that is used, or NULL
 *
 * Returns it with one reference, the caller's; it may be the old one.  NULL:
 * with a problem.
 */
struct tls_cert *tls_cert_read(const struct conf_certificate *,
    struct tls_cert *old, FILE *warn, struct problems *);
void tls_cert_unref(struct tls_cert *);

/*
 * Warn if it ends soon, or has.
 */
void tls_cert_look(const struct tls_cert *, const struct conf_place *,
    FILE *warn);

/*
 * Its first name, as tls_certificate() has it.
 */
void tls_cert_name(const struct tls_cert *, char *name, size_t size);

/* tls_set.c: */

/* Listeners with the same client-ca. */
struct tls_group {
	const struct tls_set *set;
	const char *ca;			/* borrowed while loading; NULL: none */
	bool http;			/* HTTP is spoken, not the protocol */
	unsigned char id[32];		/* a hash of what ca held, and of that */
	SSL_CTX **ctx;			/* the set's: one a certificate */
};

struct tls_set {
	atomic_uint refs;
	struct tls_cert **certs;	/* owned, in the order of their lines */
	size_t n_certs;
	struct tls_group *groups;	/* owned */
	size_t n_groups;
	SSL_CTX **ctxs;			/* owned: those of each group in turn */
	size_t *doors;			/* owned: each listener's group */
	size_t n_doors;
};

#define TLS_NO_GROUP	SIZE_MAX	/* of a listener that is plain */

/*
 * The context that a handshake begins with; borrowed as long as the set.
 * NULL: the set has none for that listener.
 */
SSL_CTX *tls_set_ctx(const struct tls_set *, size_t door);

/* tls.c: */

struct tls {
	pthread_mutex_t lock;		/* of what follows it */
	struct tls_set *current;	/* a reference; NULL: none yet */
	struct tls_tickets tickets;
	atomic_int opening;		/* handshakes that are not done */
	atomic_llong looked;		/* ms: when dates were looked at last */
};

/*
 * A reference to the set that is used, the caller's; NULL: none is yet.
 */
struct tls_set *tls_set_now(struct tls *);

/*
 * Look at the dates of the certificates, once a day.
 */
void tls_look(struct tls *);

/* tls_worker.c: */

/* Of each way; what a read may bring is less, see tls_flow.c. */
#define TLS_IN_SIZE	((size_t)64 << 10)
#define TLS_OUT_KEEP	((size_t)256 << 10)

/* Of records. */
#define TLS_SPARE	2

TAILQ_HEAD(tls_conns, tls_conn);

struct tls_worker {
	struct tls *tls;
	const struct conf_limits *const *limits;
	struct stats *stats;
	BIO_METHOD *method;		/* owned, as the others */
	BIO *bio;			/* reads in, writes out */
	char *in;
	size_t in_len, in_at;		/* what is there, and read */
	struct buf out;
	void *spare[TLS_SPARE];		/* owned: memory for records */
	size_t n_spare;
	struct tls_conns opening;	/* the oldest first */
	struct tls_conns turns;		/* they wait for one */
	struct event *event;		/* the next one's */
	struct event *hour;		/* looks at the keys of tickets */
	const struct tls_conn *turn;	/* whose it is */
	bool stepped;			/* in this wake-up, without a turn */
	struct warning crowded;
};

/*
 * Have the library's memory for records kept by the thread that used it.  To
 * be called before the library is asked for anything else.
 */
void tls_worker_keep_memory(void);

/*
 * Whether nobody else has made a step in this wake-up, nor waits for one: then
 * it need not be waited for.  Who asks makes one.
 */
bool tls_worker_may_step(struct tls_worker *);

/*
 * Have a turn soon; or end what is too much.
 */
void tls_worker_turn(struct tls_worker *, struct tls_conn *);
void tls_worker_relieve(struct tls_worker *);

/* A connection: */

enum tls_state {
	TLS_OPENING,		/* the handshake is not done */
	TLS_OPEN,
	TLS_SHUT,		/* nothing more is sent, nor deciphered */
	TLS_PLAIN		/* it is none of ours */
};

struct tls_conn {
	TAILQ_ENTRY(tls_conn) entry;		/* of opening */
	TAILQ_ENTRY(tls_conn) turn_entry;	/* of turns */
	struct link *link;
	struct tls_worker *worker;
	struct tls_set *set;	/* a reference while opening, or NULL */
	SSL *ssl;		/* owned; NULL: no whole message yet */
	struct who_names *names;	/* owned; NULL: no certificate */
	struct buf head;	/* made before there was something to send */
	size_t door;
	size_t low;		/* bytes that the kernel waits for; 0: one */
	enum tls_state state : 8;
	uint8_t asides;		/* messages of the protocol's own in a row */
	bool waits;		/* for a turn */
	bool ended;		/* the peer said that it sends no more */
	bool opened;		/* the handshake came to a connection */
};

/* Messages of the protocol's own that a peer may send without a byte. */
#define TLS_ASIDES_MAX	16

/* tls_names.c: */

/*
 * The names in the certificate that the peer has proven to be its own.
 *
 * names  set in any case; owned by the caller; NULL: it has shown none
 *
 * Returns 0, or -1 when out of memory.
 */
int tls_names_read(SSL *, struct who_names **names);

/* tls_flow.c: */

/*
 * Bring what the socket has into the worker's buffer, as much as will do for
 * so many bytes.  Returns as recv(2).
 */
ssize_t tls_flow_fill(struct tls_conn *, size_t len);

/*
 * Decipher what is there: as the operation read does.
 */
ssize_t tls_flow_decipher(struct tls_conn *, char *, size_t len);

/*
 * What the library made, and is not sent; borrowed until it makes more.  NULL
 * when out of memory.
 */
struct buf *tls_flow_made(struct tls_conn *);

/*
 * Send it.
 *
 * last  the descriptor is shut next
 *
 * Returns 0; or -1 when the link must be closed.
 */
int tls_flow_send(struct tls_conn *, bool last);

/*
 * Encipher bytes into the worker's buffer.
 *
 * Returns 0; or -1 when the link must be closed.
 */
int tls_flow_encipher(const struct tls_conn *, const char *, size_t len);

/* tls_shake.c: */

/*
 * The first operation of a link.
 */
int tls_shake_open(struct link *, size_t door);

/*
 * Read while it is opening: as the operation does.
 */
ssize_t tls_shake_read(struct tls_conn *, char *, size_t len);

/*
 * Opening ends, whatever came of it.
 */
void tls_shake_leave(struct tls_conn *, enum tls_state);

#endif
