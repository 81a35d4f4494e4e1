/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Whatever is wrong with a server as such is found here, and told as search
 * would tell it.
 */

#include "config.h"

#include "probe.h"

#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <json.h>

#include "appmsg.h"
#include "client/base/call.h"
#include "client/base/keys.h"
#include "client/base/output.h"
#include "client/base/reply.h"
#include "client/options/options.h"
#include "client/options/query.h"

/* What every server of the tutorial is asked for. */
static const char *const own_keys[] = {
	"morpheus", "ring", "\xf0\x9f\x90\xb6"
};

/* Characters that mean something in a regular expression. */
static const char special[] = "\\^$.[]|()?*+{}";

static bool
add(struct call *call, struct probe *probe, const char *key, size_t len)
{
	int error = requests_add(&probe->requests, &call->options->query, key,
	    len);

	if (error == 0)
		return true;
	if (error == APPMSG_E2BIG) {
		warnx("too many keys: their requests have more than 1 GB");
		call_fail(call, EX_DATAERR);
	} else {
		call_error(call, NULL, error);
	}
	return false;
}

/* Tell what is wrong with a line; name is the file's. */
static void
tell_line(struct call *call, const char *name, const struct keys *keys)
{
	output_flush();
	fputs("appmsg-client: ", stderr);
	output_field(stderr, name, strlen(name));
	fprintf(stderr, ":%zu: key is %s\n", keys->line, keys->why);
	call_fail(call, EX_DATAERR);
}

/* All keys that can be read from fd. */
static bool
add_lines(struct call *call, struct probe *probe, const char *name, int fd)
{
	static char dash[] = "-";
	char *words[] = { dash };
	struct keys keys;
	const char *key;
	size_t len;
	bool ok = true, more = true;

	keys_init(&keys, words, 1, fd);
	while (ok && more) {
		switch (keys_next(&keys, &key, &len, call->deadline_ms)) {
		case KEYS_ONE:
			ok = add(call, probe, key, len);
			break;
		case KEYS_BAD:
			tell_line(call, name, &keys);
			ok = false;
			break;
		case KEYS_LATER:
			warnx("the time was over before all keys were read");
			call_fail(call, EX_TEMPFAIL);
			ok = false;
			break;
		case KEYS_FAILED:
			warn("%s", name);
			call_fail(call, EX_NOINPUT);
			ok = false;
			break;
		case KEYS_END:
			more = false;
			break;
		}
	}
	keys_clear(&keys);
	return ok;
}

static bool
add_file(struct call *call, struct probe *probe)
{
	const char *name = call->options->bench.keys;
	bool is_stdin = strcmp(name, "-") == 0, ok;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

	if (is_stdin)
		name = "standard input";
	if (fd == -1) {
		warn("%s", name);
		call_fail(call, EX_NOINPUT);
		return false;
	}
	ok = add_lines(call, probe, name, fd);
	if (!is_stdin)
		close(fd);
	if (ok && probe->requests.n == 0) {
		warnx("%s: there is no key in it", name);
		call_fail(call, EX_DATAERR);
		ok = false;
	}
	probe->source = PROBE_FILE;
	return ok;
}

/* Where the server is, once a connection to it is there. */
static bool
find_address(struct probe *probe, const struct appmsg_server *server,
    const struct appmsg_client *client)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&probe->address;

	if (server->path != NULL) {
		sun->sun_family = AF_UNIX;
		strlcpy(sun->sun_path, server->path, sizeof(sun->sun_path));
		probe->address_len = sizeof(*sun);
		return true;
	}
	probe->address_len = sizeof(probe->address);
	return getpeername(appmsg_client_fd(client),
	    (struct sockaddr *)&probe->address, &probe->address_len) == 0;
}

/* What connections are asked over: client is NULL where there is none. */
struct probe_link {
	struct call *call;	/* borrowed */
	struct appmsg_client *client;	/* owned */
	struct appmsg_message msg;
	struct reply reply;
};

/* Ask, and have the reply read; false: that was told. */
static bool
ask(struct probe_link *link, const struct query *query, const char *key,
    size_t len)
{
	const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("keep-alive"),
		.id = { .kind = APPMSG_ID_INT, .num = REQUESTS_ID_FIRST }
	};
	char *content;
	size_t content_len;
	int error;

	if (link->client == NULL &&
	    (link->client = call_open(link->call)) == NULL)
		return false;
	error = query_make(query, key, len, &content, &content_len) ? 0 :
	    APPMSG_ENOMEM;
	if (error == 0) {
		error = appmsg_client_send(link->client, &hdr, content,
		    content_len);
		free(content);
	}
	if (error == 0)
		error = appmsg_client_recv(link->client, &link->msg,
		    call_deadline(link->call));
	if (error == 0)
		error = reply_read_search(&link->reply, &link->msg, key, len);
	if (error == 0)
		error = reply_read_more(&link->reply, &link->msg, query);
	if (error != 0)
		call_error_at(link->call, 0, "reply", error);
	return error == 0;
}

/* A key of the server, as it is searched for. */
static bool
add_key(struct call *call, struct probe *probe, const char *key, size_t len)
{
	const char *match = call->options->query.match;
	char *pattern;
	size_t n = 0;
	bool ok;

	if (match == NULL || strcmp(match, "regex") != 0)
		return add(call, probe, key, len);
	if ((pattern = malloc(2 * len + 1)) == NULL) {
		call_error(call, NULL, APPMSG_ENOMEM);
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (key[i] != '\0' && strchr(special, key[i]) != NULL)
			pattern[n++] = '\\';
		pattern[n++] = key[i];
	}
	ok = add(call, probe, pattern, n);
	free(pattern);
	return ok;
}

/* The keys that the server named in its reply, if any. */
static bool
add_matches(struct call *call, struct probe *probe, const struct reply *reply)
{
	struct json_object *key;
	bool ok = true;

	if (reply->outcome > REPLY_MISSED || reply->matches == NULL)
		return true;
	for (size_t i = 0; ok &&
	    i < json_object_array_length(reply->matches); i++) {
		json_object_object_get_ex(json_object_array_get_idx(
		    reply->matches, i), "key", &key);
		ok = add_key(call, probe, json_object_get_string(key),
		    (size_t)json_object_get_string_len(key));
	}
	return ok;
}

/* An error about more than that we wanted to know its keys. */
static bool
is_refused(const struct reply *reply)
{
	if (reply->outcome <= REPLY_MISSED)
		return false;
	return reply->outcome != REPLY_ERROR || (reply->code != NULL &&
	    strcmp(reply->code, "not-allowed") != 0 &&
	    strcmp(reply->code, "timeout") != 0);
}

static void
hang_up(struct probe_link *link)
{
	appmsg_client_free(link->client);
	link->client = NULL;
}

/* Without keys of the user, those of the server. */
static bool
add_servers_keys(struct probe_link *link, struct probe *probe)
{
	const struct query query = {
		.match = query_ways[1], .limit = QUERY_LIMIT_MAX,
		.table = link->call->options->query.table
	};

	if (!ask(link, &query, "", 0))
		return false;
	if (is_refused(&link->reply)) {
		call_refused(link->call, call_name(link->call, 0),
		    &link->reply);
		return false;
	}
	if (!add_matches(link->call, probe, &link->reply))
		return false;
	if (!link->reply.keep_alive)
		hang_up(link);
	probe->source = PROBE_SERVER;
	if (probe->requests.n > 0)
		return true;
	probe->source = PROBE_OWN;
	for (size_t i = 0; i < sizeof(own_keys) / sizeof(*own_keys); i++)
		if (!add(link->call, probe, own_keys[i], strlen(own_keys[i])))
			return false;
	return true;
}

/* Keep the reply as it came. */
static bool
keep_reply(struct probe *probe, const struct appmsg_message *msg)
{
	char digits[REQUESTS_ID_LEN + 1];
	const char *id;
	size_t len = msg->header_text_len;

	probe->reply_len = APPMSG_LENGTH_SIZE + len + msg->content_len;
	if ((probe->reply = malloc(probe->reply_len)) == NULL)
		return false;
	probe->reply[0] = (char)(len >> 8);
	probe->reply[1] = (char)len;
	memcpy(probe->reply + APPMSG_LENGTH_SIZE, msg->header_text, len);
	memcpy(probe->reply + APPMSG_LENGTH_SIZE + len, msg->content,
	    msg->content_len);
	snprintf(digits, sizeof(digits), "%lld",
	    (long long)REQUESTS_ID_FIRST);
	id = memmem(msg->header_text, len, digits, REQUESTS_ID_LEN);
	probe->id_at = probe->reply_len;
	if (id != NULL && msg->header.id.kind == APPMSG_ID_INT &&
	    msg->header.id.num == REQUESTS_ID_FIRST)
		probe->id_at = APPMSG_LENGTH_SIZE +
		    (size_t)(id - msg->header_text);
	return true;
}

/* Ask for one of the keys, as all will be. */
static bool
ask_one(struct probe_link *link, struct probe *probe)
{
	const struct requests *requests = &probe->requests;

	probe->asked = requests_middle(requests);
	if (!ask(link, &link->call->options->query,
	    requests_key(requests, probe->asked),
	    requests->all[probe->asked].key_len))
		return false;
	if (link->reply.outcome > REPLY_MISSED) {
		call_refused(link->call, call_name(link->call, 0),
		    &link->reply);
		return false;
	}
	probe->keeps = link->reply.keep_alive;
	if (keep_reply(probe, &link->msg))
		return true;
	call_error(link->call, NULL, APPMSG_ENOMEM);
	return false;
}

static bool
look_at(struct probe_link *link, struct probe *probe)
{
	struct call *call = link->call;

	if ((link->client = call_open(call)) == NULL)
		return false;
	if (!find_address(probe, appmsg_servers_get(call->servers, 0),
	    link->client)) {
		call_error_at(call, 0, NULL, APPMSG_ECONN);
		return false;
	}
	if (probe->requests.n == 0 && !add_servers_keys(link, probe))
		return false;
	return ask_one(link, probe);
}

bool
probe_run(struct call *call, struct probe *probe)
{
	struct probe_link link = { .call = call };
	bool ok;

	if (call->options->bench.keys != NULL && !add_file(call, probe))
		return false;
	ok = look_at(&link, probe);
	hang_up(&link);
	reply_clear(&link.reply);
	return ok;
}

void
probe_clear(struct probe *probe)
{
	requests_clear(&probe->requests);
	free(probe->reply);
	probe->reply = NULL;
}
