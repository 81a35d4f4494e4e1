/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Statuses and fields.  A head is put together of what is always the same:
 * there may be a hundred thousand of them in a second.
 */

#include "config.h"

#include "daemon/http/http_reply.h"

#include <stdio.h>
#include <string.h>

#define DATE_MAX	32

static const struct status {
	int status;
	const char *reason;
	const char *text;
} statuses[] = {
	{ 200, "OK", "serving\n" },
	{ 304, "Not Modified", "" },
	{ 400, "Bad Request", "This is no request of HTTP/1.1.\n" },
	{ 403, "Forbidden", "You are not allowed here.\n" },
	{ 404, "Not Found", "There are /, /stats.json, /history.json, "
	    "/metrics and /healthz here.\n" },
	{ 405, "Method Not Allowed", "There is only GET and HEAD here.\n" },
	{ 408, "Request Timeout", "The request did not come in time.\n" },
	{ 413, "Content Too Large", "A request may have no content here.\n" },
	{ 414, "URI Too Long", "The target is too long.\n" },
	{ 421, "Misdirected Request", "Ask by address, or by a name of "
	    "names=.\n" },
	{ 429, "Too Many Requests", "There is too much to do now.\n" },
	{ 431, "Request Header Fields Too Large", "The header is too "
	    "large.\n" },
	{ 500, "Internal Server Error", "There is no memory for that.\n" },
	{ 501, "Not Implemented", "This is not known here.\n" },
	{ 503, "Service Unavailable", "not serving\n" },
	{ 505, "HTTP Version Not Supported", "Ask in HTTP/1.1.\n" }
};

static const struct status *
find_status(int status)
{
	size_t i = sizeof(statuses) / sizeof(statuses[0]) - 1;

	while (i > 0 && statuses[i].status != status)
		i--;
	return &statuses[i];
}

struct http_reply
http_reply_text(int status)
{
	const char *text = find_status(status)->text;

	return (struct http_reply){ .status = status,
	    .type = "text/plain; charset=utf-8", .body = text,
	    .len = strlen(text) };
}

/* IMF-fixdate of RFC 9110, which strftime(3) would write in any language. */
static size_t
write_date(char *date, size_t size, time_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
	    "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&now, &tm);
	return (size_t)snprintf(date, size,
	    "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

static char *
put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

#define put_literal(to, literal)	put(to, literal, sizeof(literal) - 1)
#define put_text(to, text)		put(to, text, strlen(text))

/* The same for a second, and for all of a thread's connections. */
static char *
put_date(char *to, time_t now)
{
	static _Thread_local char date[DATE_MAX];
	static _Thread_local time_t of = -1;
	static _Thread_local size_t len;

	if (now != of || len == 0) {
		len = write_date(date, sizeof(date), now);
		of = now;
	}
	return put(to, date, len);
}

static char *
put_number(char *to, size_t n)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return put(to, p, (size_t)(digits + sizeof(digits) - p));
}

void
http_tag_write(uint64_t tag, char *to)
{
	for (size_t i = HTTP_TAG_LEN; i-- > 0; tag >>= 4)
		to[i] = "0123456789abcdef"[tag & 15];
}

bool
http_tag_read(const char *p, size_t len, uint64_t *tag)
{
	*tag = 0;
	for (size_t i = 0; i < len && i < HTTP_TAG_LEN; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			*tag = *tag << 4 | (uint64_t)(p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			*tag = *tag << 4 | (uint64_t)(p[i] - 'a' + 10);
		else
			return false;
	}
	return len == HTTP_TAG_LEN;
}

/* Who may keep it, and whose pages may read it. */
static char *
put_readers(char *to, const struct http_reply *reply)
{
	if (reply->tagged) {
		to = put_literal(to, "Cache-Control: private, no-cache\r\n"
		    "ETag: \"");
		http_tag_write(reply->tag, to);
		to = put_literal(to + HTTP_TAG_LEN, "\"\r\n");
	} else {
		to = put_literal(to, "Cache-Control: no-store\r\n");
	}
	if (reply->varies)
		to = put_literal(to, "Vary: Origin\r\n");
	if (reply->origin != NULL) {
		to = put_literal(to, "Access-Control-Allow-Origin: ");
		to = put(to, reply->origin, reply->origin_len);
		to = put_literal(to, "\r\n");
	}
	return to;
}

/* What a browser must not do with it. */
static char *
put_policy(char *to, bool plain)
{
	to = put_literal(to, "X-Content-Type-Options: nosniff\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Content-Security-Policy: default-src 'none'; ");
	if (!plain)
		to = put_literal(to, "style-src 'unsafe-inline'; "
		    "script-src 'unsafe-inline'; connect-src 'self'; "
		    "base-uri 'none'; form-action 'none'; ");
	return put_literal(to, "frame-ancestors 'none'\r\n");
}

/* What its status asks for; a page that is not served has no time for that. */
static char *
put_for_status(char *to, const struct http_reply *reply)
{
	if (reply->status == 405)
		return put_literal(to, "Allow: GET, HEAD\r\n");
	if (reply->status == 429 || (reply->status == 503 && reply->plain))
		return put_literal(to, "Retry-After: 1\r\n");
	return to;
}

size_t
http_reply_head(const struct http_reply *reply, time_t now, char *start)
{
	char *to = put_literal(start, "HTTP/1.1 ");

	to = put_number(to, (size_t)reply->status);
	*to++ = ' ';
	to = put_text(to, find_status(reply->status)->reason);
	if (reply->status != 304) {
		to = put_literal(to, "\r\nContent-Type: ");
		to = put_text(to, reply->type);
	}
	to = put_readers(put_literal(to, "\r\n"), reply);
	to = put_policy(to, reply->plain);
	to = put_for_status(to, reply);
	to = put_date(put_literal(to, "Date: "), now);
	if (reply->status != 304) {
		to = put_literal(to, "\r\nContent-Length: ");
		to = put_number(to, reply->len);
	}
	if (!reply->keep)
		to = put_literal(to, "\r\nConnection: close");
	else if (reply->old)
		to = put_literal(to, "\r\nConnection: keep-alive");
	return (size_t)(put_literal(to, "\r\n\r\n") - start);
}

int
http_reply_add(const struct http_reply *reply, time_t now, struct buf *out)
{
	size_t len = reply->bare ? 0 : reply->len;
	char *p = buf_reserve(out, HTTP_REPLY_HEAD_MAX + len);
	size_t n;

	if (p == NULL)
		return -1;
	n = http_reply_head(reply, now, p);
	if (len > 0)
		memcpy(p + n, reply->body, len);
	out->len += n + len;
	return 0;
}
