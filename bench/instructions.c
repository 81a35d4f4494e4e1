/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * instructions: feed fixed requests to the session core in memory.
 *
 *	instructions CASE COUNT
 *
 * answers COUNT requests, 32 at a time as they come from a pipeline.  Run
 * under callgrind with two counts, the difference is what the requests cost:
 * bench/instructions.sh does that.
 */

#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf/conf.h"
#include "daemon/record/access.h"
#include "daemon/record/access_file.h"
#include "daemon/record/stats.h"
#include "daemon/request/fast.h"
#include "daemon/request/stream.h"
#include "daemon/snapshot/generation.h"

#define DEPTH		32
#define SLICE_US	1000

static const struct {
	const char *name;
	bool fast;
	const char *log;	/* of the access log: only=; NULL: there is
				   none */
	const char *members;	/* of the header, behind the usual four */
	const char *content;
} cases[] = {
	{ "hit", true, NULL, ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"ring\"}" },
	{ "miss", true, NULL, ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"rung\"}" },
	{ "escaped", true, NULL, ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"\\u0072ing\"}" },
	{ "id", true, NULL, ", \"connection\": \"keep-alive\", \"id\": 7",
	    "{\"action\": \"search\", \"value\": \"ring\"}" },
	{ "prefix", true, NULL, ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"ri\", "
	    "\"match\": \"prefix\"}" },
	{ "logged", true, "all", ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"ring\"}" },
	{ "unlogged", true, "misses", ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"ring\"}" },
	{ "slow-hit", false, NULL, ", \"connection\": \"keep-alive\"",
	    "{\"action\": \"search\", \"value\": \"ring\"}" },
};

static struct generation *
load(const char *only)
{
	char path[] = "/tmp/appmsgd-instructions.XXXXXX";
	struct problems problems = PROBLEMS_INIT;
	struct generation *gen;
	int fd = mkstemp(path);

	if (fd == -1 || dprintf(fd, "listen 127.0.0.1 0\nlog access=/dev/null "
	    "only=%s\nanswer ring \"In the caves beneath the Misty Mountains. "
	    "\xf0\x9f\x92\x8d\"\n", only) < 0)
		err(1, "%s", path);
	close(fd);
	gen = generation_load(path, NULL, &problems);
	if (gen != NULL)
		access_file_open(gen->conf, NULL, &gen->access, &problems);
	problems_print(&problems, stderr);
	unlink(path);
	if (gen == NULL)
		exit(1);
	return gen;
}

/* As a session does it, searches in slices included. */
static int
answer_all(struct stream *stream, struct request_env *env, const char *input,
    size_t len, struct buf *out)
{
	static char peer[] = " peer=127.0.0.1:12345 listen=127.0.0.1:65432";
	static char *who = peer;
	int64_t since = stats_begin(env->stats);
	enum stream_verdict verdict;
	size_t used;

	if (env->access != NULL)
		access_turn(env->access, (struct access_peer){ .who = &who,
		    .fd = -1 }, since);
	do {
		env->limits = &env->gen->conf->limits;
		verdict = stream_feed(stream, env, input, len, &used, out);
		input += used;
		len -= used;
		while (stream_owes(stream) && verdict != STREAM_FAILED)
			verdict = stream_work(stream, env, SLICE_US, out);
		stats_end(env->stats, since);
	} while (verdict == STREAM_AGAIN);
	return verdict == STREAM_MORE && len == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static char input[DEPTH * 1024];
	struct request_env env = { 0 };
	struct buf out = { 0 };
	struct stream stream;
	struct access *access;
	size_t len = 0, size, c = 0;
	long count;

	while (argc == 3 && c < sizeof(cases) / sizeof(cases[0]) &&
	    strcmp(cases[c].name, argv[1]) != 0)
		c++;
	if (argc != 3 || c == sizeof(cases) / sizeof(cases[0]))
		errx(2, "usage: instructions CASE COUNT");
	count = atol(argv[2]);
	for (int i = 0; i < DEPTH; i++) {
		size = (size_t)snprintf(input + len + 2, 1024,
		    "{\"byteorder\": \"little\", \"content-type\": "
		    "\"text/json\", \"content-encoding\": \"utf-8\", "
		    "\"content-length\": %zu%s}", strlen(cases[c].content),
		    cases[c].members);
		input[len] = (char)(size >> 8);
		input[len + 1] = (char)size;
		strcpy(input + len + 2 + size, cases[c].content);
		len += 2 + size + strlen(cases[c].content);
	}
	env.gen = load(cases[c].log != NULL ? cases[c].log : "all");
	env.reply_max = 1 << 20;
	env.fast = cases[c].fast ? fast_new() : NULL;
	env.stats = stats_new();
	stream_init(&stream, false);
	access = access_new(false);
	access_use(access, env.gen->access, env.gen->conf->access_only);
	if (cases[c].log != NULL)
		env.access = access;
	for (; count > 0; count -= DEPTH) {
		out.len = 0;
		if (answer_all(&stream, &env, input, len, &out) != 0)
			errx(1, "not all was answered");
	}
	access_free(access);
	fast_free(env.fast);
	stats_free(env.stats);
	request_env_clear(&env);
	buf_clear(&out);
	generation_unref(env.gen);
	return 0;
}
