/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef HOME_H
#define HOME_H

/*
 * Where the daemon's configuration and its control socket are when nobody
 * says it, so that all programs look at the same places:
 *
 *	configuration			control socket
 *	SYSCONFDIR/appmsgd.conf		RUNSTATEDIR/appmsgd/control.sock
 *	SYSCONFDIR/appmsgd/NAME.conf	RUNSTATEDIR/appmsgd/NAME/control.sock
 *	~/.config/appmsgd.conf		$XDG_RUNTIME_DIR/appmsgd/control.sock
 *
 * The second row is of the instances of appmsgd@.service, the third of each
 * user but root; $XDG_CONFIG_HOME is ~/.config where it is not set.  Another
 * configuration has no control socket of its own accord.
 *
 * Strings are owned by the caller; NULL with errno 0 is "there is none", and
 * with another errno "no memory".
 */

#include <stdbool.h>

/*
 * The configuration that is read when none is named: the user's own if there
 * is one, else the system's.
 */
char *home_conf(void);

/*
 * The control socket of a configuration that names none.
 *
 * conf  its path, as it was named
 */
char *home_control(const char *conf);

/*
 * The unit that has a configuration: "appmsgd.service", "appmsgd@NAME.service".
 */
char *home_unit(const char *conf);

/*
 * The control socket of whoever runs this, if it has one that is there, else
 * the system's.
 */
char *home_socket(void);

/*
 * The control socket of an instance.
 *
 * Returns NULL with errno EINVAL when that cannot be a name of one.
 */
char *home_instance_socket(const char *name);

#endif
