dnl SPDX-License-Identifier: ISC
dnl Copyright (c) 2026 The appmsgd authors

dnl APPMSG_SYSTEMD_DIR(NAME, CONDITIONAL, WHAT, BELOW-LIB): the folder NAME of
dnl systemd.pc, unless --with-NAME says another, or no.  Under the prefix,
dnl lib/BELOW-LIB, unless that is the system's own.
AC_DEFUN([APPMSG_SYSTEMD_DIR], [
	AC_ARG_WITH([$1],
	    [AS_HELP_STRING([--with-$1=DIR],
	    [folder of $3, or no @<:@from pkg-config@:>@])],
	    [], [with_$1=auto])
	AS_CASE([$with_$1],
	    [auto|yes], [
		AS_IF([test "x$prefix" = x/usr],
		    [$1=$($PKG_CONFIG --variable=$1 systemd 2>/dev/null)
		    test -n "$$1" || $1=/usr/lib/$4],
		    [$1='${prefix}/lib/$4'])
	    ],
	    [no], [$1=],
	    [$1=$with_$1])
	AC_SUBST([$1])
	AM_CONDITIONAL([$2], [test -n "$$1"])
])
