/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive control: where the administrator's socket is, and who but
 * the daemon's user may use it.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <grp.h>
#include <stdlib.h>

static int
take_group(struct parser *parser, const struct lex_word *value, void *arg)
{
	const struct group *group = getgrnam(value->text);
	struct conf *conf = arg;

	if (group == NULL) {
		parse_problem(parser, "unknown group \"%s\"", value->text);
		return -1;
	}
	free(conf->control_group);	/* of a control that was one too many */
	conf->control_gid = group->gr_gid;
	conf->control_group = parse_copy(parser, value->text, value->len);
	return conf->control_group == NULL ? -1 : 0;
}

static const struct option options[] = {
	{ "group", take_group },
	{ NULL, NULL }
};

void
parse_control(struct parser *parser)
{
	parse_plain(parser);
	/* Wrong options are told even when the path is wrong. */
	parse_options(parser, 2, options, parser->conf);
}
