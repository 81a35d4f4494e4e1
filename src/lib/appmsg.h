/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_H
#define APPMSG_H

/*
 * libappmsg: messages that carry their own length and description.
 *
 * A message on the wire is three parts in a row:
 *
 *	2 bytes		length of the header, big-endian
 *	header		a JSON object, UTF-8
 *	content		as many bytes as the header's "content-length" says
 *
 * The library has two layers.  The lower one turns bytes into headers and
 * back; it does no I/O, allocates nothing and keeps no state, so that any
 * event loop can own the buffer:
 *
 *	appmsg_header_decode()	is there a whole header yet, and what is in it?
 *	appmsg_header_encode()	the 2 bytes and the header for some content
 *	appmsg_content_find()	one string member of a JSON content
 *	appmsg_escape()		text -> the inside of a JSON string
 *
 * The upper one is a blocking client with deadlines: open, queue requests,
 * receive replies.  It writes while it waits for replies, so that any number
 * of requests may be queued before the first reply is read.  Over it stands a
 * list of servers that give the same answers, of which one that works is asked,
 * the first one where there is a choice.
 *
 * Strings inside a message are never copied by the lower layer.  A struct
 * appmsg_str is a string as it stands between its quotes, escapes included;
 * appmsg_str_eq() compares and appmsg_str_decode() unescapes.  U+0000 is an
 * ordinary character everywhere, so lengths are always explicit.
 *
 * The library never exits, prints or logs, and is safe to use from several
 * threads as long as each struct appmsg_client, and each list of servers, is
 * used by one at a time.
 * What the members mean is told in appmsg-protocol(7).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong.  Zero is good, everything else is negative. */
enum appmsg_error {
	APPMSG_OK = 0,
	APPMSG_EAGAIN = -1,	/* too few bytes to decide; read more */
	APPMSG_EPROTO = -2,	/* not this protocol, or damaged */
	APPMSG_E2BIG = -3,	/* larger than the protocol or a cap allows */
	APPMSG_EILSEQ = -4,	/* text that is not Unicode */
	APPMSG_ENOMEM = -5,
	APPMSG_ETIMEDOUT = -6,	/* the deadline passed */
	APPMSG_EHOST = -7,	/* host name unknown */
	APPMSG_ECONN = -8,	/* no connection; errno says why */
	APPMSG_EOF = -9,	/* the peer closed before a whole message */
	APPMSG_EIO = -10,	/* read or write failed; errno says why */
	APPMSG_ENOENT = -11,	/* no such member */
	APPMSG_EINVAL = -12,	/* a wrong argument */
	APPMSG_EUNPROVEN = -13,	/* the peer is not who it should be */
	APPMSG_EDENIED = -14	/* the peer does not let us in */
};

enum {
	APPMSG_LENGTH_SIZE = 2,		/* bytes before the header */
	APPMSG_HEADER_MAX = 65535,	/* bytes of a header */
	APPMSG_ID_MAX = 256,		/* bytes of a string id, decoded */
	APPMSG_DEPTH_MAX = 64,		/* nesting of JSON */
	APPMSG_MEMBERS_MAX = 256	/* members of one JSON object */
};

/*
 * A string as it stands in JSON text, without its quotes: valid UTF-8,
 * escapes and all.  Borrowed from the text it was found in.  raw is NULL
 * where there is none.
 */
struct appmsg_str {
	const char *raw;
	size_t len;		/* bytes of raw */
	unsigned int flags;
#define APPMSG_STR_ESCAPED	0x1u	/* has at least one backslash */
#define APPMSG_STR_LONE		0x2u	/* has half a surrogate pair */
};

/* A literal without quotes, backslashes and control characters. */
#define APPMSG_STR(literal) { (literal), sizeof(literal) - 1, 0 }

enum appmsg_id_kind {
	APPMSG_ID_NONE = 0,
	APPMSG_ID_INT,		/* within +-2^53 */
	APPMSG_ID_STRING	/* at most APPMSG_ID_MAX bytes decoded */
};

struct appmsg_id {
	enum appmsg_id_kind kind;
	int64_t num;
	struct appmsg_str str;
};

/*
 * What is wrong with a header that could be read to its end, and whose
 * content-length is known: the stream can go on after such a message.
 */
enum appmsg_flaw {
	APPMSG_FLAW_NONE = 0,
	APPMSG_FLAW_HEADER,	/* a member is missing or of a wrong type */
	APPMSG_FLAW_ID		/* "id" is neither such integer nor string */
};

/*
 * A header, decoded or to be encoded.  All strings are borrowed.  Members
 * from connection on are optional: raw is NULL where they are absent.
 */
struct appmsg_header {
	struct appmsg_str content_type;
	struct appmsg_str content_encoding;
	uint64_t content_length;	/* UINT64_MAX: that or more */
	struct appmsg_str connection;	/* "keep-alive" or anything else */
	struct appmsg_id id;
	struct appmsg_str status;	/* replies: "found", ... */
	struct appmsg_str error;	/* replies: "bad-json", ... */
	bool has_connection;		/* there, of whatever type */
	bool explain;			/* requests: "explain" is true */
	bool has_suggest;
	int suggest;			/* requests: 0 to 5 */

	/* encode: further members, each `, "name": value`; may be NULL */
	const char *extra;
	size_t extra_len;

	/* decode only */
	enum appmsg_flaw flaw;
	const char *why;	/* static text about flaw or error, or NULL */
	const char *code;	/* static: the protocol's word for it, or NULL */
};

/*
 * Describe an error in a few words, lower case, without full stop.
 *
 * Returns a static string for any int.
 */
const char *appmsg_strerror(int error);

/*
 * The version of the library, as "0.1.0".
 */
const char *appmsg_version(void);

/*
 * Compare a string of a message with text.
 *
 * s          from this library; raw may be NULL, which equals nothing
 * text, len  UTF-8, may hold NUL
 *
 * Returns whether s stands for exactly that text.
 */
bool appmsg_str_eq(const struct appmsg_str *s, const char *text, size_t len);

/*
 * Unescape a string of a message.
 *
 * buf, cap  where to; s->len bytes are always enough
 * len       bytes written; untouched unless 0 is returned
 *
 * Returns 0; APPMSG_E2BIG when cap is too small; APPMSG_EILSEQ when s has
 * half a surrogate pair, which is no text.  Writes no terminating NUL.
 */
int appmsg_str_decode(const struct appmsg_str *s, char *buf, size_t cap,
    size_t *len);

/*
 * Escape text as the inside of a JSON string: only '"', '\', and bytes below
 * 0x20 are changed (\b \f \n \r \t, else \u00xx in lower case).
 *
 * text, len  UTF-8; not checked
 * buf, cap   where to; 6 * len bytes are always enough; NULL with cap 0 just
 *            counts
 *
 * Returns the number of bytes that the whole of it needs; buf is complete
 * only when that is at most cap.
 */
size_t appmsg_escape(const char *text, size_t len, char *buf, size_t cap);

/*
 * Read the header at the start of a received byte run.
 *
 * buf, len  bytes so far; borrowed as long as hdr is used; may hold more
 *           than one message
 * hdr       filled when 0 is returned; on APPMSG_EPROTO only why and code
 * used      bytes of buf before the content, 2 to 65537; set when 0 is
 *           returned; with APPMSG_EAGAIN: bytes needed before it is worth
 *           to call again
 *
 * Returns 0 (then look at hdr->flaw: a server can answer such a message and
 * go on); APPMSG_EAGAIN when len is too short to decide; APPMSG_EPROTO when
 * the stream cannot continue.  Does not block, log or allocate.
 */
int appmsg_header_decode(const void *buf, size_t len,
    struct appmsg_header *hdr, size_t *used);

/*
 * Write the length and the header for a content that follows.
 *
 * hdr       members with raw NULL (and id of kind none) are left out; strings
 *           must be valid inside quotes, as appmsg_escape() leaves them
 * buf, cap  where to; may be NULL with cap 0 to learn the size
 * len       bytes needed; always set
 *
 * Returns 0; APPMSG_E2BIG when cap is too small or the header would have
 * more than APPMSG_HEADER_MAX bytes.
 */
int appmsg_header_encode(const struct appmsg_header *hdr, void *buf,
    size_t cap, size_t *len);

/*
 * Find a string member of a JSON object, which is checked whole: RFC 8259,
 * UTF-8, at most APPMSG_DEPTH_MAX deep and APPMSG_MEMBERS_MAX members an
 * object.  The last of several members with one name wins.
 *
 * content, len  borrowed as long as value is used
 * name          of the member, NUL-terminated
 * value         filled when 0 is returned
 *
 * Returns 0; APPMSG_EPROTO when the content is no such object; APPMSG_ENOENT
 * when it has no such member, or one that is no string.
 */
int appmsg_content_find(const void *content, size_t len, const char *name,
    struct appmsg_str *value);

/* A connection to a server; opaque. */
struct appmsg_client;

/* A received message; borrowed from its client until the next receive. */
struct appmsg_message {
	struct appmsg_header header;
	const char *content;
	size_t content_len;
	const char *header_text;	/* its JSON, for members not above */
	size_t header_text_len;
};

/*
 * The time that lies timeout_ms from now, for the deadline_ms of the calls
 * below: milliseconds of the monotonic clock.  Negative: no deadline, -1.
 */
int64_t appmsg_deadline(int64_t timeout_ms);

/*
 * Connect to a server over TCP.  All addresses of the host are tried in turn
 * within the deadline.  With a deadline, a name is looked up by a thread, since
 * getaddrinfo(3) knows none: when that takes too long, it is left alone, and
 * ends later.  A numeric address needs no thread and never waits there.
 *
 * host, port  name or address; number or service name
 * client      set when 0 is returned; owned by the caller,
 *             appmsg_client_free()
 *
 * Each address gets an equal share of the time that is left.
 *
 * Returns 0; APPMSG_EHOST; APPMSG_ECONN with errno of the last address tried;
 * APPMSG_ETIMEDOUT; APPMSG_EINVAL for a NULL argument or an unknown service
 * name; APPMSG_ENOMEM.
 */
int appmsg_client_open(struct appmsg_client **client, const char *host,
    const char *port, int64_t deadline_ms);

/*
 * Connect to a server's unix socket; as appmsg_client_open(), with
 * APPMSG_EINVAL for a path that does not fit.
 */
int appmsg_client_open_unix(struct appmsg_client **client, const char *path,
    int64_t deadline_ms);

/*
 * Close the connection and free all.  NULL is allowed.
 */
void appmsg_client_free(struct appmsg_client *client);

/*
 * The largest content that appmsg_client_recv() takes.  Default 1 GiB.
 */
void appmsg_client_set_max(struct appmsg_client *client, size_t max_content);

/*
 * The socket, for poll(2) or socket options; still owned by the client.
 */
int appmsg_client_fd(const struct appmsg_client *client);

/*
 * Queue a message and write what the socket takes at once; never blocks.
 *
 * hdr           content_length is set by the call
 * content, len  copied
 *
 * Returns 0; APPMSG_E2BIG for a header that does not fit; APPMSG_ENOMEM.  A
 * broken connection shows in appmsg_client_recv(), after the replies that
 * came before it broke.
 */
int appmsg_client_send(struct appmsg_client *client,
    const struct appmsg_header *hdr, const void *content, size_t len);

/*
 * Have messages wait for those behind them, so that many leave at once, which
 * costs both sides less: until it is called with false, or some 64 KB wait.
 * Nothing is received meanwhile that only what waits would bring about.
 */
void appmsg_client_cork(struct appmsg_client *client, bool corked);

/*
 * Receive one message; writes what is still queued meanwhile.
 *
 * msg  filled when 0 is returned; borrowed until the next call with client
 *
 * A deadline that has passed still allows one look at what is there.
 *
 * Returns 0; APPMSG_EOF when the peer closed (errno is 0 between messages,
 * EPIPE inside of one); APPMSG_EPROTO, for a header with a flaw too;
 * APPMSG_E2BIG; APPMSG_ETIMEDOUT;
 * APPMSG_EIO; APPMSG_ENOMEM.  After an error but a timeout the connection is
 * of no further use.
 */
int appmsg_client_recv(struct appmsg_client *client,
    struct appmsg_message *msg, int64_t deadline_ms);

/*
 * Bytes as they are, for services that have no messages, such as echo; not
 * for a connection on which messages are sent or received.  Writes what the
 * socket takes, queues some 64 KB, and never blocks.
 *
 * data, len  what to write
 * taken      set: bytes from the start of data that were written or copied;
 *            of a broken connection all, since appmsg_client_read() tells
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int appmsg_client_write(struct appmsg_client *client, const void *data,
    size_t len, size_t *taken);

/*
 * Whether bytes wait to be sent: then poll(2) for POLLOUT, too, before the
 * next call.
 */
bool appmsg_client_has_unsent(const struct appmsg_client *client);

/*
 * Read bytes as they are; writes what is still queued meanwhile.
 *
 * buf, cap  where to, at least 1
 * len       set when 0 is returned: 1 to cap
 *
 * A deadline that has passed still allows one look at what is there.
 *
 * Returns 0; APPMSG_EOF when the peer closed; APPMSG_ETIMEDOUT; APPMSG_EIO;
 * APPMSG_ENOMEM.
 */
int appmsg_client_read(struct appmsg_client *client, void *buf, size_t cap,
    size_t *len, int64_t deadline_ms);

/*
 * Queue a search for key as appmsg-client(1) does.
 *
 * key, len    UTF-8 text, may hold NUL
 * keep_alive  ask the server to keep the connection
 *
 * Returns as appmsg_client_send().
 */
int appmsg_client_search(struct appmsg_client *client, const char *key,
    size_t len, bool keep_alive);

/*
 * Several servers that give the same answers; opaque.  One of them is
 * connected to, and kept as long as it works.  When it does not, what it has
 * not answered is asked of the next one, so that no reply is lost, none comes
 * twice, and they come in the order of the requests, which must therefore be
 * such that may be repeated; those of appmsg-protocol(7) are.  One server is a
 * list, too.
 */
struct appmsg_servers;

/* One of them, as it was named; borrowed from its list, for good. */
struct appmsg_server {
	const char *name;	/* HOST:PORT, [ADDRESS]:PORT, or the path */
	const char *host;	/* NULL: a unix socket */
	const char *port;	/* NULL: a unix socket */
	const char *path;	/* of the unix socket, else NULL */
	bool tls;
	bool connected;		/* the failure came with the connection made */
	int error;		/* how it failed in the last call; 0: not */
	int system_error;	/* its errno, of APPMSG_ECONN and APPMSG_EIO */
	const char *why;	/* TLS' own words for it; may be empty */
};

/*
 * Make a list that has none yet.
 *
 * servers  set when 0 is returned; owned by the caller, appmsg_servers_free()
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int appmsg_servers_new(struct appmsg_servers **servers);

/*
 * Close the connection and free all.  NULL is allowed.
 */
void appmsg_servers_free(struct appmsg_servers *servers);

/*
 * Add servers, behind those that are there.
 *
 * list  one, or several with commas between them: HOST, HOST:PORT, [ADDRESS],
 *       [ADDRESS]:PORT, an IPv6 address without brackets, or the path of a
 *       unix socket, which starts with a slash.  One behind appmsgs:// is
 *       asked over TLS; appmsg:// says nothing.  Blanks around one are
 *       none of it.
 * port  of those that name none: a number or a service's name
 * tls   whether those over TCP are asked over TLS in any case
 *
 * Returns 0; or, and then nothing is added, APPMSG_EINVAL when one of them is
 * none of these, APPMSG_ENOMEM.
 */
int appmsg_servers_add(struct appmsg_servers *servers, const char *list,
    const char *port, bool tls);

/*
 * Add the server at a unix socket, whose path may have commas.
 *
 * Returns as appmsg_servers_add(), APPMSG_EINVAL for a path that does not fit.
 */
int appmsg_servers_add_unix(struct appmsg_servers *servers, const char *path);

/*
 * The server of this index, from 0 on; NULL behind the last one.
 */
const struct appmsg_server *appmsg_servers_get(
    const struct appmsg_servers *servers, size_t index);

/*
 * The index of the server that the last reply came from, or that was tried
 * last, or will be first.
 */
size_t appmsg_servers_current(const struct appmsg_servers *servers);

/*
 * The largest content that is received, as appmsg_client_set_max().
 */
void appmsg_servers_set_max(struct appmsg_servers *servers,
    size_t max_content);

/*
 * How long another one than the first is kept that works: after that, between
 * two requests, the first one is connected to again, if it takes no more than a
 * quarter of the time, or 250 milliseconds, to do so; else it is tried again
 * after as long.
 *
 * after_ms  milliseconds; 30,000 if this is not called; negative: for good
 */
void appmsg_servers_set_return(struct appmsg_servers *servers,
    int64_t after_ms);

/*
 * Connect to the server of this index, and to no other; the connection is
 * the caller's, appmsg_client_free(), and nothing of the list's.
 *
 * Returns as appmsg_client_open(), and APPMSG_EINVAL for a server over TLS
 * when appmsg_servers_use_tls() of <appmsg-tls.h> was not called.
 */
int appmsg_servers_open(struct appmsg_servers *servers, size_t index,
    struct appmsg_client **client, int64_t deadline_ms);

/*
 * Be connected to one of them, which appmsg_servers_recv() sees to by itself:
 * the one that worked last, else the next, each at most once, and each with an
 * equal share of the time that is left.
 *
 * Returns 0, or what appmsg_client_open() said of the last one; why each of
 * them failed is with appmsg_servers_get().  Neither APPMSG_EDENIED nor
 * APPMSG_EINVAL nor APPMSG_ENOMEM makes it try the next one.
 */
int appmsg_servers_connect(struct appmsg_servers *servers,
    int64_t deadline_ms);

/*
 * Ask: queue a message, which appmsg_servers_recv() sends.  Behind the first
 * one on a connection, others follow without waiting as soon as a reply says
 * "keep-alive"; what a connection that is not kept leaves is sent on another.
 *
 * hdr           content_length is set by the call
 * content, len  copied
 *
 * Returns 0; APPMSG_E2BIG for a header that does not fit; APPMSG_ENOMEM.
 */
int appmsg_servers_send(struct appmsg_servers *servers,
    const struct appmsg_header *hdr, const void *content, size_t len);

/*
 * Receive the reply to the oldest message that has none.  When a server cannot
 * be connected to, breaks the connection, says what is no reply, or says
 * nothing for an equal share of the time that is left, everything that it has
 * not answered is asked of the next one; each is connected to at most once in
 * one call.  So it is when the status of the reply is "busy" or "unavailable";
 * when no other says more, that is the reply, and for a second all of them are
 * taken at such words.  Without a deadline, a server that says nothing is
 * waited for.
 *
 * msg  filled when 0 is returned; borrowed until the next call but
 *      appmsg_servers_send(), _get() and _current()
 *
 * A deadline that has passed still allows one look at what is there.
 *
 * Returns 0; APPMSG_EINVAL when nothing was asked, or the list is empty; else
 * as appmsg_client_recv() and appmsg_servers_connect(), for the last server
 * that was tried, with its errno.  What was asked stays so: the next call tries
 * all of them again, or waits on, after APPMSG_ETIMEDOUT.
 */
int appmsg_servers_recv(struct appmsg_servers *servers,
    struct appmsg_message *msg, int64_t deadline_ms);

/*
 * Forget what was asked and not answered, and close the connection.
 */
void appmsg_servers_forget(struct appmsg_servers *servers);

#ifdef __cplusplus
}
#endif

#endif
