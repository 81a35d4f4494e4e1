/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * What a start would find out later, and could not be told with the rest.
 * Only what is sure is a mistake: who checks may have other rights than who
 * serves.
 */

#include "config.h"

#include "daemon/system/places.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/home.h"
#include "common/log.h"
#include "daemon/base/address.h"
#include "daemon/conf/conf.h"
#include "daemon/conf/rows.h"

/* Made by RuntimeDirectory=, that of an instance within. */
static const char *const made[] = { RUNSTATEDIR "/appmsgd",
    "/run/appmsgd" };

/* Made by tmpfiles.d. */
#define LOGS	"/var/log/appmsgd"

/* Hidden by ProtectHome= and PrivateTmp=. */
static const char *const hidden[] = { "/home/", "/root/", "/run/user/",
    "/tmp/", "/var/tmp/" };

#define UNIT_USER	"_appmsgd"	/* and its group */

#define COUNT(list)	(sizeof(list) / sizeof((list)[0]))

/* The folder of an absolute path, owned by the caller; NULL: no memory. */
static char *
folder_of(const char *path)
{
	size_t len = (size_t)(strrchr(path, '/') - path);

	return strndup(path, len == 0 ? 1 : len);
}

static bool
is_made(const char *folder)
{
	if (strcmp(folder, LOGS) == 0)
		return true;
	for (size_t i = 0; i < COUNT(made); i++) {
		size_t len = strlen(made[i]);

		if (strncmp(folder, made[i], len) == 0 &&
		    (folder[len] == '\0' || (folder[len] == '/' &&
		    strchr(folder + len + 1, '/') == NULL)))
			return true;
	}
	return false;
}

static void
look(const struct conf_place *place, const char *path, bool ahead,
    struct problems *problems)
{
	char *folder = folder_of(path);
	struct stat sb;

	/* That it must be absolute has been told. */
	if (path[0] != '/') {
		free(folder);
		return;
	}
	if (ahead && folder != NULL && is_made(folder)) {
		free(folder);
		return;
	}
	if (folder == NULL)
		problems_add(problems, place->file, place->line, "%s",
		    strerror(errno));
	else if (stat(folder, &sb) == 0 ? !S_ISDIR(sb.st_mode) :
	    errno == ENOENT || errno == ENOTDIR)
		problems_add(problems, place->file, place->line,
		    "the folder of %s is missing", path);
	free(folder);
}

/* NULL: there is none. */
static const char *
unix_path(const struct conf_listen *l)
{
	const struct sockaddr_un *sun = (const void *)&l->ss;

	return l->ss.ss_family == AF_UNIX ? sun->sun_path : NULL;
}

/*
 * Two sockets cannot have one path.  Of two lines with the same words the
 * configuration knows; here links of folders are looked through, too.
 */
static void
look_twice(const struct conf *conf, const struct conf_listen *l,
    struct problems *problems)
{
	const struct conf_listen *before = l;
	const struct conf_place *place = NULL;
	const char *path = unix_path(l);

	while (place == NULL &&
	    (before = TAILQ_PREV(before, conf_listens, entry)) != NULL)
		if (unix_path(before) != NULL &&
		    address_same_path(unix_path(before), path))
			place = &before->place;
	if (place == NULL && conf->control != NULL &&
	    address_same_path(conf->control, path))
		place = conf_said(conf, "control", NULL);
	if (place != NULL)
		problems_add(problems, l->place.file, l->place.line,
		    "%s is the socket of %s:%u, too", path, place->file,
		    place->line);
}

void
places_look(const struct conf *conf, bool ahead, struct problems *problems)
{
	const struct conf_listen *l;

	TAILQ_FOREACH(l, &conf->listens, entry)
		if (unix_path(l) != NULL) {
			look(&l->place, unix_path(l), ahead, problems);
			look_twice(conf, l, problems);
		}
	if (conf->pidfile != NULL)
		look(conf_said(conf, "pidfile", NULL), conf->pidfile, ahead,
		    problems);
	if (conf->access_log != NULL)
		look(conf_said(conf, "log", "access"), conf->access_log,
		    ahead, problems);
}

void
places_look_rights(const struct conf *conf, struct problems *problems)
{
	const struct conf_place *place = conf_said(conf, "log", "access");
	const char *path = conf->access_log;
	char *folder = NULL;
	bool may;

	if (path == NULL)
		return;
	may = access(path, W_OK) == 0;
	/* It is made there, or opened again after it was renamed. */
	if (!may && errno == ENOENT && (folder = folder_of(path)) != NULL)
		may = access(folder, W_OK | X_OK) == 0 || errno == ENOENT;
	if (!may)
		problems_add(problems, place->file, place->line,
		    "cannot open the access log %s: %s", path,
		    strerror(errno));
	free(folder);
}

static void
warn_hidden(const struct conf_place *place, const char *path,
    const char *unit, FILE *out)
{
	char *real = path != NULL ? realpath(path, NULL) : NULL;
	const char *is = real != NULL ? real : path;

	for (size_t i = 0; is != NULL && i < COUNT(hidden); i++)
		if (strncmp(is, hidden[i], strlen(hidden[i])) == 0)
			fprintf(out, "%s:%u: warning: %s has no view of %s\n",
			    place->file, place->line, unit, path);
	free(real);
}

static void
warn_all_hidden(const struct conf *conf, const char *unit, FILE *out)
{
	const struct conf_listen *l;
	const struct conf_answer *a;
	const struct conf_table *t;

	TAILQ_FOREACH(l, &conf->listens, entry)
		warn_hidden(&l->place, unix_path(l), unit, out);
	STAILQ_FOREACH(a, &conf->binaries, entry)
		warn_hidden(&a->place, a->path, unit, out);
	STAILQ_FOREACH(t, &conf->tables, entry) {
		warn_hidden(&t->place, t->remote != NULL ?
		    t->remote->password_file : t->path, unit, out);
		if (t->remote != NULL)
			warn_hidden(&t->place, t->remote->ca, unit, out);
	}
	warn_hidden(conf_said(conf, "control", NULL), conf->control, unit,
	    out);
	warn_hidden(conf_said(conf, "pidfile", NULL), conf->pidfile, unit,
	    out);
	warn_hidden(conf_said(conf, "log", "access"), conf->access_log, unit,
	    out);
}

/* Who copies the configuration that comes along has its control line, too. */
static void
warn_control(const struct conf *conf, const char *path, const char *unit,
    FILE *out)
{
	const struct conf_place *place = conf_said(conf, "control", NULL);
	char *usual = home_control(path);

	if (usual != NULL && place->line != 0 && (conf->control == NULL ||
	    strcmp(conf->control, usual) != 0))
		fprintf(out, "%s:%u: warning: %s reloads by %s, which it has "
		    "without this line\n", place->file, place->line, unit,
		    usual);
	free(usual);
}

/* What a drop-in says last of PrivateUsers=, if it says anything. */
static void
read_dropin(const char *path, bool *sees)
{
	static const char *const seen[] = { "no", "false", "0", "off", "n",
	    "f", "identity", "full" };
	static const char name[] = "PrivateUsers=";
	char line[256];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, name, sizeof(name) - 1) != 0)
			continue;
		*sees = false;
		for (size_t i = 0; i < COUNT(seen); i++)
			*sees = *sees || strcasecmp(line + sizeof(name) - 1,
			    seen[i]) == 0;
	}
	if (fclose(f) != 0)
		*sees = false;
}

/* Whether an administrator has a unit see who its peers are. */
static bool
sees_users(const char *unit)
{
	char pattern[512];
	bool sees = false;
	glob_t found;

	/* An instance has those of its template, too. */
	snprintf(pattern, sizeof(pattern), "/{etc,run}/systemd/system/{%.*s"
	    "@.service,%s}.d/*.conf", (int)strcspn(unit, "@."), unit, unit);
	if (glob(pattern, GLOB_BRACE, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_dropin(found.gl_pathv[i], &sees);
	globfree(&found);
	return sees;
}

/* Whether somebody is named whom the unit tells from others only so. */
static bool
names_others(const struct who_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct who_word *w = &list->words[i];

		if ((w->kind == WHO_USER || w->kind == WHO_GROUP) &&
		    w->id != 0 && strcmp(w->text, UNIT_USER) != 0)
			return true;
	}
	return false;
}

static void
warn_unseen(const struct conf_place *place, const struct who_rule *rule,
    const char *unit, FILE *out)
{
	if (names_others(&rule->allow) || names_others(&rule->deny))
		fprintf(out, "%s:%u: warning: %s sees whose processes peers "
		    "are only with PrivateUsers=no, see appmsgd(8)\n",
		    place->file, place->line, unit);
}

static void
warn_all_unseen(const struct conf *conf, const char *unit, FILE *out)
{
	const struct conf_listen *l;
	const struct conf_table *t;

	if (sees_users(unit))
		return;
	TAILQ_FOREACH(l, &conf->listens, entry)
		warn_unseen(&l->place, &l->rule, unit, out);
	STAILQ_FOREACH(t, &conf->tables, entry)
		warn_unseen(&t->place, &t->rule, unit, out);
}

static void
warn_open(const struct conf_listen *l, FILE *out)
{
	char address[ADDRESS_MAX];

	/* Of the page, that is a mistake, and told. */
	if (conf_listen_is_any(l) && l->rule.allow.n == 0 &&
	    l->service != CONF_SERVICE_HTTP)
		fprintf(out, "%s:%u: warning: everybody who can reach this "
		    "machine may ask at %s; allow= names networks that may\n",
		    l->place.file, l->place.line, address_text(
		    (const struct sockaddr *)&l->ss, l->ss_len, address,
		    sizeof(address)));
}

static void
warn_password(const struct conf_table *t, FILE *out)
{
	const char *path = t->remote->password_file;
	const struct conf_place *place = &t->place;
	unsigned int mode;
	struct stat sb;

	if (path == NULL || stat(path, &sb) != 0 ||
	    (sb.st_mode & S_IROTH) == 0)
		return;
	mode = (unsigned int)sb.st_mode & 07777;
	if (out != NULL)
		fprintf(out, "%s:%u: warning: others may read the password "
		    "in %s (mode %04o)\n", place->file, place->line, path,
		    mode);
	else
		log_warnx("%s:%u: others may read the password in %s (mode "
		    "%04o)", place->file, place->line, path, mode);
}

void
places_warn_passwords(const struct conf *conf, FILE *out)
{
	const struct conf_table *t;

	STAILQ_FOREACH(t, &conf->tables, entry)
		if (t->remote != NULL)
			warn_password(t, out);
}

void
places_warn(const struct conf *conf, const char *path, FILE *out)
{
	const struct conf_listen *l;
	char *unit = home_unit(path);

	TAILQ_FOREACH(l, &conf->listens, entry)
		warn_open(l, out);
	if (unit != NULL) {
		warn_all_hidden(conf, unit, out);
		warn_all_unseen(conf, unit, out);
		warn_control(conf, path, unit, out);
	}
	free(unit);
}
