/* SPDX-License-Identifier: ISC */
/*
 * A stranger's program: nothing but the installed header and library.
 *
 *	outsider SOCKET KEY
 *
 * or, with -DOUTSIDER_TLS, nothing but the other library, which gets a file of
 * certificates to trust:
 *
 *	outsider FILE KEY
 */
#include <appmsg.h>
#ifdef OUTSIDER_TLS
#include <appmsg-tls.h>
#endif
#include <stdio.h>
#include <string.h>

#ifdef OUTSIDER_TLS
static int
connect_to(struct appmsg_client **client, const char *file, int64_t deadline)
{
	struct appmsg_tls *tls;
	int error;

	if ((error = appmsg_tls_new(&tls)) != 0)
		return error;
	if ((error = appmsg_tls_trust(tls, file)) == 0)
		error = appmsg_client_open_tls(client, tls, "127.0.0.1",
		    "65433", NULL, deadline);
	fprintf(stderr, "%s\n", appmsg_tls_why(tls));
	if (error != 0)
		appmsg_tls_free(tls);
	return error;
}
#else
static int
connect_to(struct appmsg_client **client, const char *path, int64_t deadline)
{
	return appmsg_client_open_unix(client, path, deadline);
}
#endif

int
main(int argc, char **argv)
{
	int64_t deadline = appmsg_deadline(10000);
	struct appmsg_client *client = NULL;
	struct appmsg_message msg;
	struct appmsg_str result;
	int error;

	if (argc != 3)
		return 2;
	error = connect_to(&client, argv[1], deadline);
	if (error == 0)
		error = appmsg_client_search(client, argv[2],
		    strlen(argv[2]), false);
	if (error == 0)
		error = appmsg_client_recv(client, &msg, deadline);
	if (error == 0)
		error = appmsg_content_find(msg.content, msg.content_len,
		    "result", &result);
	if (error != 0)
		fprintf(stderr, "%s\n", appmsg_strerror(error));
	else
		printf("%.*s\n", (int)result.len, result.raw);
	appmsg_client_free(client);
	return error != 0;
}
