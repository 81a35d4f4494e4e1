/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A path is compared as text, but for its folder, which may be reached by
 * another way: a file may be replaced at any time, and a link to it is what
 * somebody may change.
 */

#include "config.h"

#include "common/home.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF		"appmsgd.conf"
#define CONF_SUFFIX	".conf"
#define INSTANCES	SYSCONFDIR "/appmsgd"
#define RUNTIME		RUNSTATEDIR "/appmsgd"
#define CONTROL		"control.sock"

/* Of any path here; a file with a longer one cannot be opened. */
#define PATH_SIZE	4096

/* Returns what asprintf(3) makes, owned by the caller; NULL with errno. */
static char * __attribute__((format(printf, 1, 2)))
text(const char *fmt, ...)
{
	char *made;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&made, fmt, ap);
	va_end(ap);
	if (n != -1)
		return made;
	errno = ENOMEM;
	return NULL;
}

static char *
none(void)
{
	errno = 0;
	return NULL;
}

/* A folder of this user's; NULL: root has none, and relative ones are void. */
static const char *
folder_of_user(const char *variable)
{
	const char *folder = geteuid() == 0 ? NULL : getenv(variable);

	return folder != NULL && folder[0] == '/' &&
	    strlen(folder) < PATH_SIZE / 2 ? folder : NULL;
}

/* Where this user's configuration would be; false: nowhere. */
static bool
folder_of_conf(char folder[PATH_SIZE])
{
	const char *config = folder_of_user("XDG_CONFIG_HOME");
	const char *home = folder_of_user("HOME");

	if (config != NULL)
		strlcpy(folder, config, PATH_SIZE);
	else if (home != NULL)
		snprintf(folder, PATH_SIZE, "%s/.config", home);
	return config != NULL || home != NULL;
}

static bool
is_same_folder(const char *a, const char *b)
{
	struct stat sa, sb;

	return strcmp(a, b) == 0 || (stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

/* The name that a path has within a folder, or NULL. */
static const char *
name_in(const char *folder, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t len = slash == path ? 1 : (size_t)(name - path);
	char of[PATH_SIZE] = ".";

	if (len >= sizeof(of))
		return NULL;
	/* Without the slash, so that it may be the same text. */
	if (slash != NULL)
		strlcpy(of, path, slash == path ? 2 : len);
	return is_same_folder(of, folder) ? name : NULL;
}

static bool
is_named(const char *name)
{
	return name != NULL && strcmp(name, CONF) == 0;
}

/* How long the name of a configuration's instance is; 0: it is of none. */
static size_t
instance_len(const char *name)
{
	const size_t suffix = sizeof(CONF_SUFFIX) - 1;
	size_t len = name != NULL ? strlen(name) : 0;

	return len > suffix && name[0] != '.' &&
	    strcmp(name + len - suffix, CONF_SUFFIX) == 0 ? len - suffix : 0;
}

static char *
control_of_user(void)
{
	const char *folder = folder_of_user("XDG_RUNTIME_DIR");

	return folder != NULL ? text("%s/appmsgd/" CONTROL, folder) : none();
}

char *
home_conf(void)
{
	char folder[PATH_SIZE], *own;

	if (folder_of_conf(folder)) {
		own = text("%s/" CONF, folder);
		if (own == NULL || access(own, F_OK) == 0)
			return own;
		free(own);
	}
	return text("%s", SYSCONFDIR "/" CONF);
}

char *
home_control(const char *conf)
{
	const char *name = name_in(INSTANCES, conf);
	size_t len = instance_len(name);
	char folder[PATH_SIZE];

	if (len > 0)
		return text(RUNTIME "/%.*s/" CONTROL, (int)len, name);
	if (is_named(name_in(SYSCONFDIR, conf)))
		return text(RUNTIME "/" CONTROL);
	if (folder_of_conf(folder) && is_named(name_in(folder, conf)))
		return control_of_user();
	return none();
}

char *
home_unit(const char *conf)
{
	const char *name = name_in(INSTANCES, conf);
	size_t len = instance_len(name);

	if (len > 0)
		return text("appmsgd@%.*s.service", (int)len, name);
	return is_named(name_in(SYSCONFDIR, conf)) ?
	    text("appmsgd.service") : none();
}

char *
home_socket(void)
{
	char *own = control_of_user();

	if (own == NULL && errno != 0)
		return NULL;
	if (own != NULL && access(own, F_OK) == 0)
		return own;
	free(own);
	return text(RUNTIME "/" CONTROL);
}

char *
home_instance_socket(const char *name)
{
	if (name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL)
		return text(RUNTIME "/%s/" CONTROL, name);
	errno = EINVAL;
	return NULL;
}
