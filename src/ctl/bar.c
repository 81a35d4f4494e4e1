/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The bar is a courtesy: whatever is wrong with its own questions, the reply
 * is waited for all the same.
 */

#include "config.h"

#include "bar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json.h>

#include "appmsg.h"
#include "common/escape.h"
#include "said.h"

/* What ends sooner is not worth a bar, nor a look at it more often. */
#define LOOK_MS		300
#define ANSWER_MS	1000	/* "status" has so long */

#define WIDTH		40
#define NAME_MAX_BYTES	256	/* of a table, escaped */

static const char *
member_text(struct json_object *o, const char *name)
{
	struct json_object *member;

	return json_object_object_get_ex(o, name, &member) &&
	    json_object_is_type(member, json_type_string) ?
	    json_object_get_string(member) : "";
}

static void
draw(struct json_object *publishing)
{
	static const char full[WIDTH + 1] =
	    "########################################";
	struct json_object *member;
	const char *to = member_text(publishing, "to");
	char name[NAME_MAX_BYTES];
	int share = 0, width;

	if (json_object_object_get_ex(publishing, "share", &member))
		share = json_object_get_int(member);
	if (share < 0 || share > 100)
		return;
	escape(name, sizeof(name), to, strlen(to));
	width = share * WIDTH / 100;
	fprintf(stderr, "\r%s [%.*s%*s] %3d%%", name, width, full,
	    WIDTH - width, "", share);
}

/* Returns the reply to "status", owned by the caller; or NULL. */
static struct json_object *
ask_status(const char *socket)
{
	static const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	static const char content[] = "{\"action\": \"status\"}";
	int64_t deadline = appmsg_deadline(ANSWER_MS);
	struct appmsg_client *client = NULL;
	struct json_object *reply = NULL;
	struct appmsg_message msg;
	const char *wrong;

	if (appmsg_client_open_unix(&client, socket, deadline) == 0 &&
	    appmsg_client_send(client, &hdr, content,
	    sizeof(content) - 1) == 0 &&
	    appmsg_client_recv(client, &msg, deadline) == 0)
		reply = said_read(msg.content, msg.content_len, &wrong);
	appmsg_client_free(client);
	return reply;
}

/* Returns whether there is a bar. */
static bool
look(const char *socket)
{
	struct json_object *reply = ask_status(socket), *publishing;
	bool drawn = reply != NULL && json_object_object_get_ex(reply,
	    "publishing", &publishing) &&
	    json_object_is_type(publishing, json_type_object);

	if (drawn)
		draw(publishing);
	json_object_put(reply);
	return drawn;
}

int
bar_receive(struct appmsg_client *client, struct appmsg_message *msg,
    const char *socket, int64_t deadline_ms)
{
	bool drawn = false;
	int error;

	if (!isatty(STDERR_FILENO))
		return appmsg_client_recv(client, msg, deadline_ms);
	while ((error = appmsg_client_recv(client, msg,
	    appmsg_deadline(LOOK_MS))) == APPMSG_ETIMEDOUT &&
	    (deadline_ms < 0 || appmsg_deadline(0) < deadline_ms))
		drawn = look(socket) || drawn;
	if (drawn)
		fprintf(stderr, "\r\033[K");
	return error;
}
