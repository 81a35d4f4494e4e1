/* SPDX-License-Identifier: ISC */
/* Look keys up over a unix socket, in an event loop of libevent:
 *
 *	lookup_event SOCKET KEY... */
#include <appmsg-event.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct event_base *base;
static int left, status;

static void
reply_cb(void *arg, const struct appmsg_reply *reply)
{
	const char *text;
	size_t len;

	(void)arg;
	if (appmsg_reply_text(reply, &text, &len) != 0)
		errx(76, "no reply to a search");
	printf("%s\t%s\t%.*s\n", (char *)appmsg_reply_tag(reply),
	    appmsg_status_word(appmsg_reply_status(reply)), (int)len, text);
	if (appmsg_reply_status(reply) != APPMSG_STATUS_FOUND)
		status = 1;
	if (--left == 0)
		event_base_loopbreak(base);
}

static void
end_cb(void *arg, int error)
{
	(void)arg;
	warnx("%s", appmsg_strerror(error));
	status = 69;
	event_base_loopbreak(base);
}

int
main(int argc, char **argv)
{
	const struct timeval timeout = { 10, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct appmsg_event one = { .reply_cb = reply_cb, .end_cb = end_cb };
	struct appmsg_query query;

	if (argc < 3)
		errx(64, "usage: lookup_event SOCKET KEY...");
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", argv[1]);
	base = event_base_new();
	one.bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (one.bev == NULL || appmsg_session_new(&one.session, NULL) != 0)
		errx(71, "no memory");
	for (int i = 2; i < argc; i++, left++) {
		appmsg_query_init(&query, argv[i], strlen(argv[i]));
		if (appmsg_session_search(one.session, &query, argv[i]) != 0)
			errx(65, "%s: no key", argv[i]);
	}
	bufferevent_set_timeouts(one.bev, &timeout, &timeout);
	if (bufferevent_socket_connect(one.bev, (struct sockaddr *)&sun,
	    sizeof(sun)) == -1 || appmsg_event_start(&one) != 0)
		err(69, "%s", argv[1]);
	event_base_dispatch(base);
	bufferevent_free(one.bev);
	appmsg_session_free(one.session);
	event_base_free(base);
	return status;
}
