/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The directive control: where the administrator's socket is, and who but
 * the daemon's user may use it.
 */

#include "config.h"

#include "daemon/conf/parse.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/conf/names.h"

static int
take_group(struct parser *parser, const struct lex_word *value, void *arg)
{
	struct conf *conf = arg;
	gid_t gid;

	if (!names_group(value->text, &gid)) {
		parse_nobody(parser, "group", value->text, errno);
		return -1;
	}
	free(conf->control_group);	/* of a control that was one too many */
	conf->control_gid = gid;
	conf->control_group = parse_copy(parser, value->text, value->len);
	return conf->control_group == NULL ? -1 : 0;
}

static const struct option options[] = {
	{ "group", take_group },
	{ NULL, NULL }
};

int
parse_control(struct parser *parser)
{
	int error = parse_plain(parser);

	/* Wrong options are told even when the path is wrong. */
	if (parse_options(parser, 2, options, parser->conf) != 0)
		error = -1;
	return error;
}
