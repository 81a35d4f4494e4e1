/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * loadgen: replay requests to any server over TCP or a unix socket, and
 * compare every byte that comes back.  It knows no protocol: a pack file has
 * the requests and their replies.
 *
 *	loadgen [OPTION...] ADDRESS PACK
 *
 * ADDRESS is 127.0.0.1:PORT or /path.  A pack is "PACK", then for each
 * request two little-endian uint32, the lengths of request and reply, and the
 * bytes of both.  A reply whose first byte is 0xff is compared by length
 * alone.
 *
 * In a pack that begins with "PAC2" each request has a third length and a
 * second reply, for a server whose table is changed and changed back.  The
 * first replies are right until SIGUSR1, which says that a change begins:
 * both are right from then on, each whole.  SIGUSR2 says that the server has
 * acknowledged it: to requests that are sent later, only the other one is.
 *
 * SIGINT and SIGTERM end the measurement early.
 *
 *	-c N	connections (64)
 *	-d N	requests in flight on each (1)
 *	-g	skip the line with which the server greets a connection
 *	-m M	keepalive, connect (one request a connection, which is then
 *		reset), or idle (connections that do nothing but exist, after
 *		one request each if there is a PACK)
 *	-n N	stop after so many replies, instead of after -t
 *	-p PID	of the server, to account its memory, and its CPU time with
 *		that of its children
 *	-q	acknowledge what comes at once, for servers that write small
 *		pieces and would wait for that
 *	-r	take the requests at random, not in turn
 *	-t S	seconds to measure (1)
 *	-w S	seconds before that (0.3)
 *
 * Prints one line of JSON.  Exit status 1 when a reply was wrong or missing.
 */

#include "config.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define READ_SIZE	((size_t)1 << 20)
#define EVENTS		512
#define STALL_NS	(20 * INT64_C(1000000000))
#define CHILDREN	1024

/* Latency: 32 linear steps in each power of two of nanoseconds. */
#define STEP_BITS	5
#define STEPS		(1 << STEP_BITS)
#define BUCKETS		(64 * STEPS)

struct item {
	const unsigned char *request, *reply[2];
	uint32_t request_len, reply_len[2];
	bool any;		/* the reply's bytes are not compared */
};

struct flight {
	int64_t sent;
	uint32_t item;
};

struct conn {
	int fd;
	struct flight *ring;	/* depth of them */
	uint32_t head, n;	/* in flight */
	uint32_t got;		/* bytes of the oldest one's reply */
	unsigned int fits;	/* which of its two replies they begin */
	bool greeted, broken;
	unsigned char *out;	/* not taken by the socket yet */
	size_t out_len, out_cap;
	bool wants_write;
};

enum mode { KEEPALIVE, CONNECT, IDLE };

static struct sockaddr_storage address;
static socklen_t address_len;
static enum mode mode;
static uint32_t n_conns = 64, depth = 1;
static uint64_t stop_after;
static double seconds = 1, warm_up = 0.3;
static bool at_random, greeting, quick_ack;
static pid_t server;
static clockid_t clocks[CHILDREN + 1];
static double used[CHILDREN + 1];
static size_t n_clocks;

static struct item *items;
static uint32_t n_items, next_item;
static uint64_t dice = 88172645463325252ull;
static int poller;
static unsigned char *in;

/* What SIGUSR1 and SIGUSR2 said: which reply is right, and since when. */
static volatile sig_atomic_t current, changing, ended;
static volatile int64_t settled;

static bool measuring;
static uint64_t replies, wrong, stale, failed, all_replies;
static int64_t worst;
static uint64_t buckets[BUCKETS];

static void *
grow(void *p, size_t size)
{
	if ((p = realloc(p, size)) == NULL)
		err(2, NULL);
	return p;
}

static void
count_latency(int64_t ns)
{
	unsigned int power = 0;

	if (ns > worst)
		worst = ns;
	if (ns >= STEPS)
		power = 64 - STEP_BITS - (unsigned int)__builtin_clzll(
		    (unsigned long long)ns);
	buckets[power * STEPS + ((ns >> (power ? power - 1 : 0)) &
	    (STEPS - 1))]++;
}

/* Microseconds that a share of all replies stayed below. */
static double
quantile(double share)
{
	uint64_t want = (uint64_t)(share * (double)replies), seen = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		unsigned int power = i / STEPS, step = i % STEPS;

		seen += buckets[i];
		if (seen > want)
			return (power == 0 ? step :
			    (double)((uint64_t)(STEPS + step + 1) <<
			    (power - 1))) / 1e3;
	}
	return (double)worst / 1e3;
}

/* The CPU clocks of the server and, where it forks, of its children. */
static void
find_clocks(void)
{
	char path[64];
	FILE *f;
	int pid;

	if (server == 0)
		return;
	if ((errno = clock_getcpuclockid(server, &clocks[n_clocks++])) != 0)
		err(2, "%d", (int)server);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)server,
	    (int)server);
	if ((f = fopen(path, "r")) == NULL)
		return;
	while (n_clocks <= CHILDREN && fscanf(f, "%d", &pid) == 1)
		if (clock_getcpuclockid(pid, &clocks[n_clocks]) == 0)
			n_clocks++;
	fclose(f);
}

/* CPU seconds of all threads of the server since the last call. */
static double
server_cpu(void)
{
	struct timespec ts;
	double sum = 0, one;

	for (size_t i = 0; i < n_clocks; i++) {
		/* A child of an earlier client is gone now. */
		if (clock_gettime(clocks[i], &ts) != 0)
			continue;
		one = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
		sum += one - used[i];
		used[i] = one;
	}
	return sum;
}

static long
server_memory(const char *name)
{
	char path[64], line[256];
	size_t len = strlen(name);
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
	if (server == 0 || (f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			kib = atol(line + len + 1);
	fclose(f);
	return kib;
}

static void
load_pack(const char *path)
{
	size_t lengths;
	unsigned char *p, *end;
	struct stat sb;
	uint32_t cap = 0;
	FILE *f = fopen(path, "rb");

	if (f == NULL || fstat(fileno(f), &sb) != 0)
		err(2, "%s", path);
	p = grow(NULL, (size_t)sb.st_size + 1);
	if (fread(p, 1, (size_t)sb.st_size, f) != (size_t)sb.st_size)
		err(2, "%s", path);
	fclose(f);
	end = p + sb.st_size;
	if (sb.st_size < 4 || (memcmp(p, "PACK", 4) != 0 &&
	    memcmp(p, "PAC2", 4) != 0))
		errx(2, "%s: no pack", path);
	lengths = p[3] == '2' ? 3 : 2;
	for (p += 4; (size_t)(end - p) >= 4 * lengths; ) {
		struct item *item;
		uint32_t len[3];

		if (n_items == cap)
			items = grow(items, (cap = cap * 2 + 16) *
			    sizeof(*items));
		item = &items[n_items++];
		memcpy(len, p, 4 * lengths);
		p += 4 * lengths;
		if (lengths == 2)
			len[2] = 0;
		if ((uint64_t)(end - p) < (uint64_t)len[0] + len[1] + len[2] ||
		    len[1] == 0 || (lengths == 3 && len[2] == 0))
			errx(2, "%s: cut short", path);
		item->request = p;
		item->reply[0] = p + len[0];
		item->reply[1] = lengths == 3 ? p + len[0] + len[1] :
		    item->reply[0];
		item->request_len = len[0];
		item->reply_len[0] = len[1];
		item->reply_len[1] = lengths == 3 ? len[2] : len[1];
		item->any = item->reply[0][0] == 0xff;
		p += (size_t)len[0] + len[1] + len[2];
	}
	if (n_items == 0)
		errx(2, "%s: empty", path);
}

static uint32_t
pick(void)
{
	if (at_random) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		return (uint32_t)((dice >> 32) * n_items >> 32);
	}
	if (next_item == n_items)
		next_item = 0;
	return next_item++;
}

static void
watch(struct conn *c, int how, bool write)
{
	struct epoll_event ev = { .events = EPOLLIN |
	    (write ? EPOLLOUT : 0), .data.ptr = c };

	c->wants_write = write;
	if (epoll_ctl(poller, how, c->fd, &ev) != 0)
		err(2, "epoll_ctl");
}

static void
enqueue(struct conn *c, int64_t at)
{
	uint32_t i = pick();

	if (c->out_len + items[i].request_len > c->out_cap)
		c->out = grow(c->out, c->out_cap = 2 * (c->out_len +
		    items[i].request_len));
	memcpy(c->out + c->out_len, items[i].request, items[i].request_len);
	c->out_len += items[i].request_len;
	c->ring[(c->head + c->n++) % depth] = (struct flight){ at, i };
}

static int
flush(struct conn *c)
{
	ssize_t n = c->out_len == 0 ? 0 :
	    send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN)
		return -1;
	if (n > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	if (c->wants_write != (c->out_len > 0))
		watch(c, EPOLL_CTL_MOD, c->out_len > 0);
	return 0;
}

static int
dial(void)
{
	struct linger reset = { 1, 0 };
	int on = 1, fd;

	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1)
		err(2, "socket");
	if (address.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Or the ports run out, and their want is measured. */
	if (mode == CONNECT)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&address, address_len) != 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
start(struct conn *c)
{
	int64_t at = clock_ns();

	for (int tries = 0; (c->fd = dial()) == -1; tries++) {
		if (tries == 2000)
			err(2, "connect");
		failed++;
		usleep(1000);
	}
	c->head = c->n = c->got = 0;
	c->fits = 3;
	c->greeted = !greeting;
	c->broken = false;
	c->out_len = 0;
	watch(c, EPOLL_CTL_ADD, false);
	for (uint32_t i = 0; i < (mode == CONNECT ? 1 : depth); i++)
		enqueue(c, at);
	/* Before the connection stands this fails, and is tried again. */
	flush(c);
}

static void
restart(struct conn *c, bool bad)
{
	if (bad)
		failed++;
	close(c->fd);
	start(c);
}

/* Those of the two replies that a request may get now. */
static unsigned int
right_replies(const struct flight *f)
{
	if (changing || f->sent < settled)
		return 3;
	return 1u << current;
}

/*
 * Take bytes of the oldest request's reply.  Returns how many; 0 when they
 * belong to neither of the two.  complete: whether it ends with them.
 */
static size_t
take_part(struct conn *c, const unsigned char *p, size_t len, bool *complete)
{
	const struct flight *f = &c->ring[c->head];
	const struct item *item = &items[f->item];
	unsigned int both = item->reply[0] == item->reply[1] ? 1 : 2;
	size_t part = len;

	for (unsigned int i = 0; i < both; i++)
		if ((c->fits & (1u << i)) && part > item->reply_len[i] - c->got)
			part = item->reply_len[i] - c->got;
	for (unsigned int i = 0; !item->any && i < both; i++)
		if ((c->fits & (1u << i)) &&
		    memcmp(item->reply[i] + c->got, p, part) != 0)
			c->fits &= ~(1u << i);
	if ((c->fits & ((1u << both) - 1)) == 0)
		return 0;
	c->got += (uint32_t)part;
	*complete = false;
	for (unsigned int i = 0; i < both; i++)
		if ((c->fits & (1u << i)) && c->got == item->reply_len[i])
			*complete = true;
	if (*complete && both == 2 && (c->fits & right_replies(f)) == 0)
		stale++;
	return part;
}

/*
 * Take received bytes; returns how many replies they end.  A wrong one is
 * the connection's last: nobody knows where the next would begin.
 */
static uint32_t
take(struct conn *c, const unsigned char *p, size_t len, int64_t at)
{
	uint32_t done = 0;

	while (len > 0 && !c->broken) {
		bool complete;
		size_t part = c->n == 0 ? 0 : take_part(c, p, len, &complete);

		if (part == 0) {
			wrong++;
			c->broken = true;
			break;
		}
		p += part;
		len -= part;
		if (!complete)
			continue;
		if (measuring) {
			count_latency(at - c->ring[c->head].sent);
			replies++;
		}
		all_replies++;
		c->got = 0;
		c->fits = 3;
		c->head = (c->head + 1) % depth;
		c->n--;
		done++;
	}
	return done;
}

/* Cut the greeting off; returns how many bytes it is. */
static size_t
take_greeting(struct conn *c, size_t len)
{
	const unsigned char *end = memchr(in, '\n', len);

	c->greeted = end != NULL;
	return end != NULL ? (size_t)(end + 1 - in) : len;
}

static void
serve(struct conn *c, uint32_t events)
{
	int on = 1;
	uint32_t done;
	size_t skip = 0;
	int64_t at;
	ssize_t n;

	if ((events & EPOLLOUT) && flush(c) != 0) {
		restart(c, true);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(c->fd, in, READ_SIZE, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		restart(c, n == -1 || c->n > 0);
		return;
	}
	if (quick_ack)
		setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	at = clock_ns();
	if (!c->greeted)
		skip = take_greeting(c, (size_t)n);
	done = take(c, in + skip, (size_t)n - skip, at);
	if (c->broken) {
		restart(c, true);
		return;
	}
	if (done == 0)
		return;
	if (mode == CONNECT) {
		restart(c, false);
		return;
	}
	for (uint32_t i = 0; i < done; i++)
		enqueue(c, at);
	if (flush(c) != 0)
		restart(c, true);
}

static void
run_until(int64_t end, uint64_t most)
{
	struct epoll_event events[EVENTS];
	uint64_t last = all_replies;
	int64_t since = clock_ns();

	for (;;) {
		int64_t at = clock_ns();
		int n;

		if (ended || at >= end || (most > 0 && all_replies >= most))
			return;
		if (all_replies != last) {
			last = all_replies;
			since = at;
		} else if (at - since > STALL_NS) {
			errx(2, "no reply for long");
		}
		n = epoll_wait(poller, events, EVENTS, 50);
		for (int i = 0; i < n; i++)
			serve(events[i].data.ptr, events[i].events);
	}
}

static int
run_load(void)
{
	struct conn *conns = calloc(n_conns, sizeof(*conns));
	double cpu, took;
	int64_t began;

	if (conns == NULL || (poller = epoll_create1(0)) == -1)
		err(2, NULL);
	for (uint32_t i = 0; i < n_conns; i++) {
		conns[i].ring = grow(NULL, depth * sizeof(struct flight));
		start(&conns[i]);
	}
	run_until(clock_ns() + (int64_t)(warm_up * 1e9), 0);
	measuring = true;
	find_clocks();
	server_cpu();
	began = clock_ns();
	run_until(stop_after > 0 ? INT64_MAX :
	    began + (int64_t)(seconds * 1e9),
	    stop_after > 0 ? all_replies + stop_after : 0);
	took = (double)(clock_ns() - began) / 1e9;
	cpu = server_cpu();
	printf("{\"replies\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, "
	    "\"server_cpu\": %.4f, \"per_cpu_second\": %.0f, "
	    "\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, "
	    "\"p999_us\": %.1f, \"p9999_us\": %.1f, \"max_us\": %.1f, "
	    "\"wrong\": %llu, \"stale\": %llu, \"failed\": %llu, "
	    "\"server_peak_kib\": %ld}\n", (unsigned long long)replies, took,
	    (double)replies / took, cpu, cpu > 0 ? (double)replies / cpu : 0,
	    quantile(0.5), quantile(0.9), quantile(0.99), quantile(0.999),
	    quantile(0.9999), (double)worst / 1e3,
	    (unsigned long long)wrong, (unsigned long long)stale,
	    (unsigned long long)failed, server_memory("VmHWM"));
	return wrong > 0 || stale > 0 || failed > 0 || replies == 0;
}

/* One request, and all of its reply. */
static void
ask_once(int fd)
{
	struct timeval patience = { .tv_sec = 20 };
	const struct item *item = &items[pick()];
	size_t got = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fcntl(fd, F_SETFL, 0) != 0 ||
	    send(fd, item->request, item->request_len, MSG_NOSIGNAL) !=
	    (ssize_t)item->request_len)
		err(2, "send");
	while (got < item->reply_len[0]) {
		if ((n = recv(fd, in, READ_SIZE, 0)) <= 0)
			errx(2, "no reply");
		got += (size_t)n;
	}
}

/* What connections cost that do nothing, or nothing any more. */
static int
run_idle(void)
{
	long before = server_memory("VmRSS"), after;
	int *fds = grow(NULL, n_conns * sizeof(*fds));

	for (uint32_t i = 0; i < n_conns; i++) {
		while ((fds[i] = dial()) == -1)
			usleep(1000);
		/* Not faster than they are accepted. */
		if (n_items == 0 && i % 128 == 127)
			usleep(20000);
		if (n_items > 0)
			ask_once(fds[i]);
	}
	usleep(1000000);
	after = server_memory("VmRSS");
	printf("{\"connections\": %u, \"bytes_each\": %.0f}\n", n_conns,
	    (double)(after - before) * 1024 / n_conns);
	return 0;
}

static void
caught(int sig)
{
	if (sig == SIGUSR1) {
		changing = 1;
	} else if (sig == SIGUSR2) {
		settled = clock_ns();
		current = !current;
		changing = 0;
	} else {
		ended = 1;
	}
}

static void
catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
	struct sigaction sa = { .sa_handler = caught,
	    .sa_flags = SA_RESTART };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static void
set_address(const char *text)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&address;
	struct sockaddr_in *sin = (struct sockaddr_in *)&address;
	char host[64];
	int port;

	if (text[0] == '/') {
		if (strlen(text) >= sizeof(sun->sun_path))
			errx(2, "%s: too long", text);
		sun->sun_family = AF_UNIX;
		strcpy(sun->sun_path, text);
		address_len = sizeof(*sun);
		return;
	}
	if (sscanf(text, "%63[0-9.]:%d", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		errx(2, "%s: neither ADDRESS:PORT nor a path", text);
	sin->sin_family = AF_INET;
	sin->sin_port = htons((uint16_t)port);
	address_len = sizeof(*sin);
}

static enum mode
mode_of(const char *word)
{
	if (strcmp(word, "connect") == 0)
		return CONNECT;
	if (strcmp(word, "idle") == 0)
		return IDLE;
	if (strcmp(word, "keepalive") != 0)
		errx(2, "%s: no mode", word);
	return KEEPALIVE;
}

int
main(int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "c:d:gm:n:p:qrt:w:")) != -1) {
		switch (ch) {
		case 'c': n_conns = (uint32_t)atoi(optarg); break;
		case 'd': depth = (uint32_t)atoi(optarg); break;
		case 'g': greeting = true; break;
		case 'm': mode = mode_of(optarg); break;
		case 'n': stop_after = strtoull(optarg, NULL, 10); break;
		case 'p': server = (pid_t)atoi(optarg); break;
		case 'q': quick_ack = true; break;
		case 'r': at_random = true; break;
		case 't': seconds = atof(optarg); break;
		case 'w': warm_up = atof(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind != 2 - (mode == IDLE && argc - optind == 1) ||
	    n_conns == 0 || depth == 0)
		errx(2, "usage: loadgen [OPTION...] ADDRESS PACK");
	catch_signals();
	set_address(argv[optind]);
	in = grow(NULL, READ_SIZE);
	if (argc - optind == 2)
		load_pack(argv[optind + 1]);
	return mode == IDLE ? run_idle() : run_load();
}
