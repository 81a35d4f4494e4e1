/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef PAGE_H
#define PAGE_H

/*
 * The status page, which is page.html, and the search page, page_search.html:
 * page.c and page_search.c are made of them, byte for byte.
 */

#include <stddef.h>

extern const unsigned char http_page[];
extern const size_t http_page_len;
extern const unsigned char http_page_search[];
extern const size_t http_page_search_len;

#endif
