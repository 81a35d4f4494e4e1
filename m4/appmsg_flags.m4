dnl SPDX-License-Identifier: ISC
dnl Copyright (c) 2026 The appmsgd authors

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
