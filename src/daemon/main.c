/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * appmsgd: what was asked for, and the exit status that it comes to.
 */

#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/home.h"
#include "common/log.h"
#include "daemon/base/problems.h"
#include "daemon/check.h"
#include "daemon/dial/dial_tls.h"
#include "daemon/manager/inherit.h"
#include "daemon/server.h"
#include "daemon/signals.h"
#include "daemon/snapshot/generation.h"
#include "daemon/system/places.h"
#include "daemon/system/process.h"
#include "daemon/tls/tls.h"

struct options {
	char *conf;		/* owned; absolute if it could be made so */
	const char *query;	/* NULL: none */
	const char *as;		/* NULL: nobody in particular */
	bool check, show, foreground;
	int verbose;
};

static const char usage[] =
"Usage: appmsgd [-dnTv] [-f FILE] [-q KEY] [--as CLIENT]\n";

static const char help[] =
"Serve a table of answers over TCP and unix sockets.\n"
"\n"
"  -f, --config=FILE   read FILE (default " SYSCONFDIR "/appmsgd.conf;\n"
"                      a user's is ~/.config/appmsgd.conf, where it is)\n"
"  -n, --check         check the configuration and its tables, then exit\n"
"  -q, --query=KEY     with -n: print the answer for KEY, then exit\n"
"      --as=CLIENT     with -q: as this one gets it, in the words of allow=:\n"
"                      192.0.2.7, user:NAME, unix,group:NAME\n"
"  -T, --show          print the effective configuration, then exit\n"
"  -d, --foreground    do not go to the background; log to standard error\n"
"  -v, --verbose       log more; with -q: say where the answer stands\n"
"      --help          print this help, then exit\n"
"  -V, --version       print the version, then exit\n"
"\n"
"Exit status: 0; 1 if -q finds nothing; 64 usage; 71 system error;\n"
"78 wrong configuration.  Manual: appmsgd(8), appmsgd.conf(5).\n";

/* The exit status, if what was printed has arrived. */
static int
printed(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	log_warn("standard output");
	return EX_OSERR;
}

/* A path that leads there from all folders, owned by the caller, or NULL. */
static char *
absolute(const char *path)
{
	char *folder, *made;

	if (path[0] == '/')
		return strdup(path);
	/* Where the folder has no name, what follows says so. */
	if ((folder = getcwd(NULL, 0)) == NULL)
		return strdup(path);
	if (asprintf(&made, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
	    path) == -1)
		made = NULL;
	free(folder);
	return made;
}

/* What is wrong with the command line was said. */
static _Noreturn void
fail_usage(void)
{
	fprintf(stderr, "%sTry 'appmsgd --help' for more information.\n",
	    usage);
	exit(EX_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 'n' },
		{ "query", required_argument, NULL, 'q' },
		{ "as", required_argument, NULL, 'a' },
		{ "show", no_argument, NULL, 'T' },
		{ "foreground", no_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const char *conf = NULL;
	bool asks = false;
	int ch;

	while ((ch = getopt_long(argc, argv, "df:nq:TvV", longopts,
	    NULL)) != -1) {
		switch (ch) {
		case 'd': o->foreground = true; break;
		case 'f': conf = optarg; break;
		case 'n': o->check = true; break;
		case 'q': o->query = optarg; asks = true; break;
		case 'a': o->as = optarg; break;
		case 'T': o->show = true; break;
		case 'v': o->verbose++; break;
		case 'h':
			printf("%s%s", usage, help);
			exit(printed(EX_OK));
		case 'V':
			printf("appmsgd %s\nTLS: %s\n", PACKAGE_VERSION,
			    tls_version() != NULL ? tls_version() : "none");
			exit(printed(EX_OK));
		default:
			fail_usage();
		}
	}
	if (optind < argc || (asks && !o->check) || (o->as != NULL && !asks)) {
		fprintf(stderr, optind == argc ? asks ?
		    "appmsgd: -q needs -n\n" : "appmsgd: --as needs -q\n" :
		    strchr(argv[optind], '.') == NULL ?
		    "appmsgd: unexpected argument \"%s\"\n" :
		    "appmsgd: unexpected argument \"%s\"; a configuration "
		    "goes behind -f\n", argv[optind]);
		fail_usage();
	}
	/* A daemon leaves its folder, and reloads; others say what was typed. */
	if (conf == NULL)
		o->conf = home_conf();
	else if (o->check || o->show || o->foreground)
		o->conf = strdup(conf);
	else
		o->conf = absolute(conf);
	if (o->conf == NULL)
		fatal("options");
}

/* What happens when everything serves. */
struct ready {
	int fd;			/* of process_background(), or -1 */
};

static void
ready_cb(void *arg)
{
	const struct ready *ready = arg;

	if (ready->fd == -1)
		return;
	log_init("appmsgd", true);
	process_ready(ready->fd);
}

static int
serve(const struct options *o, struct generation *gen, struct tls *tls)
{
	struct problems problems = PROBLEMS_INIT;
	struct ready ready = { -1 };
	struct inherited *inherited;
	struct server *server;
	int rc = EX_OSERR;

	signal(SIGPIPE, SIG_IGN);
	/* Now: in the background it has another number. */
	inherited = inherit_take();
	if (!o->foreground && (ready.fd = process_background()) == -1)
		fatal("cannot go to the background");
	/* While it can be reached; until it serves, standard error has it. */
	if (!o->foreground)
		log_connect("appmsgd");
	server = server_new(o->conf, gen, tls, o->verbose > 0 ?
	    LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
	if (server == NULL)
		inherit_discard(inherited);
	else if ((rc = server_open(server, inherited, &problems)) == EX_OK &&
	    (rc = server_load(server, &problems)) == EX_OK &&
	    server_run(server, ready_cb, &ready) != 0)
		rc = EX_OSERR;
	problems_print(&problems, stderr);
	problems_clear(&problems);
	server_free(server);
	return rc;
}

/*
 * Descriptors 0 to 2 that were closed would become sockets, and be logged
 * into.
 */
static void
open_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

/*
 * Certificates and keys are read with the rights of who started it, which it
 * may give up, and before it shuts itself in.
 */
static struct tls *
read_tls(const struct conf *conf, bool checks, struct problems *problems)
{
	struct tls *tls = tls_new();
	struct tls_set *set;

	if (tls == NULL)
		fatal("TLS");
	set = tls_load(tls, conf, checks ? stderr : NULL, problems);
	dial_tls_load(conf, problems);
	if (set != NULL)
		tls_use(tls, set);
	return tls;
}

/* With its tables, to look at them or to serve them. */
static int
run(const struct options *o)
{
	const struct check_options check = { .path = o->conf,
	    .query = o->query, .as = o->as,
	    .waits = o->check, .verbose = o->verbose > 0 };
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	struct tls *tls = NULL;
	int rc = EX_CONFIG;

	if (!o->check)
		signals_hold();
	gen = generation_read(o->conf, &problems);
	if (gen != NULL) {
		places_look(gen->conf, o->check, &problems);
		places_warn_passwords(gen->conf, o->check ? stderr : NULL);
		tls = read_tls(gen->conf, o->check, &problems);
	}
	if (gen == NULL) {
		problems_print(&problems, stderr);
	} else if (o->check || problems_count(&problems) > 0) {
		rc = check_run(&check, gen, &problems);
		generation_unref(gen);
	} else {
		rc = serve(o, gen, tls);
	}
	tls_free(tls);
	problems_clear(&problems);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	int rc;

	open_standard_files();
	log_init("appmsgd", false);
	parse_options(argc, argv, &o);
	rc = o.show ? check_show(o.conf) : run(&o);
	free(o.conf);
	rc = printed(rc);
	log_end();
	return rc;
}
