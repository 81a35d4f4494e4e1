/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The library's client and a server that sends anything.  An input is three
 * bytes of setup, then what the server sends:
 *
 *	1	bits: 0 and 1 how it ends: it closes, resets, or is silent;
 *		2 lengths are put right (fuzz_parts.h)
 *	2	where the bytes are cut
 *
 * However they come, the client takes the messages that are whole, in order,
 * and then says what is wrong: of bytes that are no message as soon as it can
 * be known, of a deadline that is over at once, and of the end what it was.
 */

#include "config.h"

#include "fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/buf.h"
#include "fuzz_files.h"
#include "fuzz_parts.h"
#include "lib/appmsg.h"

#define SETUP_SIZE	3
#define CONTENT_MAX	1000	/* bytes, what is taken at most */
#define SENT_MAX	60000	/* bytes that the socket surely holds */

const unsigned int fuzz_runs = 8000;

enum ending { CLOSE, RESET, SILENCE, CLOSE_AGAIN };

/* The connection, and how far what came from the server is understood. */
struct talk {
	struct appmsg_client *client;
	int fd;			/* the server's */
	const char *data;
	size_t len;
	size_t sent;		/* bytes of data */
	size_t taken;		/* bytes of data that were messages */
	int error;		/* that ended it; 0: none */
};

static int
listen_once(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FUZZ_CHECK(fd != -1 && strlen(path) < sizeof(sun.sun_path));
	strcpy(sun.sun_path, path);
	FUZZ_CHECK(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	FUZZ_CHECK(listen(fd, 8) == 0);
	files_keep("socket");
	return fd;
}

static void
talk_start(struct talk *t, enum ending ending)
{
	static int fd = -1;
	char request[200];

	if (fd == -1)
		fd = listen_once(files_path("socket"));
	FUZZ_CHECK(appmsg_client_open_unix(&t->client, files_path("socket"),
	    -1) == 0);
	FUZZ_CHECK((t->fd = accept(fd, NULL, NULL)) != -1);
	appmsg_client_set_max(t->client, CONTENT_MAX);
	FUZZ_CHECK(appmsg_client_search(t->client, "k", 1, true) == 0);
	/* To close with something unread is to reset. */
	if (ending != RESET)
		FUZZ_CHECK(recv(t->fd, request, sizeof(request), 0) > 0);
}

/*
 * What the client must say when it has seen all that was sent.
 *
 * at_end  of the server, too; then what it says of that
 *
 * Returns 0 and a message, or the error.
 */
static int
expect(const struct talk *t, int at_end, struct appmsg_header *h,
    const char **content)
{
	const char *p = t->data + t->taken;
	size_t len = t->sent - t->taken, used;
	int error;

	if (len > 2 && memchr("{ \t\n\r", p[2], 5) == NULL)
		return APPMSG_EPROTO;
	error = appmsg_header_decode(p, len, h, &used);
	if (error == APPMSG_EAGAIN)
		return at_end;
	if (error != 0 || h->flaw != APPMSG_FLAW_NONE)
		return APPMSG_EPROTO;
	if (h->content_length > CONTENT_MAX)
		return APPMSG_E2BIG;
	if (h->content_length > len - used)
		return at_end;
	*content = p + used;
	return 0;
}

/* One call, whose deadline is over. */
static int
receive(struct talk *t, int at_end)
{
	struct appmsg_message msg;
	struct appmsg_header h;
	const char *content = NULL;
	int expected = expect(t, at_end, &h, &content);
	/* What is there may take more looks than one. */
	int error, looks = (int)(t->sent / 1000) + 4;

	do
		error = appmsg_client_recv(t->client, &msg, 0);
	while (error == APPMSG_ETIMEDOUT && looks-- > 0);
	FUZZ_CHECK(error == expected);
	if (error == APPMSG_EOF)
		FUZZ_CHECK(errno == (t->sent == t->taken ? 0 : EPIPE));
	if (error == APPMSG_EIO)
		FUZZ_CHECK(errno == ECONNRESET);
	if (error != 0)
		return error;
	FUZZ_CHECK(msg.content_len == h.content_length);
	FUZZ_CHECK(memcmp(msg.content, content, msg.content_len) == 0);
	FUZZ_CHECK(msg.header_text + msg.header_text_len == msg.content);
	FUZZ_CHECK(memcmp(msg.header_text, t->data + t->taken +
	    APPMSG_LENGTH_SIZE, msg.header_text_len) == 0);
	FUZZ_CHECK(msg.header.has_connection == h.has_connection);
	FUZZ_CHECK(msg.header.id.kind == h.id.kind);
	t->taken = (size_t)(content - t->data) + msg.content_len;
	return 0;
}

/* Send some more, and see what it makes of it. */
static void
talk_go_on(struct talk *t, size_t n)
{
	if (n > t->len - t->sent)
		n = t->len - t->sent;
	FUZZ_CHECK(send(t->fd, t->data + t->sent, n, MSG_NOSIGNAL) ==
	    (ssize_t)n);
	t->sent += n;
	while ((t->error = receive(t, APPMSG_ETIMEDOUT)) == 0)
		;
}

static void
talk_end(struct talk *t, enum ending ending)
{
	int at_end = ending == RESET ? APPMSG_EIO : ending == SILENCE ?
	    APPMSG_ETIMEDOUT : APPMSG_EOF;

	if (ending != SILENCE) {
		close(t->fd);
		t->fd = -1;
	}
	/* Said again, as often as it is asked. */
	if (t->error == APPMSG_ETIMEDOUT)
		for (int i = 0; i < 2; i++)
			FUZZ_CHECK(receive(t, at_end) == at_end);
	if (t->fd != -1)
		close(t->fd);
	appmsg_client_free(t->client);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct buf right;
	struct talk t = { .error = APPMSG_ETIMEDOUT };
	enum ending ending;
	uint64_t state;

	if (len < SETUP_SIZE)
		return 0;
	ending = data[0] & 3;
	state = (uint64_t)data[1] << 8 | data[2];
	right.len = 0;
	FUZZ_CHECK(buf_add(&right, "", 0) == 0);
	if (data[0] & 4)
		parts_put_right(&right, data + SETUP_SIZE, len - SETUP_SIZE);
	else
		FUZZ_CHECK(buf_add(&right, data + SETUP_SIZE,
		    len - SETUP_SIZE) == 0);
	t.data = right.data;
	t.len = right.len < SENT_MAX ? right.len : SENT_MAX;
	talk_start(&t, ending);
	while (t.sent < t.len && t.error == APPMSG_ETIMEDOUT)
		talk_go_on(&t, state == 0 ? t.len : 1 + fuzz_random(&state,
		    fuzz_random(&state, 3) == 0 ? 4 : 300));
	talk_end(&t, ending);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max,
    unsigned int seed)
{
	uint64_t state = seed;

	if (len < SETUP_SIZE || max <= SETUP_SIZE ||
	    !(data[0] & 4) || fuzz_random(&state, 4) == 0)
		return LLVMFuzzerMutate(data, len, max);
	return SETUP_SIZE + parts_mutate(data + SETUP_SIZE, len - SETUP_SIZE,
	    max - SETUP_SIZE, &state);
}
