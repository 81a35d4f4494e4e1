/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What --help and --version print.
 */

#include "config.h"

#include "usage.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char usage_text[] =
"Usage: appmsg-client [OPTION]... search KEY...\n"
"  or:  appmsg-client [OPTION]... tables\n"
"  or:  appmsg-client [OPTION]... binary TEXT\n"
"  or:  appmsg-client [OPTION]... echo TEXT...\n"
"  or:  appmsg-client [OPTION]... ping\n"
"  or:  appmsg-client [OPTION]... compare SERVER...\n"
"  or:  appmsg-client [OPTION]... check [HOST [PORT]]\n"
"  or:  appmsg-client [OPTION]... bench [HOST [PORT]]\n"
"  or:  appmsg-client [OPTION]...\n";

static const char help_text[] =
"Ask an appmsg server.\n"
"\n"
"  search KEY...  print the answer for each KEY; - reads keys from standard\n"
"                   input, one a line\n"
"  tables         print the names of the tables that may be asked, a line each\n"
"  binary TEXT    send TEXT as it is and print the reply's bytes; - sends all\n"
"                   of standard input\n"
"  echo TEXT...   send each TEXT to an echo service and check what comes back\n"
"  ping           ask once, say how long that took and which generation serves\n"
"  compare SERVER...  say what each SERVER serves, and whether it is the same\n"
"  check [HOST [PORT]]  ask a server in many ways, and say which points of the\n"
"                   protocol it does not keep, and why: as TAP\n"
"  bench [HOST [PORT]]  load a server, and say how many requests it answers a\n"
"                   second, how fast, and how many this client could ask\n"
"\n"
#ifdef HAVE_LIBEDIT
"Without an action, a terminal is asked for keys; \\? there shows the commands.\n"
#else
"This one was built without libedit, which calls without an action need.\n"
#endif
"\n"
"Options may stand anywhere before --.\n"
"  -H, --host=SERVER,...    the server's name or address (default 127.0.0.1);\n"
"                             or several, each HOST, HOST:PORT or the path of\n"
"                             a socket: what one leaves, the next is asked\n"
"  -p, --port=PORT          its port (default 65432; for echo, 28137)\n"
"  -U, --unix=PATH          use the unix socket PATH instead\n"
"  -t, --timeout=SECONDS    give up SECONDS after the start, fractions allowed\n"
"                             (default: when nothing comes for 10 seconds)\n"
"  -c, --connections=COUNT  echo or bench on COUNT connections at once (default\n"
"                             1; bench: 16)\n"
"  -m, --match=WAY          print KEY, TAB and answer of each key that matches:\n"
"                    exact, prefix, suffix, substring, fuzzy, regex, words, "
"text\n"
"  -n, --limit=COUNT        at most COUNT of them, up to 1000 (default 10)\n"
"  -d, --distance=EDITS     fuzzy: keys that are 1 or 2 EDITS away (default 2,\n"
"                             or 1 where KEY has fewer than 4 characters)\n"
"  -T, --table=TABLE        ask this table only\n"
"      --after=KEY          what matches behind this KEY: the next ones\n"
"      --order=ORDER        of matches: key or weight, the weightiest first\n"
"      --suggest=COUNT      on a miss, name up to 5 near keys (default 3 for a\n"
"                             single KEY, else 0)\n"
"      --explain            say where the answer stands, on standard error\n"
"      --tls                speak TLS\n"
"      --ca=FILE            trust the certificates in FILE, not the system's\n"
"      --cert=FILE          show this certificate\n"
"      --key=FILE           its key (default: in the same file)\n"
"      --server-name=NAME   whose certificate is wanted (default: HOST)\n"
"      --depth=COUNT        bench: requests in flight on each (default 1)\n"
"      --keys=FILE          the keys to ask for, one a line; - is standard\n"
"                             input (default: the first 1000 of the server)\n"
"      --in-order           ask for them in their order, not at random\n"
"      --seed=NUMBER        of what is random (default 1)\n"
"      --duration=SECONDS   ask for so long (default 5)\n"
"      --requests=COUNT     or so often\n"
"      --rate=COUNT         ask so often a second, whatever the server does:\n"
"                             times count from when a request was due\n"
"      --threads=COUNT      ask from so many (default: processors less one)\n"
"      --warm-up=SECONDS    before anything is counted (default 0.5, or with\n"
"                             --requests 0)\n"
"  -q, --quiet              say nothing of what is not found; ping, compare,\n"
"                             check, bench: nothing but what is wrong\n"
"      --json               print one JSON object a line\n"
"      --tsv                print KEY, TAB and answer, a line for each of them\n"
"      --color=WHEN         colour keys: auto (on a terminal), always, never\n"
"      --trace              say on standard error what goes over the wire\n"
"      --help               display this help and exit\n"
"  -V, --version            output version information and exit\n"
"\n"
"APPMSG_SERVER in the environment names the servers where no option does, with\n"
"commas between them: HOST, HOST:PORT, [ADDRESS]:PORT, or the path of a unix\n"
"socket; those behind appmsgs:// over TLS.\n"
"\n"
"Exit status: 0 all found, 1 something missed, 64 usage, 65 the server\n"
"answered an error, 68 host unknown, 69 refused, 75 timeout, busy or\n"
"unavailable, 76 not this protocol, 77 denied; appmsg-client(1) has them all.\n";

static const char version_text[] =
"appmsg-client (" PACKAGE_NAME ") " PACKAGE_VERSION "\n"
"Copyright (c) 2026 The appmsgd authors\n"
"License ISC: free software, to use, change and share.\n"
"There is NO WARRANTY, to the extent permitted by law.\n";

/* Nothing was printed before it. */
static void __attribute__((noreturn))
print_and_exit(const char *first, const char *second)
{
	if (fputs(first, stdout) == EOF || fputs(second, stdout) == EOF ||
	    fflush(stdout) == EOF)
		err(EX_IOERR, "standard output");
	exit(EX_OK);
}

void
usage_help(void)
{
	print_and_exit(usage_text, help_text);
}

void
usage_version(void)
{
	print_and_exit(version_text, "");
}

void
usage_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwarnx(fmt, ap);
	va_end(ap);
	fputs("Try 'appmsg-client --help' for more information.\n", stderr);
	exit(EX_USAGE);
}
