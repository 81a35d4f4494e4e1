/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ORDER_H
#define ORDER_H

/*
 * The member that tells this machine's byte order, as it is written first in
 * headers.
 */

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ORDER	"\"byteorder\": \"big\""
#else
#define ORDER	"\"byteorder\": \"little\""
#endif

#endif
