dnl SPDX-License-Identifier: ISC
dnl Copyright (c) 2026 The appmsgd authors

dnl APPMSG_SYSTEM: what all of it stands on, said at once.  accept4 and eventfd
dnl are Linux's; a hash finds its slot by a product of 128 bits, and a table of
dnl gigabytes wants addresses of 64.
AC_DEFUN([APPMSG_SYSTEM], [
	AC_MSG_CHECKING([whether this is Linux])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#ifndef __linux__
#error no
#endif
	])],
	    [AC_MSG_RESULT([yes])],
	    [AC_MSG_RESULT([no])
	    AC_MSG_ERROR([Linux is needed])])
	AC_MSG_CHECKING([whether $CC makes programs of 64 bits])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([
_Static_assert(sizeof(void *) == 8, "pointers");
_Static_assert(sizeof(unsigned __int128) == 16, "products");
	])],
	    [AC_MSG_RESULT([yes])],
	    [AC_MSG_RESULT([no])
	    AC_MSG_ERROR([a 64-bit system is needed (with __int128)])])
])

dnl APPMSG_ADD_CFLAGS(VARIABLE, FLAGS): append those that the compiler takes
dnl without a word.  -Werror makes clang refuse what it does not know.
AC_DEFUN([APPMSG_ADD_CFLAGS], [
	for flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC takes $flag])
		save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		    [AC_MSG_RESULT([yes]); $1="$$1 $flag"],
		    [AC_MSG_RESULT([no])])
		CFLAGS=$save_CFLAGS
	done
])

dnl APPMSG_ADD_LDFLAGS(VARIABLE, FLAGS): likewise for linking.
AC_DEFUN([APPMSG_ADD_LDFLAGS], [
	for flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether the linker takes $flag])
		save_CFLAGS=$CFLAGS save_LDFLAGS=$LDFLAGS
		CFLAGS="$CFLAGS $APPMSG_PIE_CFLAGS" LDFLAGS="$LDFLAGS $flag"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		    [AC_MSG_RESULT([yes]); $1="$$1 $flag"],
		    [AC_MSG_RESULT([no])])
		CFLAGS=$save_CFLAGS LDFLAGS=$save_LDFLAGS
	done
])

dnl APPMSG_ADD_FORTIFY(VARIABLE): checked library calls, where the user's flags
dnl optimise (it is an error without) and say nothing about it.
AC_DEFUN([APPMSG_ADD_FORTIFY], [
	AC_MSG_CHECKING([whether to define _FORTIFY_SOURCE])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([
#if !defined(__OPTIMIZE__) || defined(_FORTIFY_SOURCE)
#error no
#endif
	], [])],
	    [AC_MSG_RESULT([yes]); $1="$$1 -D_FORTIFY_SOURCE=2"],
	    [AC_MSG_RESULT([no])])
])

dnl APPMSG_THREADS: threads, in libc or beside it.
AC_DEFUN([APPMSG_THREADS], [
	AC_SEARCH_LIBS([pthread_create], [pthread], [],
	    [AC_MSG_ERROR([no threads])])
])

dnl APPMSG_OPTIONAL(NAME, MODULE, WHAT FOR): a library by pkg-config, unless
dnl --without-NAME; sets have_NAME, HAVE_NAME in config.h, NAME_CFLAGS, NAME_LIBS.
AC_DEFUN([APPMSG_OPTIONAL], [
	m4_pushdef([UP], m4_toupper([$1]))
	AC_ARG_WITH([$1],
	    [AS_HELP_STRING([--with-$1], [$3 @<:@auto@:>@])],
	    [], [with_$1=auto])
	have_$1=no
	AS_IF([test "x$with_$1" != xno], [
		PKG_CHECK_MODULES(UP, [$2], [have_$1=yes], [
			AS_IF([test "x$with_$1" = xyes],
			    [AC_MSG_ERROR([$1 was asked for and is not there])])
		])
	])
	AS_IF([test "x$have_$1" = xyes],
	    [AC_DEFINE([HAVE_]UP, [1], [Define to 1 for $3.])])
	m4_popdef([UP])
])
