/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * appmsgctl: one request to the daemon's control socket, and its reply for
 * people or, with --json, for programs.
 */

#include "config.h"

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <json.h>

#include "appmsg.h"
#include "bar.h"
#include "common/encoding.h"
#include "common/escape.h"
#include "common/home.h"
#include "common/nearest.h"
#include "live.h"
#include "numbers.h"
#include "said.h"

/* What reads files or tables as large as they are has no time of its own. */
static const struct command {
	const char *name;
	const char *argument;	/* the member that a word goes into, or NULL */
	int64_t timeout_ms;	/* -1: none */
	bool optional;		/* the word may be missing */
	bool number;		/* the word is a generation's */
	const char *second;	/* likewise, for a second word, or NULL */
} commands[] = {
	{ "reload", NULL, -1, false, false, NULL },
	{ "diff", NULL, -1, false, false, NULL },
	{ "rollback", "generation", -1, true, true, NULL },
	{ "history", NULL, -1, false, false, NULL },
	{ "explain", "key", 70000, false, false, NULL },
	{ "tables", NULL, -1, false, false, NULL },
	{ "status", NULL, 10000, false, false, NULL },
	{ "stats", NULL, 10000, false, false, NULL },
	{ "top", NULL, 10000, false, false, NULL },
	{ "log", "level", 10000, true, false, NULL },
	{ "publish", "from", -1, false, false, "to" },
	{ "drain", NULL, 10000, false, false, NULL },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const char usage[] =
"Usage: appmsgctl [-i INSTANCE | -s SOCKET] [--json] [-q] [--force]\n"
"                 [--rollback] [--keys=N] [--openmetrics] [-d SECONDS]\n"
"                 [-n N] COMMAND [ARGUMENT...]\n";

static const char help[] =
"Control a running appmsgd.\n"
"\n"
"  reload       read the configuration and its tables again; ends when the\n"
"               new ones serve, or fails and says why while the old go on\n"
"  diff         say what a reload would change\n"
"  rollback [GENERATION]\n"
"               go back to what was served before, or to another generation\n"
"               that is kept, at once\n"
"  history      say what was loaded since the start, what each load changed\n"
"               and who asked for it, and which failed\n"
"  explain KEY  say where the answer for KEY stands\n"
"  tables       say which tables there are, and how many keys of each an\n"
"               earlier one hides\n"
"  publish FROM TO\n"
"               give all entries of the table FROM to the other machines that\n"
"               have the table TO\n"
"  status       say what the daemon is and does\n"
"  stats        say what it was asked, and how long that took\n"
"  top          show that live, a second at a time; q ends it\n"
"  log [LEVEL]  log warn, info or debug, until the next reload; without, say\n"
"               what is logged now\n"
"  drain        accept no more, finish what was asked, and exit\n"
"\n"
"      --force          with reload: take tables that lost more keys than\n"
"                       their guard= allows, and read all files; with\n"
"                       publish: likewise, of what is there already\n"
"      --rollback       with publish: go back to what was published to TO\n"
"                       before, without a FROM\n"
"  -q, --quiet          with reload: say nothing unless something is wrong\n"
"      --keys=N         with diff: name up to N keys of each sort, 0 to 1000\n"
"                       (default 20)\n"
"      --openmetrics    with stats: as OpenMetrics text\n"
"  -d, --delay=SECONDS  with top: from one picture to the next, 0.1 to 3600\n"
"                       (default 1)\n"
"  -n, --count=N        with top: end after N pictures\n"
"  -i, --instance=NAME  control appmsgd@NAME.service\n"
"  -s, --socket=SOCKET  the daemon's control socket\n"
"                       (default " RUNSTATEDIR "/appmsgd/control.sock;\n"
"                       but first $APPMSGCTL_SOCKET, then a user's own)\n"
"      --json           print the whole reply as JSON\n"
"      --help           print this help, then exit\n"
"  -V, --version        print the version, then exit\n"
"\n"
"Exit status: 0 done; 1 the daemon could not; 64 usage; 69 no daemon there;\n"
"75 no reply in time; 76 not the control socket of appmsgd; 77 not allowed.\n"
"Manual: appmsgctl(8).\n";

struct options {
	char *socket;		/* owned */
	const struct command *command;
	const char *argument;	/* of the command, or NULL */
	const char *second;	/* its second one */
	int64_t generation;	/* the argument, as a number */
	int keys;		/* -1: as many as the daemon likes */
	int64_t delay_ms;	/* -1: not said */
	int64_t count;		/* -1: not said */
	bool json;
	bool force;
	bool rollback;
	bool quiet;
	bool openmetrics;
};

/* What has this word with other daemons, or is another program's to do. */
static const char *
find_other(const char *word)
{
	static const char *const others[][2] = {
		{ "stop", "appmsgctl drain\", or \"systemctl stop appmsgd" },
		{ "quit", "appmsgctl drain" },
		{ "start", "systemctl start appmsgd" },
		{ "restart", "systemctl restart appmsgd" },
		{ "check", "appmsgctl diff\", or \"appmsgd -n" },
		{ "get", "appmsg-client search" },
		{ "search", "appmsg-client search" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(word, others[i][0]) == 0)
			return others[i][1];
	return NULL;
}

static const struct command *
find_command(const char *word)
{
	const char *known[N_COMMANDS], *near;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		known[i] = commands[i].name;
		if (strcmp(known[i], word) == 0)
			return &commands[i];
	}
	near = find_other(word);
	if (near == NULL)
		near = nearest(word, known, N_COMMANDS);
	if (near != NULL)
		warnx("unknown command \"%s\"; did you mean \"%s\"?", word,
		    near);
	else
		warnx("unknown command \"%s\"; --help names all", word);
	return NULL;
}

/* What is for a live view, and what is not. */
static bool
parse_live(const struct options *o, bool live)
{
	if (!live && (o->delay_ms != -1 || o->count != -1)) {
		warnx("--%s is for top", o->delay_ms != -1 ? "delay" :
		    "count");
		return false;
	}
	if (live && o->json) {
		warnx("--json is not for top, but for stats");
		return false;
	}
	return true;
}

/* Say what is wrong with a word that goes to the daemon. */
static bool
check_argument(const char *name, const char *word)
{
	if (!escape_is_utf8(word, strlen(word))) {
		warnx("the %s is %s", name,
		    encoding_not_utf8(word, strlen(word)));
		return false;
	}
	if (encoding_has_mark(word, strlen(word)))
		warnx("the %s begins with a byte order mark", name);
	return true;
}

/* Those of publish: the last one is the table that is published to. */
static bool
parse_tables(int n, char **words, struct options *o)
{
	if (n < (o->rollback ? 2 : 3)) {
		warnx("publish needs a %s", o->rollback ? "TO" :
		    "FROM and a TO");
		return false;
	}
	/* Who names another one may mean that it is published again. */
	if (o->rollback && n > 2) {
		warnx("publish --rollback takes a TO alone, and no FROM");
		return false;
	}
	o->second = words[n - 1];
	o->argument = n == 3 ? words[1] : NULL;
	return check_argument("TO", o->second) &&
	    (o->argument == NULL || check_argument("FROM", o->argument));
}

static bool
parse_arguments(int n, char **words, struct options *o)
{
	const struct command *c = o->command;

	if (c->argument != NULL && c->second == NULL && !c->optional &&
	    n < 2) {
		warnx("%s needs a %s", words[0], c->argument);
		return false;
	}
	if (n > (c->second != NULL ? 3 : c->argument != NULL ? 2 : 1)) {
		warnx("unexpected argument \"%s\"", words[n - 1]);
		return false;
	}
	if (c->second != NULL)
		return parse_tables(n, words, o);
	o->argument = words[1];
	return n < 2 || (check_argument(c->argument, words[1]) &&
	    (!c->number || numbers_generation(words[1], &o->generation)));
}

/* The command and its arguments; says what is wrong with them. */
static bool
parse_words(int n, char **words, struct options *o)
{
	if (n == 0) {
		warnx("no command");
		return false;
	}
	if ((o->command = find_command(words[0])) == NULL)
		return false;
	if (!parse_arguments(n, words, o))
		return false;
	if (o->force && strcmp(words[0], "reload") != 0 &&
	    strcmp(words[0], "publish") != 0) {
		warnx("--force is for reload and publish");
		return false;
	}
	if (o->rollback && strcmp(words[0], "publish") != 0) {
		warnx("--rollback is for publish");
		return false;
	}
	if (o->quiet && strcmp(words[0], "reload") != 0) {
		warnx("--quiet is for reload");
		return false;
	}
	if (o->openmetrics && strcmp(words[0], "stats") != 0) {
		warnx("--openmetrics is for stats");
		return false;
	}
	if (o->keys != -1 && strcmp(words[0], "diff") != 0) {
		warnx("--keys is for diff");
		return false;
	}
	return parse_live(o, strcmp(words[0], "top") == 0);
}

/* The exit status, if what was printed has arrived. */
static int
printed(int rc)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		err(EX_IOERR, "standard output");
	return rc;
}

/* The socket that is meant, by what was given of the three; owned. */
static char *
choose_socket(const char *socket, const char *instance)
{
	const char *env = getenv("APPMSGCTL_SOCKET");
	char *path;

	if (socket != NULL && instance != NULL)
		errx(EX_USAGE, "-i and -s exclude each other");
	if (socket == NULL && instance == NULL && env != NULL && *env != '\0')
		socket = env;
	path = socket != NULL ? strdup(socket) : instance != NULL ?
	    home_instance_socket(instance) : home_socket();
	if (path == NULL && errno == EINVAL)
		errx(EX_USAGE, "\"%s\" is not the name of an instance",
		    instance);
	if (path == NULL)
		err(EX_OSERR, NULL);
	return path;
}

/* What is wrong with the command line was said. */
static _Noreturn void
fail_usage(void)
{
	fprintf(stderr, "%sTry 'appmsgctl --help' for more information.\n",
	    usage);
	exit(EX_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	enum { OPT_HELP = 256, OPT_JSON, OPT_FORCE, OPT_KEYS,
	    OPT_OPENMETRICS, OPT_ROLLBACK };
	static const struct option longopts[] = {
		{ "instance", required_argument, NULL, 'i' },
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "rollback", no_argument, NULL, OPT_ROLLBACK },
		{ "quiet", no_argument, NULL, 'q' },
		{ "keys", required_argument, NULL, OPT_KEYS },
		{ "openmetrics", no_argument, NULL, OPT_OPENMETRICS },
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const char *socket = NULL, *instance = NULL;
	int ch;

	while ((ch = getopt_long(argc, argv, "d:i:n:qs:V", longopts,
	    NULL)) != -1) {
		switch (ch) {
		case 'd': o->delay_ms = numbers_delay(optarg); break;
		case 'i': instance = optarg; break;
		case 'n': o->count = numbers_count(optarg); break;
		case 'q': o->quiet = true; break;
		case 's': socket = optarg; break;
		case OPT_JSON: o->json = true; break;
		case OPT_FORCE: o->force = true; break;
		case OPT_ROLLBACK: o->rollback = true; break;
		case OPT_KEYS: o->keys = numbers_keys(optarg); break;
		case OPT_OPENMETRICS: o->openmetrics = true; break;
		case OPT_HELP:
			printf("%s%s", usage, help);
			exit(printed(EX_OK));
		case 'V':
			printf("appmsgctl %s\n", PACKAGE_VERSION);
			exit(printed(EX_OK));
		default:
			fail_usage();
		}
	}
	if (!parse_words(argc - optind, argv + optind, o))
		fail_usage();
	o->socket = choose_socket(socket, instance);
}

/* Tell why there is no connection, and what may help. */
static int
not_connected(const struct options *o, int error)
{
	const char *hint = "";
	struct stat sb;

	if (strchr(o->socket, '/') == NULL)
		hint = "; -s takes the path of the daemon's control socket";
	else if (stat(o->socket, &sb) == 0 && !S_ISSOCK(sb.st_mode))
		hint = "; it is no socket";
	else if (error == ENOENT || error == ECONNREFUSED)
		hint = "; is appmsgd running?";
	else if (error == EACCES || error == EPERM)
		hint = "; try as root, or with control group=, see "
		    "appmsgd.conf(5)";
	warnx("%s: %s%s", o->socket, strerror(error), hint);
	return error == EACCES || error == EPERM ? EX_NOPERM : EX_UNAVAILABLE;
}

/* The exit status for a failure of the connection, which is told. */
static int
failed(const struct options *o, int error)
{
	int saved = errno;

	switch ((enum appmsg_error)error) {
	case APPMSG_ECONN:
		return not_connected(o, saved);
	case APPMSG_EINVAL:
	case APPMSG_EUNPROVEN:
	case APPMSG_EDENIED:
		warnx("%s: the path is too long", o->socket);
		return EX_USAGE;
	case APPMSG_ETIMEDOUT:
		warnx("%s: no reply in time", o->socket);
		return EX_TEMPFAIL;
	case APPMSG_EPROTO:
	case APPMSG_E2BIG:
	case APPMSG_EILSEQ:
	case APPMSG_ENOENT:
		warnx("%s: %s", o->socket, appmsg_strerror(error));
		return EX_PROTOCOL;
	case APPMSG_ENOMEM:
		warnx("%s", appmsg_strerror(error));
		return EX_OSERR;
	case APPMSG_OK:
	case APPMSG_EAGAIN:
	case APPMSG_EHOST:
	case APPMSG_EOF:
	case APPMSG_EIO:
		break;
	}
	warnx("%s: the daemon closed the connection; its log may say why",
	    o->socket);
	return EX_UNAVAILABLE;
}

static int
out_of_memory(void)
{
	warnx("%s", appmsg_strerror(APPMSG_ENOMEM));
	return EX_OSERR;
}

static int
finish(const struct options *o, const struct appmsg_message *msg)
{
	int rc = said_exit(&msg->header.status);
	struct json_object *reply;
	const char *wrong;

	reply = said_read(msg->content, msg->content_len, &wrong);
	if (reply == NULL) {
		warnx("%s: the reply is none of appmsgd's: %s", o->socket,
		    wrong);
		return EX_PROTOCOL;
	}
	if (!o->quiet || rc != EX_OK) {
		if (!o->json)
			said_print(reply, rc == EX_OK);
		else if (said_print_json(reply) != 0)
			rc = out_of_memory();
	}
	json_object_put(reply);
	return rc;
}

/* Takes the value.  Returns 0, or -1 when memory is out. */
static int
request_add(struct json_object *content, const char *name,
    struct json_object *value)
{
	if (value != NULL && json_object_object_add(content, name,
	    value) == 0)
		return 0;
	json_object_put(value);
	return -1;
}

/*
 * Whose service manager runs this, as ExecReload= of systemd says; 0: nobody's.
 */
static int64_t
find_mainpid(void)
{
	const char *text = getenv("MAINPID");

	return text != NULL ? strtonum(text, 1, INT32_MAX, NULL) : 0;
}

/* The request, owned by the caller; NULL when memory is out. */
static struct json_object *
request_new(const struct options *o)
{
	struct json_object *content = json_object_new_object();
	int64_t pid = find_mainpid();

	if (content == NULL)
		return NULL;
	if (request_add(content, "action", json_object_new_string(
	    o->command->name)) != 0 ||
	    (o->force && request_add(content, "force",
	    json_object_new_boolean(true)) != 0) ||
	    (o->keys != -1 && request_add(content, "keys",
	    json_object_new_int(o->keys)) != 0) ||
	    (pid > 0 && request_add(content, "mainpid",
	    json_object_new_int64(pid)) != 0) ||
	    (o->openmetrics && request_add(content, "openmetrics",
	    json_object_new_boolean(true)) != 0) ||
	    (o->rollback && request_add(content, "rollback",
	    json_object_new_boolean(true)) != 0) ||
	    (o->second != NULL && request_add(content, o->command->second,
	    json_object_new_string(o->second)) != 0) ||
	    (o->argument != NULL && request_add(content,
	    o->command->argument, o->command->number ?
	    json_object_new_int64(o->generation) :
	    json_object_new_string(o->argument)) != 0)) {
		json_object_put(content);
		return NULL;
	}
	return content;
}

static int
run_top(const struct options *o)
{
	const struct live_options live = { .socket = o->socket,
	    .delay_ms = o->delay_ms != -1 ? o->delay_ms : 1000,
	    .count = o->count != -1 ? o->count : 0 };
	int error, rc = live_run(&live, &error);

	return error == 0 ? rc : failed(o, error);
}

static int
run(const struct options *o)
{
	static const struct appmsg_header hdr = {
		.content_type = APPMSG_STR("text/json"),
		.content_encoding = APPMSG_STR("utf-8"),
		.connection = APPMSG_STR("close")
	};
	int64_t deadline = appmsg_deadline(o->command->timeout_ms);
	struct json_object *content = request_new(o);
	struct appmsg_client *client = NULL;
	struct appmsg_message msg;
	const char *text = NULL;
	size_t len;
	int error, rc;

	if (content != NULL)
		text = json_object_to_json_string_length(content,
		    JSON_C_TO_STRING_PLAIN, &len);
	if (text == NULL) {
		json_object_put(content);
		return out_of_memory();
	}
	error = appmsg_client_open_unix(&client, o->socket, deadline);
	if (error == 0)
		error = appmsg_client_send(client, &hdr, text, len);
	if (error == 0)
		error = o->command->second != NULL ? bar_receive(client, &msg,
		    o->socket, deadline) : appmsg_client_recv(client, &msg,
		    deadline);
	rc = error == 0 ? finish(o, &msg) : failed(o, error);
	appmsg_client_free(client);
	json_object_put(content);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = { .keys = -1, .delay_ms = -1, .count = -1 };
	int rc;

	parse_options(argc, argv, &o);
	rc = printed(strcmp(o.command->name, "top") == 0 ? run_top(&o) :
	    run(&o));
	free(o.socket);
	return rc;
}
