/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * An enciphered connection over a socket pair, to a service that sends back
 * what it gets.  An input is eight bytes of setup, then what the peer says:
 *
 *	1	bits: 0 TLS 1.2, 1 the end is close_notify, 2 and FIN, 3 a byte
 *		on its way is damaged, 4 records and pieces are small, 5 the
 *		peer reads when it has sent all, 6 the handshake is in one
 *		piece, 7 a ticket of the run before is tried
 *	1	how often it is said, less 1
 *	2	where records and pieces are cut
 *	4	which byte is damaged, of those that the peer sends, and how
 *
 * Whatever is cut, the peer gets what it said, and close_notify behind it.  If
 * something is damaged, what it gets is the beginning of that, and the
 * connection ends all the same; or, where the damage is behind the end of all,
 * it is as if there was none.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/base/buf.h"
#include "daemon/base/problems.h"
#include "daemon/conf/conf.h"
#include "daemon/session/peers.h"
#include "daemon/session/session.h"
#include "daemon/session/session_service.h"
#include "daemon/tls/tls.h"
#include "daemon/tls/tls_worker.h"
#include "fuzz_files.h"

#ifdef HAVE_OPENSSL
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#endif

const unsigned int fuzz_runs = 400;

#ifdef HAVE_OPENSSL

#define SETUP_SIZE	8
#define ALL_MAX		((size_t)300000)	/* bytes that are said */
#define PIECE_MAX	40000
#define SMALL_MAX	60
#define ROUNDS_MAX	20000	/* until nothing can happen any more */

enum setup_bit {
	SETUP_OLD = 1,
	SETUP_NOTIFY = 2,
	SETUP_FIN = 4,
	SETUP_DAMAGE = 8,
	SETUP_SMALL = 16,
	SETUP_LATE = 32,
	SETUP_WHOLE = 64,
	SETUP_TICKET = 128
};

/* The daemon's side, which all runs share. */
static struct event_base *base;
static struct session_host host;
static struct conf_limits limits;
static struct conf_listen listen_as;
static struct session_door door;
static struct tls *tls;
static struct tls_worker *worker;
static atomic_llong held;

/* The peer's. */
static SSL_CTX *ctx;
static SSL_SESSION *session;

struct run {
	uint8_t bits;
	uint64_t cuts;
	uint32_t damage;	/* which byte, and how, if there is any */
	int fd;
	SSL *ssl;
	BIO *in, *out;		/* ssl's */
	struct buf said, got;
	struct buf sends;	/* what is on its way */
	size_t taken, sent;	/* of said, and of all bytes ever */
	bool open, notified, shut, ended, over;
};

/* A certificate that is made now, and nobody else knows. */
static void
write_certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem());
	char *p;

	FUZZ_CHECK(key != NULL && x != NULL && pem != NULL);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 30 * 86400);
	X509_set_pubkey(x, key);
	FUZZ_CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0) == 1);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	FUZZ_CHECK(X509_sign(x, key, EVP_sha256()) > 0);
	FUZZ_CHECK(PEM_write_bio_X509(pem, x) == 1 &&
	    PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) == 1);
	FUZZ_CHECK(BIO_get_mem_data(pem, &p) > 0);
	files_write("pem", p, (size_t)BIO_get_mem_data(pem, &p));
	BIO_free(pem);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
gone_cb(struct peer_count *peer, bool counted, void *arg)
{
	(void)peer;
	(void)counted;
	(void)arg;
}

static void
read_certificate(void)
{
	struct problems problems = PROBLEMS_INIT;
	struct conf_certificate c = { .path = strdup(files_path("pem")) };
	struct conf conf = { 0 };

	STAILQ_INIT(&conf.certificates);
	TAILQ_INIT(&conf.listens);
	STAILQ_INSERT_TAIL(&conf.certificates, &c, entry);
	TAILQ_INSERT_TAIL(&conf.listens, &listen_as, entry);
	tls = tls_new();
	FUZZ_CHECK(tls != NULL);
	FUZZ_CHECK(chmod(c.path, 0600) == 0);
	tls_use(tls, tls_load(tls, &conf, stderr, &problems));
	problems_print(&problems, stderr);
	FUZZ_CHECK(problems_count(&problems) == 0);
	free(c.path);
}

static void
start(void)
{
	static const struct conf_timeouts times = { .idle = 3600000,
	    .handshake = 3600000, .header = 3600000, .message = 3600000,
	    .write = 3600000, .drain = 3600000 };

	listen_as = (struct conf_listen){ .ss.ss_family = AF_INET,
	    .service = CONF_SERVICE_ECHO, .tls = true };
	limits = (struct conf_limits){ .connections = 10, .handshakes = 10,
	    .output = 65536, .pipeline = 10, .memory = 1 << 24,
	    .header = 100, .content = 100 };
	write_certificate();
	read_certificate();
	base = event_base_new();
	host = (struct session_host){ .base = base, .peers = peers_new(),
	    .held = &held, .gone_cb = gone_cb, .limits = &limits };
	FUZZ_CHECK(session_host_init(&host) == 0);
	worker = tls_worker_new(tls, base, &host.limits, host.env.stats);
	FUZZ_CHECK(worker != NULL);
	host.owner.transport = worker;
	deadlines_configure(&host.deadlines, &times);
	door = (struct session_door){ .listen = &listen_as,
	    .service = &session_echo, .link = tls_link() };
	ctx = SSL_CTX_new(TLS_client_method());
	FUZZ_CHECK(ctx != NULL);
}

static size_t
cut(struct run *r, size_t most)
{
	uint32_t n = r->bits & SETUP_SMALL ? SMALL_MAX : PIECE_MAX;
	size_t len = 1 + fuzz_random(&r->cuts, n);

	return len < most ? len : most;
}

/* Bytes that the library made are on their way; one of them is damaged. */
static void
take_made(struct run *r)
{
	size_t at = r->sends.len, from = r->sent + at;
	size_t which = r->damage >> 8;
	int n = BIO_pending(r->out);

	if (n <= 0)
		return;
	FUZZ_CHECK(buf_reserve(&r->sends, (size_t)n) != NULL);
	FUZZ_CHECK(BIO_read(r->out, r->sends.data + at, n) == n);
	r->sends.len += (size_t)n;
	if (r->bits & SETUP_DAMAGE && which >= from &&
	    which < from + (size_t)n)
		r->sends.data[at + which - from] ^= (char)(r->damage & 0xff);
}

/* Send a piece of it.  Returns whether something was. */
static bool
send_piece(struct run *r)
{
	size_t len = r->sends.len;
	ssize_t n;

	/* Of a unix socket, only one piece can be looked at. */
	if (len > 0 && r->sent > 0 && (r->open || !(r->bits & SETUP_WHOLE)))
		len = cut(r, len);
	if (len == 0)
		return false;
	n = send(r->fd, r->sends.data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1) {
		/* It has ended already. */
		if (errno != EAGAIN)
			r->sends.len = 0;
		return false;
	}
	r->sent += (size_t)n;
	r->sends.len -= (size_t)n;
	memmove(r->sends.data, r->sends.data + n, r->sends.len);
	return true;
}

static bool
has_said_all(const struct run *r)
{
	return r->taken == r->said.len && r->notified == !!(r->bits &
	    SETUP_NOTIFY) && r->sends.len == 0;
}

/* Say some more, or that this was all. */
static void
say(struct run *r)
{
	size_t len, n;

	if (r->over || !r->open || r->sends.len > 0)
		return;
	if (r->taken < r->said.len) {
		len = cut(r, r->said.len - r->taken);
		if (SSL_write_ex(r->ssl, r->said.data + r->taken, len, &n) == 1)
			r->taken += n;
		else
			r->over = true;
	} else if (r->bits & SETUP_NOTIFY && !r->notified) {
		SSL_shutdown(r->ssl);
		r->notified = true;
	}
	take_made(r);
	ERR_clear_error();
}

/* Returns whether something came. */
static bool
hear(struct run *r)
{
	char piece[20000];
	ssize_t n = r->ended ? 0 : recv(r->fd, piece, cut(r, sizeof(piece)),
	    MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN))
		r->ended = true;
	if (n <= 0)
		return false;
	FUZZ_CHECK(BIO_write(r->in, piece, (int)n) == n);
	return true;
}

/* What came, deciphered. */
static void
understand(struct run *r)
{
	char piece[16384];
	size_t n;
	int rc = 1;

	if (r->over)
		return;
	if (!r->open)
		rc = SSL_do_handshake(r->ssl);
	r->open = rc == 1;
	if (!r->open && SSL_get_error(r->ssl, rc) != SSL_ERROR_WANT_READ)
		r->over = true;
	while (r->open && SSL_read_ex(r->ssl, piece, sizeof(piece), &n) == 1)
		FUZZ_CHECK(buf_add(&r->got, piece, n) == 0);
	if (r->open && SSL_get_error(r->ssl, 0) != SSL_ERROR_WANT_READ)
		r->over = true;
	take_made(r);
	ERR_clear_error();
}

/* Where lengths are damaged, each side may wait for the other. */
static void
finish(struct run *r, bool waits)
{
	bool ends = r->bits & SETUP_FIN || !(r->bits & SETUP_NOTIFY);

	if (r->bits & SETUP_DAMAGE ? !waits && !r->over && !r->ended :
	    !r->over && !r->ended && !(r->open && has_said_all(r) && ends))
		return;
	if (r->shut)
		return;
	r->shut = true;
	shutdown(r->fd, SHUT_WR);
}

static void
go_on(struct run *r)
{
	unsigned int quiet = 0;

	for (unsigned int i = 0; i < ROUNDS_MAX && quiet < 20; i++) {
		bool busy = send_piece(r);

		event_base_loop(base, EVLOOP_NONBLOCK);
		if (!(r->bits & SETUP_LATE) || !r->open || has_said_all(r) ||
		    !busy)
			busy = hear(r) || busy;
		understand(r);
		say(r);
		finish(r, quiet > 9);
		quiet = busy || r->sends.len > 0 ? 0 : quiet + 1;
		if (r->ended && TAILQ_EMPTY(&host.all))
			break;
	}
}

static void
check(struct run *r)
{
	bool damaged = r->bits & SETUP_DAMAGE && r->damage & 0xff &&
	    r->damage >> 8 < r->sent;

	FUZZ_CHECK(TAILQ_EMPTY(&host.all));
	FUZZ_CHECK(r->got.len <= r->said.len);
	FUZZ_CHECK(r->got.len == 0 ||
	    memcmp(r->got.data, r->said.data, r->got.len) == 0);
	FUZZ_CHECK(held == 0);
	if (damaged)
		return;
	FUZZ_CHECK(r->open && r->got.len == r->said.len);
	FUZZ_CHECK(SSL_get_shutdown(r->ssl) & SSL_RECEIVED_SHUTDOWN);
}

static void
run_init(struct run *r, const uint8_t *data, size_t len)
{
	int fds[2];

	*r = (struct run){ .bits = data[0],
	    .cuts = (uint64_t)data[2] << 8 | data[3],
	    .damage = (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 |
	    (uint32_t)data[6] << 8 | data[7] };
	r->damage %= (uint32_t)1 << 22;
	for (unsigned int i = 0; i <= data[1] && r->said.len < ALL_MAX; i++)
		if (len > SETUP_SIZE)
			FUZZ_CHECK(buf_add(&r->said, data + SETUP_SIZE,
			    len - SETUP_SIZE) == 0);
	/* A byte a record takes too long for many. */
	if (r->said.len > 4000)
		r->bits &= (uint8_t)~SETUP_SMALL;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds) == 0);
	r->fd = fds[1];
	r->ssl = SSL_new(ctx);
	r->in = BIO_new(BIO_s_mem());
	r->out = BIO_new(BIO_s_mem());
	FUZZ_CHECK(r->ssl != NULL && r->in != NULL && r->out != NULL);
	SSL_set_bio(r->ssl, r->in, r->out);
	SSL_set_connect_state(r->ssl);
	if (r->bits & SETUP_OLD)
		SSL_set_max_proto_version(r->ssl, TLS1_2_VERSION);
	if (r->bits & SETUP_TICKET && session != NULL)
		SSL_set_session(r->ssl, session);
	FUZZ_CHECK(session_start(&host, fds[0], &door, NULL) == 0);
}

static void
run_clear(struct run *r)
{
	SSL_SESSION_free(session);
	session = SSL_get1_session(r->ssl);
	SSL_set_shutdown(r->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(r->ssl);
	close(r->fd);
	buf_clear(&r->said);
	buf_clear(&r->got);
	buf_clear(&r->sends);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run r;

	if (len < SETUP_SIZE)
		return 0;
	if (tls == NULL)
		start();
	run_init(&r, data, len);
	understand(&r);
	go_on(&r);
	check(&r);
	run_clear(&r);
	return 0;
}

#else

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	(void)data;
	(void)len;
	return 0;
}

#endif
