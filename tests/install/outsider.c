/* SPDX-License-Identifier: ISC */
/*
 * A stranger's program: nothing but the installed header and library.
 *
 *	outsider SOCKET KEY
 */
#include <appmsg.h>
#include <stdio.h>
#include <string.h>

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
	error = appmsg_client_open_unix(&client, argv[1], deadline);
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
