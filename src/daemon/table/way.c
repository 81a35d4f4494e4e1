/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * The words for ways and for duplicates.
 */

#include "config.h"

#include "daemon/table/way.h"

const char *const table_way_names[TABLE_WAYS] = {
	[TABLE_EXACT] = "exact",
	[TABLE_PREFIX] = "prefix",
	[TABLE_SUFFIX] = "suffix",
	[TABLE_SUBSTRING] = "substring",
	[TABLE_FUZZY] = "fuzzy",
	[TABLE_REGEX] = "regex",
	[TABLE_WORDS] = "words",
	[TABLE_TEXT] = "text"
};

const char *const table_duplicates_names[TABLE_DUPLICATES] = {
	[TABLE_DUPLICATES_ERROR] = "error",
	[TABLE_DUPLICATES_FIRST] = "first",
	[TABLE_DUPLICATES_LAST] = "last",
	[TABLE_DUPLICATES_JOIN] = "join"
};
