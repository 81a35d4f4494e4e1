/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Statuses and fields.
 */

#include "config.h"

#include "daemon/http/http_reply.h"

#include <stdio.h>
#include <string.h>

#define HEAD_MAX	1024	/* bytes; twice what there is to say */
#define DATE_MAX	32

static const struct status {
	int status;
	const char *reason;
	const char *text;
} statuses[] = {
	{ 200, "OK", "serving\n" },
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
static void
write_date(char *date, size_t size, time_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
	    "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&now, &tm);
	snprintf(date, size, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int
http_reply_add(const struct http_reply *reply, time_t now, struct buf *out)
{
	size_t len = reply->bare ? 0 : reply->len;
	char *p = buf_reserve(out, HEAD_MAX + len), date[DATE_MAX];
	int n;

	if (p == NULL)
		return -1;
	write_date(date, sizeof(date), now);
	n = snprintf(p, HEAD_MAX, "HTTP/1.1 %d %s\r\n"
	    "Content-Type: %s\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Content-Security-Policy: default-src 'none'; "
	    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
	    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'\r\n"
	    "%sDate: %s\r\nContent-Length: %zu\r\n%s\r\n", reply->status,
	    find_status(reply->status)->reason, reply->type,
	    reply->status == 405 ? "Allow: GET, HEAD\r\n" : "", date,
	    reply->len, !reply->keep ? "Connection: close\r\n" :
	    reply->old ? "Connection: keep-alive\r\n" : "");
	memcpy(p + n, reply->body, len);
	out->len += (size_t)n + len;
	return 0;
}
