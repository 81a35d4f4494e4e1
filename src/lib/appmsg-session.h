/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef APPMSG_SESSION_H
#define APPMSG_SESSION_H

/*
 * The client's side of a connection without a transport: requests become bytes
 * to send, bytes that came become replies.  There is no socket, no clock and no
 * thread in it, so that any event loop, TLS library or test can own those.
 *
 *	appmsg_session_search(session, &query, tag);
 *	for (;;) {
 *		len = appmsg_session_out(session, &data);
 *		... write(2) up to len bytes of data: n were taken
 *		appmsg_session_sent(session, n);
 *		room = appmsg_session_room(session, 16384, &size);
 *		... read(2) up to size bytes into room: n came
 *		appmsg_session_came(session, n), or _eof(session) at the end
 *		while ((error = appmsg_session_reply(session, &reply)) == 0)
 *			... look at reply, by the functions at the end
 *		if (error != APPMSG_EAGAIN)
 *			break;
 *	}
 *
 * Any number of requests may be asked before the first reply is read.  The
 * session holds back what must not be sent yet: a second request before a reply
 * has said that the connection is kept, and all behind one that asks to close.
 * It keeps a request until it is answered.  What is unanswered when a
 * connection ends is asked again on the next one, by appmsg_session_restart()
 * or, of another server, by appmsg_session_move().
 *
 * Whose memory is whose: what is handed in is copied, unless it says otherwise;
 * what is handed out is the session's, until the call that each function names.
 * A session has four buffers, which grow as they must and are used again, so
 * that a session in use allocates nothing.
 *
 * Nothing here blocks, logs, exits, or sets errno.  A session is used by one
 * thread at a time.
 *
 * Structs that begin with "size" are filled in after appmsg_query_init() and its
 * like, which set that to what the program was compiled with: members that come
 * later are then 0 for a program that does not know them.  A member that the
 * library does not know and that is not 0 is APPMSG_EINVAL.
 */

#include "appmsg.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection's requests and replies; opaque. */
struct appmsg_session;

/* A reply; opaque, its session's. */
struct appmsg_reply;

/*
 * Where memory comes from.  The functions are as those of the C library, with
 * arg as their first argument; all three must be there.
 */
struct appmsg_alloc {
	void *(*malloc_cb)(void *arg, size_t size);
	void *(*realloc_cb)(void *arg, void *memory, size_t size);
	void (*free_cb)(void *arg, void *memory);
	void *arg;		/* borrowed as long as the session lives */
};

/* How a session is to be. */
struct appmsg_session_options {
	size_t size;
	const struct appmsg_alloc *alloc;	/* copied; NULL: malloc(3) */
	size_t max_content;	/* bytes of a reply; 0: 1 GiB */
	bool at_once;		/* send all requests without waiting for a
				   first reply; only where the server surely
				   keeps connections */
};

static inline void
appmsg_session_options_init(struct appmsg_session_options *options)
{
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
}

/* Ways in which a key may match; see appmsg-protocol(7). */
enum appmsg_way {
	APPMSG_WAY_NONE = 0,	/* no "match": the key itself, one answer */
	APPMSG_WAY_EXACT,
	APPMSG_WAY_PREFIX,
	APPMSG_WAY_SUFFIX,
	APPMSG_WAY_SUBSTRING,
	APPMSG_WAY_FUZZY,
	APPMSG_WAY_REGEX,
	APPMSG_WAY_WORDS,
	APPMSG_WAY_TEXT
};

/* In which order matches come; see appmsg-protocol(7). */
enum appmsg_order {
	APPMSG_ORDER_NONE = 0,	/* not said, which is as by key */
	APPMSG_ORDER_KEY,
	APPMSG_ORDER_WEIGHT	/* the weightiest first */
};

/* A question.  All that is 0 is left out of the request. */
struct appmsg_query {
	size_t size;
	const char *key;	/* UTF-8, may hold NUL; of a binary request
				   any bytes */
	size_t key_len;
	const char *table;	/* UTF-8; NULL: all tables */
	size_t table_len;
	const char *after;	/* matches behind this key; NULL: from the
				   first one on */
	size_t after_len;
	enum appmsg_way way;
	unsigned int limit;	/* matches, up to 1000 */
	unsigned int distance;	/* edits, of APPMSG_WAY_FUZZY: 1 or 2 */
	unsigned int suggest;	/* near keys wanted on a miss, up to 5 */
	bool explain;		/* wants to know where the answer stands */
	bool close;		/* the server may close after the reply */
	bool id;		/* with an "id" that the session makes up */
	char unused[5];		/* 0: so that what follows makes size another */
	enum appmsg_order order;	/* of matches */
};

static inline void
appmsg_query_init(struct appmsg_query *query, const char *key, size_t len)
{
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	query->key = key;
	query->key_len = len;
}

/*
 * Make a session that has asked nothing.
 *
 * session  set when 0 is returned; owned by the caller, appmsg_session_free()
 * options  NULL: none
 *
 * Returns 0; APPMSG_ENOMEM; APPMSG_EINVAL for options that it does not know.
 */
int appmsg_session_new(struct appmsg_session **session,
    const struct appmsg_session_options *options);

/*
 * Free it, and all that it handed out.  NULL is allowed.
 */
void appmsg_session_free(struct appmsg_session *session);

/* The buffers that a session has. */
enum appmsg_buffer {
	APPMSG_BUFFER_OUT,	/* requests, until they are answered */
	APPMSG_BUFFER_IN,	/* what came, until it is read */
	APPMSG_BUFFER_ASKED,	/* 64 bytes a request, until it is answered */
	APPMSG_BUFFER_TEXT	/* the result of a reply, unescaped */
};

/*
 * Give a buffer, so that nothing is allocated as long as it is large enough;
 * what is needed beyond it is allocated as ever.
 *
 * memory  aligned for any type; borrowed as long as the session lives
 * size    bytes
 *
 * Returns 0; APPMSG_EINVAL when that buffer is in use already.
 */
int appmsg_session_give(struct appmsg_session *session,
    enum appmsg_buffer buffer, void *memory, size_t size);

/*
 * Ask: search for a key.
 *
 * query  borrowed for the call
 * tag    comes back with the reply; the session does not look at it
 *
 * Returns 0; APPMSG_EILSEQ when key, table or after is not UTF-8;
 * APPMSG_EINVAL for a number that is out of its range, or what the library does
 * not know; APPMSG_ENOMEM.  Unless it is 0, nothing has changed.
 */
int appmsg_session_search(struct appmsg_session *session,
    const struct appmsg_query *query, void *tag);

/*
 * Ask: send bytes, which are the key of a binary entry or any others.
 *
 * query  key are the bytes; else only explain, close and id may be set
 *
 * Returns as appmsg_session_search(), but never APPMSG_EILSEQ.
 */
int appmsg_session_binary(struct appmsg_session *session,
    const struct appmsg_query *query, void *tag);

/*
 * Ask: send a message as it is.
 *
 * hdr           as for appmsg_header_encode(); content_length is set by the
 *               call.  Behind one whose "connection" is there and is not
 *               "keep-alive", nothing is sent.
 * content, len  copied
 *
 * Returns 0; APPMSG_E2BIG for a header that does not fit; APPMSG_EINVAL for an
 * id that is none; APPMSG_ENOMEM.
 */
int appmsg_session_raw(struct appmsg_session *session,
    const struct appmsg_header *hdr, const void *content, size_t len,
    void *tag);

/*
 * What is to be sent now.
 *
 * data  set: borrowed until the next call that asks, moves, restarts or reads
 *       a reply
 *
 * Returns how many bytes that are; 0: none, for now or for good.
 */
size_t appmsg_session_out(const struct appmsg_session *session,
    const char **data);

/*
 * That many bytes of them were sent.
 */
void appmsg_session_sent(struct appmsg_session *session, size_t len);

/*
 * Room to read into.
 *
 * least  bytes that there shall be at least
 * size   set: bytes that there are
 *
 * Returns where, until the next call of this session; NULL: no memory.  The
 * last reply is no longer to be looked at.
 */
char *appmsg_session_room(struct appmsg_session *session, size_t least,
    size_t *size);

/*
 * That many bytes have been read into it.
 */
void appmsg_session_came(struct appmsg_session *session, size_t len);

/*
 * These bytes came; as the two above, for those who have them elsewhere.
 *
 * Returns 0 or APPMSG_ENOMEM.
 */
int appmsg_session_feed(struct appmsg_session *session, const void *data,
    size_t len);

/*
 * Nothing more will come.
 */
void appmsg_session_eof(struct appmsg_session *session);

/*
 * The next reply.
 *
 * reply  set when 0 is returned; borrowed until the next call of this
 *        function, _room(), _feed(), _restart() or _free()
 *
 * A reply belongs to the request whose id it has, else to the oldest one that
 * has no reply; an id that no request has is that of none, if the oldest one
 * has an id.  A reply that came before anything was asked belongs to no request:
 * appmsg_reply_is_asked().
 *
 * Returns 0; APPMSG_EAGAIN when more bytes must come first; APPMSG_EOF when the
 * connection has ended, or has nothing more that counts behind a reply that
 * closes it; APPMSG_EPROTO for what is no reply, or one that nobody asked for;
 * APPMSG_E2BIG for one that is too large.  But for 0 and APPMSG_EAGAIN, it
 * returns the same until appmsg_session_restart().
 */
int appmsg_session_reply(struct appmsg_session *session,
    const struct appmsg_reply **reply);

/*
 * Whether nothing more can be sent, and no reply will come: the server has said
 * that it closes, or appmsg_session_reply() has failed.
 */
bool appmsg_session_is_over(const struct appmsg_session *session);

/*
 * Bytes that came and are part of no reply yet: when the connection ends with
 * some, it ended inside of one.
 */
size_t appmsg_session_unread(const struct appmsg_session *session);

/*
 * How many requests have no reply.
 */
size_t appmsg_session_unanswered(const struct appmsg_session *session);

/* A request that has no reply. */
struct appmsg_request {
	void *tag;
	const char *message;	/* borrowed until the session is used again */
	size_t len;		/* bytes of it */
	bool sent;		/* as a whole, on this connection */
};

/*
 * One of them, from 0 on in the order in which they were asked.
 *
 * request  filled when 0 is returned
 *
 * Returns 0 or APPMSG_ENOENT.
 */
int appmsg_session_unanswered_get(const struct appmsg_session *session,
    size_t index, struct appmsg_request *request);

/*
 * There is a new connection: forget the old one and what came on it.  All that
 * is unanswered is to be sent again, the oldest first.
 */
void appmsg_session_restart(struct appmsg_session *session);

/*
 * Hand all that is unanswered over to another session, behind what that has:
 * it is asked there, and no more here.  Ids that the session made up are made
 * anew.  Both sessions stay as they are else.
 *
 * Returns 0; APPMSG_EINVAL when both are one; APPMSG_ENOMEM, then nothing has
 * changed.
 */
int appmsg_session_move(struct appmsg_session *to,
    struct appmsg_session *from);

/*
 * Forget what is unanswered.  Where a part of it was sent, the session is over
 * by that: replies that still come are nobody's.
 */
void appmsg_session_forget(struct appmsg_session *session);

/* What a reply says of its request. */
enum appmsg_status {
	APPMSG_STATUS_NONE = 0,	/* it is no reply as appmsg-protocol(7) has
				   them: neither a status nor a result */
	APPMSG_STATUS_FOUND,
	APPMSG_STATUS_NOT_FOUND,
	APPMSG_STATUS_ERROR,	/* also for words that are not known */
	APPMSG_STATUS_BUSY,
	APPMSG_STATUS_DENIED,
	APPMSG_STATUS_UNAVAILABLE
};

/*
 * The protocol's word for a status: "found", "not-found", ..., static; "" for
 * APPMSG_STATUS_NONE.
 */
const char *appmsg_status_word(enum appmsg_status status);

/*
 * The tag of the request that is answered; NULL where there is none.
 */
void *appmsg_reply_tag(const struct appmsg_reply *reply);

/*
 * Whether it answers a request.  A server that refuses a client may say so
 * before it was asked.
 */
bool appmsg_reply_is_asked(const struct appmsg_reply *reply);

/*
 * Whether the server keeps the connection.
 */
bool appmsg_reply_is_kept(const struct appmsg_reply *reply);

/*
 * What became of the request.  From a server that gives no status it is told by
 * the text: only the very no-match text for the key that was asked is
 * APPMSG_STATUS_NOT_FOUND, and one that begins with "Error: " an error.
 */
enum appmsg_status appmsg_reply_status(const struct appmsg_reply *reply);

/*
 * Whether the server gave a status.
 */
bool appmsg_reply_has_status(const struct appmsg_reply *reply);

/*
 * The protocol's word for an error, such as "bad-match"; raw is NULL where
 * there is none.  Borrowed as the reply.
 */
struct appmsg_str appmsg_reply_error(const struct appmsg_reply *reply);

/*
 * "result" as it stands in the content.
 *
 * result  filled when 0 is returned; borrowed as the reply
 *
 * Returns 0; APPMSG_EPROTO for JSON that is damaged, or no object;
 * APPMSG_ENOENT where there is no such string, as in what is no JSON.
 */
int appmsg_reply_result(const struct appmsg_reply *reply,
    struct appmsg_str *result);

/*
 * "result" as UTF-8, without a NUL at its end; it may hold some.
 *
 * text, len  set when 0 is returned; borrowed as the reply
 *
 * Returns as appmsg_reply_result(); or APPMSG_EILSEQ when it has half a
 * surrogate pair; or APPMSG_ENOMEM.
 */
int appmsg_reply_text(const struct appmsg_reply *reply, const char **text,
    size_t *len);

/* A key that matched, and its answer. */
struct appmsg_match {
	struct appmsg_str key;
	struct appmsg_str result;
};

/* Where one is in a row of values; { 0 } before the first. */
struct appmsg_cursor {
	size_t at;
};

/*
 * How many matches there are, all of which are looked at.
 *
 * Returns 0; APPMSG_EPROTO when one of them is none, or the content is damaged;
 * APPMSG_ENOENT when the reply has no matches, since they were not asked for.
 */
int appmsg_reply_count_matches(const struct appmsg_reply *reply,
    size_t *count);

/*
 * The next match, the best one first.
 *
 * cursor  the caller's; moves on
 * match   filled when 0 is returned; borrowed as the reply
 *
 * Returns 0; APPMSG_ENOENT behind the last one; APPMSG_EPROTO.
 */
int appmsg_reply_match(const struct appmsg_reply *reply,
    struct appmsg_cursor *cursor, struct appmsg_match *match);

/*
 * Whether there are more matches than those.
 */
bool appmsg_reply_has_more(const struct appmsg_reply *reply);

/*
 * The next key that was perhaps meant.
 *
 * Returns 0; APPMSG_ENOENT behind the last one, or where there are none;
 * APPMSG_EPROTO when one is no string.
 */
int appmsg_reply_suggestion(const struct appmsg_reply *reply,
    struct appmsg_cursor *cursor, struct appmsg_str *key);

/*
 * Where an answer stands, as appmsg-protocol(7) tells of "explain".  Strings
 * have raw NULL, and numbers are -1, where there are none, or none of that
 * type.
 */
struct appmsg_explanation {
	size_t size;		/* by appmsg_explanation_init() */
	struct appmsg_str table;
	struct appmsg_str loaded;
	struct appmsg_str file;
	struct appmsg_str source;
	struct appmsg_str node;
	struct appmsg_str cause;
	struct appmsg_str match;
	struct appmsg_str digest;
	struct appmsg_str generation_digest;
	int64_t generation;
	int64_t line;
	int64_t published;
	int64_t entries;
	int cached;		/* 0, 1, or -1 */
	int stale;		/* same */
};

static inline void
appmsg_explanation_init(struct appmsg_explanation *explanation)
{
	memset(explanation, 0, sizeof(*explanation));
	explanation->size = sizeof(*explanation);
}

/*
 * Read all of that.
 *
 * explanation  filled when 0 is returned, as far as the caller knows it;
 *              borrowed as the reply
 *
 * Returns 0, also where nothing is explained; APPMSG_EINVAL for a wrong size.
 */
int appmsg_reply_explain(const struct appmsg_reply *reply,
    struct appmsg_explanation *explanation);

/*
 * The "id"; of kind APPMSG_ID_NONE where there is none.  Borrowed as the reply.
 */
struct appmsg_id appmsg_reply_id(const struct appmsg_reply *reply);

/*
 * The content as it came, and its type.  Borrowed as the reply.
 */
const char *appmsg_reply_content(const struct appmsg_reply *reply,
    size_t *len);
struct appmsg_str appmsg_reply_type(const struct appmsg_reply *reply);

/*
 * All of it, as appmsg_client_recv() has it.  Borrowed as the reply.
 */
void appmsg_reply_message(const struct appmsg_reply *reply,
    struct appmsg_message *message);

/*
 * Over a list of servers, by blocking calls with a deadline: what is told in
 * <appmsg.h> of appmsg_servers_send() and appmsg_servers_recv() is true of these,
 * too, and both kinds may be mixed.
 */

/*
 * Ask: queue a search, which appmsg_servers_reply() sends.
 *
 * Returns as appmsg_session_search().
 */
int appmsg_servers_search(struct appmsg_servers *servers,
    const struct appmsg_query *query, void *tag);

/*
 * How many requests have no reply.
 */
size_t appmsg_servers_unanswered(const struct appmsg_servers *servers);

/*
 * Receive a reply: as appmsg_servers_recv(), which see.
 *
 * reply  set when 0 is returned; borrowed until the next call but
 *        appmsg_servers_send(), _search(), _unanswered(), _get() and _current()
 */
int appmsg_servers_reply(struct appmsg_servers *servers,
    const struct appmsg_reply **reply, int64_t deadline_ms);

/*
 * Ask one thing, and wait for its reply.
 *
 * Returns as appmsg_servers_search() and appmsg_servers_reply(), and
 * APPMSG_EINVAL when something else is unanswered.  Unless it is 0, the query
 * is asked no more.
 */
int appmsg_servers_query(struct appmsg_servers *servers,
    const struct appmsg_query *query, const struct appmsg_reply **reply,
    int64_t deadline_ms);

#ifdef __cplusplus
}
#endif

#endif
