/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Line by line, each against an expression, in copies.
 */

#include "config.h"

#include "fuzz_heads.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/http_head.h"
#include "fuzz.h"

#define GROUPS	8
#define KEY_PATH	"/v1/key/"

#define TOKEN	"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#define PLAIN	"[-A-Za-z0-9._~!$&'()*+,;=]"
#define HOST	"(\\[(" PLAIN "|:)+\\]|(" PLAIN "|%[0-9A-Fa-f]{2})*)(:[0-9]*)?"
#define OCTET	"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

static bool
fits(const char *pattern, const char *text, regmatch_t *groups)
{
	static struct {
		const char *pattern;
		regex_t re;
	} known[16];
	regmatch_t some[GROUPS];
	size_t i = 0;

	while (known[i].pattern != NULL && known[i].pattern != pattern)
		i++;
	FUZZ_CHECK(i + 1 < sizeof(known) / sizeof(known[0]));
	if (known[i].pattern == NULL) {
		known[i].pattern = pattern;
		FUZZ_CHECK(regcomp(&known[i].re, pattern, REG_EXTENDED |
		    REG_ICASE) == 0);
	}
	return regexec(&known[i].re, text, GROUPS, groups != NULL ? groups :
	    some, 0) == 0;
}

/* A group of a match, cut out of its text; "" if it took no part. */
static char *
group(const char *text, const regmatch_t *m)
{
	char *s = m->rm_so == -1 ? strdup("") : strndup(text + m->rm_so,
	    (size_t)(m->rm_eo - m->rm_so));

	FUZZ_CHECK(s != NULL);
	return s;
}

static bool
is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

static bool
is_address(const char *host)
{
	static const char v4[] = "^((" OCTET "\\.){3}" OCTET
	    "|localhost)(:[0-9]+)?$";
	static const char v6[] = "^\\[([0-9a-f:.]+)\\](:[0-9]+)?$";
	regmatch_t m[GROUPS];
	struct in6_addr in6;
	char *address;
	bool is;

	if (fits(v4, host, NULL))
		return true;
	if (!fits(v6, host, m))
		return false;
	address = group(host, &m[1]);
	is = inet_pton(AF_INET6, address, &in6) == 1;
	free(address);
	return is;
}

/* A head between its lines. */
struct reading {
	char *method, *path, *host;
	bool foreign, query, old, has_host, content, chunked, close, keep;
	int lengths, codings;
};

static void
forget(struct reading *r)
{
	free(r->method);
	free(r->path);
	free(r->host);
}

static int
read_target(struct reading *r, const char *target)
{
	static const char origin[] = "^(/[^?]*)";
	static const char absolute[] = "^(" TOKEN ")://(" HOST ")([/?].*)?$";
	static const char *const read[] = { "GET", "HEAD", NULL };
	regmatch_t m[GROUPS];
	char *scheme, *path;

	if (strchr(target, '#') != NULL)
		return 400;
	if (!is_one_of(r->method, read))
		return 0;
	r->query = strchr(target, '?') != NULL;
	if (fits(origin, target, m)) {
		r->path = group(target, &m[1]);
		return 0;
	}
	if (!fits(absolute, target, m) || m[2].rm_eo == m[2].rm_so ||
	    target[m[2].rm_so] == ':')
		return 400;
	scheme = group(target, &m[1]);
	r->foreign = strcasecmp(scheme, "http") != 0;
	free(scheme);
	r->host = group(target, &m[2]);
	path = group(target, &m[7]);
	path[strcspn(path, "?")] = '\0';
	r->path = path[0] == '\0' ? strdup("/") : strdup(path);
	FUZZ_CHECK(r->path != NULL);
	free(path);
	return 0;
}

static int
read_first(struct reading *r, const char *line)
{
	static const char first[] = "^(" TOKEN
	    ") ([!-~]+) (HTTP)/([0-9])\\.([0-9])$";
	regmatch_t m[GROUPS];
	char *target;
	int status;

	if (!fits(first, line, m) || memcmp(line + m[3].rm_so, "HTTP", 4) != 0)
		return 400;
	if (line[m[4].rm_so] != '1')
		return 505;
	/* From here on its method is known. */
	r->old = line[m[5].rm_so] == '0';
	r->method = group(line, &m[1]);
	target = group(line, &m[2]);
	status = read_target(r, target);
	free(target);
	return status;
}

static int
read_field(struct reading *r, const char *line)
{
	static const char field[] = "^(" TOKEN
	    "):[ \t]*(([^ \t]|[^ \t].*[^ \t])?)[ \t]*$";
	static const char hosts[] = "^" HOST "$", digits[] = "^[0-9]+$";
	static const char zero[] = "^0+$";
	static const char closes[] = "(^|,)[ \t]*close[ \t]*(,|$)";
	static const char keeps[] = "(^|,)[ \t]*keep-alive[ \t]*(,|$)";
	regmatch_t m[GROUPS];
	char *name, *value;
	int status = 0;

	if (!fits(field, line, m))
		return 400;
	name = group(line, &m[1]);
	value = group(line, &m[2]);
	if (strcasecmp(name, "host") == 0) {
		status = r->has_host || !fits(hosts, value, NULL) ? 400 : 0;
		r->has_host = true;
		if (r->host == NULL)
			FUZZ_CHECK((r->host = strdup(value)) != NULL);
	} else if (strcasecmp(name, "content-length") == 0) {
		status = r->lengths++ > 0 || !fits(digits, value, NULL) ?
		    400 : 0;
		r->content = r->content || !fits(zero, value, NULL);
	} else if (strcasecmp(name, "transfer-encoding") == 0) {
		r->codings++;
		r->chunked = strcasecmp(value, "chunked") == 0;
	} else if (strcasecmp(name, "connection") == 0) {
		r->close = r->close || fits(closes, value, NULL);
		r->keep = r->keep || fits(keeps, value, NULL);
	}
	free(name);
	free(value);
	return status;
}

/* The same of what search=yes has; 0: the tables say. */
static int
find_search(const struct reading *r, const struct heads_server *server)
{
	static const char *const pages[] = { "/", "/search", NULL };
	static const char *const asked[] = { "/v1/search", "/v1/tables",
	    NULL };

	if (strncmp(r->path, KEY_PATH, sizeof(KEY_PATH) - 1) == 0 ||
	    is_one_of(r->path, asked))
		return 0;
	if (strcmp(r->path, "/healthz") == 0)
		return server->ill ? 503 : 200;
	return is_one_of(r->path, pages) ? 200 : 404;
}

/* The status of a whole head, and whether its reply closes. */
static int
find_status(struct reading *r, const struct heads_server *server,
    bool *close)
{
	static const char *const read[] = { "GET", "HEAD", NULL };
	static const char *const others[] = { "POST", "PUT", "DELETE",
	    "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL };
	static const char *const pages[] = { "/", "/stats.json",
	    "/history.json", "/metrics", "/healthz", NULL };

	*close = true;
	if (!r->has_host && !r->old)
		return 400;
	if (r->codings > 0 && (r->old || r->lengths > 0))
		return 400;
	if (r->codings > 1 || (r->codings == 1 && !r->chunked))
		return 501;
	*close = r->close || (r->old && !r->keep) || r->content ||
	    r->codings > 0;
	if (!is_one_of(r->method, read))
		return is_one_of(r->method, others) ? 405 : 501;
	if (r->content || r->codings > 0)
		return 413;
	if (r->foreign || (!server->local &&
	    !is_address(r->host != NULL ? r->host : "")))
		return 421;
	if (server->search)
		return find_search(r, server);
	if (!is_one_of(r->path, pages))
		return 404;
	if (strcmp(r->path, "/healthz") == 0)
		return server->ill ? 503 : 200;
	if (strcmp(r->path, "/") != 0 && server->short_of) {
		*close = true;
		return 500;
	}
	return 200;
}

/*
 * The line at the front: 0 with a copy of it, -1 if it has no end yet, or the
 * status of its bytes.
 */
static int
take_line(const uint8_t *p, size_t len, bool first, char **line)
{
	const uint8_t *cr = memchr(p, '\r', len);
	size_t n = cr != NULL ? (size_t)(cr - p) : len;

	for (size_t i = 0; i < n; i++)
		if (first ? p[i] < 0x20 || p[i] > 0x7e : p[i] != '\t' &&
		    (p[i] < 0x20 || p[i] == 0x7f))
			return 400;
	if (n + 1 >= len)
		return -1;
	if (p[n + 1] != '\n')
		return 400;
	FUZZ_CHECK((*line = strndup((const char *)p, n)) != NULL);
	/* Regular expressions are of characters, which these need not be. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)(*line)[i] > 0x7f)
			(*line)[i] = '?';
	return 0;
}

/* Which key the tables decide on. */
static void
tell_key(const struct reading *r, struct heads_reply *e)
{
	static char key[HTTP_HEAD_MAX];

	e->query = r->query;
	if (strncmp(r->path, KEY_PATH, sizeof(KEY_PATH) - 1) != 0)
		return;
	FUZZ_CHECK(strlen(r->path) < sizeof(key));
	strcpy(key, r->path + sizeof(KEY_PATH) - 1);
	e->key = key;
}

bool
heads_expect(const uint8_t *p, size_t len, const struct heads_server *server,
    struct heads_reply *e)
{
	struct reading r = { 0 };
	size_t cap = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX, at = 0;
	bool first = true, last = false;
	char *line;
	int status = 0;

	*e = (struct heads_reply){ .close = true };
	if (cap >= 2 && memcmp(p, "\r\n", 2) == 0)
		at = 2;
	while (status == 0 && !last) {
		status = take_line(p + at, cap - at, first, &line);
		if (status == -1 && cap == HTTP_HEAD_MAX)
			status = !first ? 431 : memchr(p, ' ', cap) != NULL ?
			    414 : 400;
		if (status != 0)
			break;
		at += strlen(line) + 2;
		last = !first && line[0] == '\0';
		if (!last)
			status = first ? read_first(&r, line) :
			    read_field(&r, line);
		first = false;
		free(line);
	}
	if (last)
		status = find_status(&r, server, &e->close);
	if (last && server->draining && at == len)
		e->close = true;
	e->bare = r.method != NULL && strcmp(r.method, "HEAD") == 0;
	e->close = e->close && status != -1;
	e->status = status;
	e->end = at;
	if (last && status == 0)
		tell_key(&r, e);
	forget(&r);
	return status != -1;
}
