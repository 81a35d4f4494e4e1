/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PAGE_H
#define PAGE_H

/*
 * The status page, which is page.html: page.c is made of it, byte for byte.
 */

#include <stddef.h>

extern const unsigned char http_page[];
extern const size_t http_page_len;

#endif
