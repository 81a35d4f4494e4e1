/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Line by line, so that what is wrong is told at its line, whatever else may
 * come.  What is there of a line is looked at before its end is, so that cuts
 * make no difference, and who speaks another language is told at once.
 */

#include "config.h"

#include "daemon/http/http_head.h"

#include <string.h>
#include <strings.h>

#include "daemon/http/http_accept.h"
#include "daemon/http/http_host.h"

#define MORE		(-1)
#define VERSION_LEN	8	/* HTTP/1.1 */

/* Between the lines. */
struct reader {
	struct http_head *head;
	size_t hosts;			/* fields of that name, likewise */
	size_t lengths;
	size_t codings;
	struct http_text host;		/* of the last Host: */
	struct http_text coding;
	bool has_content;		/* a length that is not 0 */
	bool close, keep;		/* words of Connection: */
	struct http_accept accept;
};

static bool
is_text(struct http_text t, const char *text)
{
	return t.len == strlen(text) && memcmp(t.data, text, t.len) == 0;
}

static bool
is_word(struct http_text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.data, word, t.len) == 0;
}

/* tchar of RFC 9110. */
static bool
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t
token_len(struct http_text t)
{
	size_t n = 0;

	while (n < t.len && is_token_char(t.data[n]))
		n++;
	return n;
}

/* A byte of a field's line, or of the first one: that is ASCII, and no TAB. */
static bool
is_line_char(char c, bool first)
{
	unsigned char u = (unsigned char)c;

	return first ? u >= ' ' && u < 0x7f :
	    (u >= ' ' && u != 0x7f) || u == '\t';
}

/*
 * Take the next line.
 *
 * buf, len  all bytes
 * at        where it begins; moved behind its end
 * line      set to it, without its end
 *
 * Returns 0, MORE, or 400; 431 when it is not at its end where a head must be.
 */
static int
next_line(const char *buf, size_t len, size_t *at, bool first,
    struct http_text *line)
{
	size_t cap = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX, end = *at;

	while (end < cap && is_line_char(buf[end], first))
		end++;
	if (end < cap && buf[end] != '\r')
		return 400;
	if (cap - end <= 1)
		return cap < HTTP_HEAD_MAX ? MORE : 431;
	if (buf[end + 1] != '\n')
		return 400;
	*line = (struct http_text){ buf + *at, end - *at };
	*at = end + 2;
	return 0;
}

/* Cut a line at its first blank; the rest may be empty. */
static bool
cut(struct http_text *word, struct http_text *rest)
{
	const char *blank = memchr(word->data, ' ', word->len);

	if (blank == NULL)
		return false;
	rest->data = blank + 1;
	rest->len = word->len - (size_t)(rest->data - word->data);
	word->len = (size_t)(blank - word->data);
	return true;
}

static enum http_method
find_method(struct http_text t)
{
	static const char *const refused[] = { "POST", "PUT", "DELETE",
	    "CONNECT", "OPTIONS", "TRACE", "PATCH" };

	if (is_text(t, "GET"))
		return HTTP_METHOD_GET;
	if (is_text(t, "HEAD"))
		return HTTP_METHOD_HEAD;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (is_text(t, refused[i]))
			return HTTP_METHOD_REFUSED;
	return HTTP_METHOD_UNKNOWN;
}

static int
read_version(struct http_head *head, struct http_text t)
{
	if (t.len != VERSION_LEN || memcmp(t.data, "HTTP/", 5) != 0 ||
	    t.data[5] < '0' || t.data[5] > '9' || t.data[6] != '.' ||
	    t.data[7] < '0' || t.data[7] > '9')
		return 400;
	head->old = t.data[7] == '0';
	return t.data[5] == '1' ? 0 : 505;
}

/* scheme "://" authority path, from where the path begins, or all of it. */
static int
read_absolute(struct http_head *head, struct http_text t)
{
	const char *colon = memchr(t.data, ':', t.len);
	struct http_text scheme = { t.data, 0 }, host;

	if (colon == NULL)
		return 400;
	scheme.len = (size_t)(colon - t.data);
	if (token_len(scheme) < scheme.len || scheme.len == 0 ||
	    t.len - scheme.len < 3 || memcmp(colon, "://", 3) != 0)
		return 400;
	head->foreign = !is_word(scheme, "http");
	head->enciphered = is_word(scheme, "https");
	host.data = colon + 3;
	t.len -= scheme.len + 3;
	for (host.len = 0; host.len < t.len && host.data[host.len] != '/' &&
	    host.data[host.len] != '?'; host.len++)
		;
	if (host.len == 0 || host.data[0] == ':' ||
	    !http_host_is_valid(host.data, host.len))
		return 400;
	head->host = host;
	head->path.data = host.data + host.len;
	head->path.len = t.len - host.len;
	return 0;
}

/* Without its query; of what is refused anyhow nobody looks at the target. */
static int
read_target(struct http_head *head, struct http_text t)
{
	const char *query;
	int status = 0;

	if (memchr(t.data, '#', t.len) != NULL)
		return 400;
	if (head->method != HTTP_METHOD_GET &&
	    head->method != HTTP_METHOD_HEAD)
		return 0;
	head->path = t;
	if (t.data[0] != '/')
		status = read_absolute(head, t);
	if (status != 0)
		return status;
	query = memchr(head->path.data, '?', head->path.len);
	if (query != NULL) {
		head->query.data = query + 1;
		head->query.len = (size_t)(head->path.data + head->path.len -
		    head->query.data);
		head->path.len = (size_t)(query - head->path.data);
	}
	if (head->path.len == 0)
		head->path = (struct http_text){ "/", 1 };
	return 0;
}

static int
read_first(struct http_head *head, struct http_text line)
{
	struct http_text target, version;
	int status;

	if (!cut(&line, &target) || line.len == 0 ||
	    token_len(line) < line.len || !cut(&target, &version) ||
	    target.len == 0)
		return 400;
	if ((status = read_version(head, version)) != 0)
		return status;
	head->method = find_method(line);
	return read_target(head, target);
}

static struct http_text
trim(struct http_text t)
{
	while (t.len > 0 && (t.data[0] == ' ' || t.data[0] == '\t')) {
		t.data++;
		t.len--;
	}
	while (t.len > 0 && (t.data[t.len - 1] == ' ' ||
	    t.data[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Words between commas. */
static void
read_connection(struct reader *r, struct http_text value)
{
	struct http_text word;
	const char *comma;

	do {
		comma = memchr(value.data, ',', value.len);
		word.data = value.data;
		word.len = comma == NULL ? value.len :
		    (size_t)(comma - value.data);
		value.data += word.len + (comma != NULL);
		value.len -= word.len + (comma != NULL);
		word = trim(word);
		r->close = r->close || is_word(word, "close");
		r->keep = r->keep || is_word(word, "keep-alive");
	} while (comma != NULL);
}

static int
read_length(struct reader *r, struct http_text value)
{
	if (value.len == 0)
		return 400;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return 400;
		r->has_content = r->has_content || value.data[i] != '0';
	}
	/* Not even the same again: who is between may take another one. */
	return r->lengths++ == 0 ? 0 : 400;
}

static int
read_field(struct reader *r, struct http_text line)
{
	struct http_text name = line, value;

	name.len = token_len(line);
	if (name.len == 0 || name.len == line.len ||
	    line.data[name.len] != ':')
		return 400;
	value.data = line.data + name.len + 1;
	value.len = line.len - name.len - 1;
	value = trim(value);
	if (is_word(name, "host")) {
		r->host = value;
		return r->hosts++ == 0 && http_host_is_valid(value.data,
		    value.len) ? 0 : 400;
	}
	if (is_word(name, "content-length"))
		return read_length(r, value);
	if (is_word(name, "transfer-encoding")) {
		r->coding = value;
		r->codings++;
	} else if (is_word(name, "connection")) {
		read_connection(r, value);
	} else if (is_word(name, "accept")) {
		http_accept_read(&r->accept, value.data, value.len);
	} else if (is_word(name, "origin")) {
		r->head->origin = value;
	} else if (is_word(name, "if-none-match")) {
		r->head->none_match = value;
	}
	return 0;
}

/* What the fields come to, together. */
static int
finish(struct reader *r)
{
	struct http_head *head = r->head;

	if (r->hosts == 0 && !head->old)
		return 400;
	if (r->codings > 0) {
		/* Where it ends, others may see elsewhere. */
		if (head->old || r->lengths > 0)
			return 400;
		if (r->codings > 1 || !is_word(r->coding, "chunked"))
			return 501;
	}
	head->body = r->has_content || r->codings > 0;
	head->classic = http_accept_is_plain(&r->accept);
	head->keep = !r->close && (!head->old || r->keep);
	if (head->host.data == NULL)
		head->host = r->host;
	return 0;
}

/* An empty line before a request, of which there may be one. */
static size_t
skip_empty(const char *buf, size_t len)
{
	return len >= 2 && memcmp(buf, "\r\n", 2) == 0 ? 2 : 0;
}

bool
http_head_has_begun(const char *buf, size_t len)
{
	return len > 2 || memcmp("\r\n", buf, len) != 0;
}

int
http_head_read(const char *buf, size_t len, struct http_head *head,
    size_t *used)
{
	struct reader r = { .head = head };
	struct http_text line;
	size_t at = skip_empty(buf, len);
	int status;

	*head = (struct http_head){ .method = HTTP_METHOD_UNKNOWN };
	status = next_line(buf, len, &at, true, &line);
	/* The target is what may be long there. */
	if (status == 431)
		return memchr(buf, ' ', HTTP_HEAD_MAX) != NULL ? 414 : 400;
	if (status == 0)
		status = read_first(head, line);
	while (status == 0) {
		status = next_line(buf, len, &at, false, &line);
		if (status != 0 || line.len == 0)
			break;
		status = read_field(&r, line);
	}
	if (status == 0)
		status = finish(&r);
	if (status == 0)
		*used = at;
	return status;
}
