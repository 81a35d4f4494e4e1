/* SPDX-License-Identifier: ISC */
/* Ask two servers at once, by poll(2), for the keys on standard input; what one
 * of them leaves unanswered is asked of the other: lookup_poll SOCKET SOCKET */
#include <appmsg-poll.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static void
start(struct appmsg_poll *p, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct appmsg_session *session;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd == -1 || appmsg_session_new(&session, NULL) != 0)
		err(71, "cannot start");
	/* How that went is told by what comes next. */
	(void)!connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	appmsg_poll_init(p, session, fd);
	p->deadline_ms = appmsg_deadline(10000);
}

static void
read_replies(struct appmsg_session *session)
{
	const struct appmsg_reply *reply;
	const char *text;
	size_t len;

	while (appmsg_session_reply(session, &reply) == 0) {
		if (appmsg_reply_text(reply, &text, &len) == 0)
			printf("%s\t%.*s\n", (char *)appmsg_reply_tag(reply),
			    (int)len, text);
		free(appmsg_reply_tag(reply));
	}
}

int
main(int argc, char **argv)
{
	struct appmsg_poll p[2];
	struct pollfd pfds[2];
	struct appmsg_query query;
	char line[1024];
	int n, error;

	if (argc != 3)
		errx(64, "usage: lookup_poll SOCKET SOCKET <keys");
	for (n = 0; n < 2; n++)
		start(&p[n], argv[n + 1]);
	for (int i = 0; fgets(line, sizeof(line), stdin) != NULL; i = !i) {
		line[strcspn(line, "\n")] = '\0';
		appmsg_query_init(&query, line, strlen(line));
		if (appmsg_session_search(p[i].session, &query, strdup(line)))
			errx(65, "%s: no key", line);
	}
	while (appmsg_session_unanswered(p[0].session) > 0 ||
	    (n == 2 && appmsg_session_unanswered(p[1].session) > 0)) {
		appmsg_poll_want(&p[0], &pfds[0]);
		appmsg_poll_want(&p[n - 1], &pfds[n - 1]);
		poll(pfds, (nfds_t)n, appmsg_poll_timeout(&p[0]));
		for (int i = n; i-- > 0;) {
			error = appmsg_poll_did(&p[i], pfds[i].revents);
			read_replies(p[i].session);
			if (error == 0 && !appmsg_session_is_over(p[i].session))
				continue;
			if (--n == 0 || appmsg_session_move(p[!i].session,
			    p[i].session) != 0)
				errx(69, "%s", appmsg_strerror(error));
			p[0] = p[!i];
		}
	}
	return 0;
}
