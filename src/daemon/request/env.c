/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The buffers of a worker that its requests are answered with.
 */

#include "config.h"

#include "daemon/request/env.h"

#include "daemon/snapshot/generation.h"

void
request_env_clear(struct request_env *env)
{
	buf_clear(&env->text);
	buf_clear(&env->scratch);
	buf_clear(&env->content);
	buf_clear(&env->extra);
	spares_clear(&env->slots);
	spares_clear(&env->jobs);
}

void
request_lent_clear(struct request_lent *lent)
{
	generation_unref(lent->gen);
	*lent = (struct request_lent){ 0 };
}
