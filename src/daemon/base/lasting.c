/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list of what lasts: what is not in it is tried again, at some cost, and
 * nothing stays down for what might have passed.
 */

#include "config.h"

#include "daemon/base/lasting.h"

#include <errno.h>
#include <stddef.h>

bool
error_lasts(int error)
{
	static const int lasting[] = { EACCES, EPERM, EROFS, ENOENT, ENOTDIR,
	    EISDIR, EEXIST, ELOOP, ENAMETOOLONG, ENXIO, ENODEV, EINVAL,
	    EADDRNOTAVAIL, EAFNOSUPPORT };

	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		if (lasting[i] == error)
			return true;
	return false;
}
