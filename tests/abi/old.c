/* SPDX-License-Identifier: ISC */
/*
 * A program as it was built against libappmsg 0.1.0 before there were sessions:
 * its structs and prototypes are those of that header, and are never changed.
 *
 *	old SOCKET KEY
 *
 * asks by a client and by a list of servers, and prints both results.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct appmsg_str {
	const char *raw;
	size_t len;
	unsigned int flags;
};

struct appmsg_id {
	int kind;
	int64_t num;
	struct appmsg_str str;
};

struct appmsg_header {
	struct appmsg_str content_type;
	struct appmsg_str content_encoding;
	uint64_t content_length;
	struct appmsg_str connection;
	struct appmsg_id id;
	struct appmsg_str status;
	struct appmsg_str error;
	bool has_connection;
	bool explain;
	bool has_suggest;
	int suggest;
	const char *extra;
	size_t extra_len;
	int flaw;
	const char *why;
	const char *code;
};

struct appmsg_message {
	struct appmsg_header header;
	const char *content;
	size_t content_len;
	const char *header_text;
	size_t header_text_len;
};

struct appmsg_server {
	const char *name;
	const char *host;
	const char *port;
	const char *path;
	bool tls;
	bool connected;
	int error;
	int system_error;
	const char *why;
};

struct appmsg_client;
struct appmsg_servers;

const char *appmsg_strerror(int error);
const char *appmsg_version(void);
bool appmsg_str_eq(const struct appmsg_str *, const char *, size_t);
int appmsg_str_decode(const struct appmsg_str *, char *, size_t, size_t *);
size_t appmsg_escape(const char *, size_t, char *, size_t);
int appmsg_header_decode(const void *, size_t, struct appmsg_header *,
    size_t *);
int appmsg_header_encode(const struct appmsg_header *, void *, size_t,
    size_t *);
int appmsg_content_find(const void *, size_t, const char *,
    struct appmsg_str *);
int64_t appmsg_deadline(int64_t timeout_ms);
int appmsg_client_open_unix(struct appmsg_client **, const char *, int64_t);
void appmsg_client_free(struct appmsg_client *);
void appmsg_client_set_max(struct appmsg_client *, size_t);
int appmsg_client_fd(const struct appmsg_client *);
void appmsg_client_cork(struct appmsg_client *, bool);
int appmsg_client_recv(struct appmsg_client *, struct appmsg_message *,
    int64_t);
bool appmsg_client_has_unsent(const struct appmsg_client *);
int appmsg_client_search(struct appmsg_client *, const char *, size_t, bool);
int appmsg_servers_new(struct appmsg_servers **);
void appmsg_servers_free(struct appmsg_servers *);
int appmsg_servers_add_unix(struct appmsg_servers *, const char *);
const struct appmsg_server *appmsg_servers_get(const struct appmsg_servers *,
    size_t);
size_t appmsg_servers_current(const struct appmsg_servers *);
int appmsg_servers_send(struct appmsg_servers *, const struct appmsg_header *,
    const void *, size_t);
int appmsg_servers_recv(struct appmsg_servers *, struct appmsg_message *,
    int64_t);

/* Print what stands in a message; what the library left alone is as it was. */
static int
show(const struct appmsg_message *msg)
{
	struct appmsg_str result;
	char text[200];
	size_t len;
	int error;

	if ((error = appmsg_content_find(msg->content, msg->content_len,
	    "result", &result)) != 0 || (error = appmsg_str_decode(&result,
	    text, sizeof(text), &len)) != 0)
		return error;
	printf("%.*s %.*s\n", (int)msg->header.status.len,
	    msg->header.status.raw, (int)len, text);
	return 0;
}

static int
ask_client(const char *path, const char *key, struct appmsg_message *msg)
{
	int64_t deadline = appmsg_deadline(10000);
	struct appmsg_client *client = NULL;
	int error;

	if ((error = appmsg_client_open_unix(&client, path, deadline)) != 0)
		return error;
	appmsg_client_set_max(client, 1 << 20);
	appmsg_client_cork(client, true);
	error = appmsg_client_search(client, key, strlen(key), true);
	if (error == 0 && (!appmsg_client_has_unsent(client) ||
	    appmsg_client_fd(client) < 0))
		error = -100;
	appmsg_client_cork(client, false);
	if (error == 0 && (error = appmsg_client_recv(client, msg,
	    deadline)) == 0)
		error = show(msg);
	appmsg_client_free(client);
	return error;
}

static int
ask_servers(const char *path, const char *key, struct appmsg_message *msg)
{
	static const struct appmsg_header hdr = {
		.content_type = { "text/json", 9, 0 },
		.content_encoding = { "utf-8", 5, 0 },
		.connection = { "keep-alive", 10, 0 },
		.id = { .kind = 1, .num = 7 }
	};
	struct appmsg_servers *servers = NULL;
	char content[200];
	int error, len;

	len = snprintf(content, sizeof(content),
	    "{\"action\": \"search\", \"value\": \"%s\"}", key);
	if ((error = appmsg_servers_new(&servers)) == 0 &&
	    (error = appmsg_servers_add_unix(servers, "/nonesuch")) == 0 &&
	    (error = appmsg_servers_add_unix(servers, path)) == 0 &&
	    (error = appmsg_servers_send(servers, &hdr, content,
	    (size_t)len)) == 0 &&
	    (error = appmsg_servers_recv(servers, msg,
	    appmsg_deadline(10000))) == 0)
		error = show(msg);
	if (error == 0 && (msg->header.id.num != 7 ||
	    appmsg_servers_current(servers) != 1 ||
	    appmsg_servers_get(servers, 0)->error == 0))
		error = -101;
	appmsg_servers_free(servers);
	return error;
}

int
main(int argc, char **argv)
{
	/* What is behind a struct is not the library's. */
	struct { struct appmsg_message msg; char guard[64]; } all;
	int error;

	if (argc != 3)
		return 64;
	memset(&all, 0x55, sizeof(all));
	if ((error = ask_client(argv[1], argv[2], &all.msg)) == 0)
		error = ask_servers(argv[1], argv[2], &all.msg);
	for (size_t i = 0; i < sizeof(all.guard); i++)
		if (all.guard[i] != 0x55)
			error = -102;
	if (error != 0)
		fprintf(stderr, "%d: %s\n", error, appmsg_strerror(error));
	return error != 0;
}
