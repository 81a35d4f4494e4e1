/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * appmsg-client: ask an appmsg server from the command line.
 */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "binary.h"
#include "client/base/call.h"
#include "client/bench/bench.h"
#include "client/check/check.h"
#include "compare.h"
#include "echo.h"
#ifdef HAVE_LIBEDIT
#include "client/interactive/interactive.h"
#endif
#include "client/options/options.h"
#include "client/base/output.h"
#include "ping.h"
#include "search.h"
#include "tables.h"

#define MAIN_OUTPUT_SIZE ((size_t)64 * 1024)

/*
 * A standard stream that is closed would be the number of our socket, and the
 * answers would be printed to the server.  These fail when they are used.
 */
static void
main_open_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* cppcheck-suppress leakReturnValNotUsed; it is fd */
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null",
		    fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) == -1)
			_exit(EX_OSERR);
}

static void
main_run(struct call *call)
{
	switch (call->options->action) {
	case OPTIONS_SEARCH:
		search_run(call);
		break;
	case OPTIONS_TABLES:
		tables_run(call);
		break;
	case OPTIONS_BINARY:
		binary_run(call);
		break;
	case OPTIONS_ECHO:
		echo_run(call);
		break;
	case OPTIONS_PING:
		ping_run(call);
		break;
	case OPTIONS_COMPARE:
		compare_run(call);
		break;
	case OPTIONS_CHECK:
		check_run(call);
		break;
	case OPTIONS_BENCH:
		bench_run(call);
		break;
	case OPTIONS_INTERACTIVE:
#ifdef HAVE_LIBEDIT
		interactive_run(call);
#endif
		break;
	}
}

int
main(int argc, char *argv[])
{
	static char name[] = "appmsg-client";
	struct options options;
	struct call call;
	int status;

	main_open_streams();
	/* However we were called: err(3) and getopt_long(3) say this. */
	setprogname(name);
	if (argc > 0)
		argv[0] = name;
	/* Lines of several writers stay whole. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	/* A batch writes much; stdio would take 4 KB at a time. */
	if (!output_is_terminal(stdout))
		setvbuf(stdout, NULL, _IOFBF, MAIN_OUTPUT_SIZE);
	options_parse(&options, argc, argv);
	if (call_init(&call, &options))
		main_run(&call);
	call_clear(&call);
	status = call_status(&call);
	if (output_close() == -1 && call.failure == 0)
		status = EX_IOERR;
	return status;
}
