/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a configuration owns.
 */

#include "config.h"

#include "daemon/conf/conf.h"

#include <stdlib.h>
#include <string.h>

void
conf_paths_free(char **paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
}

void
conf_answer_free(struct conf_answer *a)
{
	if (a == NULL)
		return;
	free(a->key);
	free(a->text);
	free(a->path);
	free(a->type);
	free(a);
}

void
conf_table_free(struct conf_table *t)
{
	if (t == NULL)
		return;
	conf_paths_free(t->paths, t->n_paths);
	free(t->name);
	free(t->path);
	free(t->type);
	free(t);
}

void
conf_forget_answers(struct conf *conf)
{
	struct conf_answer *a;

	while ((a = STAILQ_FIRST(&conf->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->answers, entry);
		conf_answer_free(a);
	}
	while ((a = STAILQ_FIRST(&conf->binaries)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->binaries, entry);
		conf_answer_free(a);
	}
}

void
conf_free(struct conf *conf)
{
	struct conf_table *t;
	struct conf_listen *l;
	struct conf_file *f;

	if (conf == NULL)
		return;
	conf_forget_answers(conf);
	while ((t = STAILQ_FIRST(&conf->tables)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->tables, entry);
		conf_table_free(t);
	}
	while ((l = TAILQ_FIRST(&conf->listens)) != NULL) {
		TAILQ_REMOVE(&conf->listens, l, entry);
		free(l->allow);
		free(l);
	}
	while ((f = STAILQ_FIRST(&conf->files)) != NULL) {
		STAILQ_REMOVE_HEAD(&conf->files, entry);
		free(f->path);
		free(f);
	}
	free(conf->said);
	free(conf->control);
	free(conf->control_group);
	free(conf->user);
	free(conf->pidfile);
	free(conf->access_log);
	free(conf);
}
