/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef WHO_NAMES_H
#define WHO_NAMES_H

/*
 * The names in a certificate that a client has proven to be its own: the
 * common names of its subject, and the alternative names.  Whoever ends a
 * handshake makes them, once, and keeps them as long as the connection; a
 * certificate without any name is a list without any.
 */

#include <stdbool.h>
#include <stddef.h>

enum who_name_kind {
	WHO_NAME_CN,		/* commonName, of the subject; as UTF-8 */
	WHO_NAME_DNS,		/* the others are of subjectAltName */
	WHO_NAME_URI,
	WHO_NAME_EMAIL,
	WHO_NAME_KINDS
};

struct who_names;

/*
 * Start a list without names.
 *
 * Returns it, owned by the caller, who_names_free(); or NULL when out of
 * memory.
 */
struct who_names *who_names_new(void);

/*
 * Add a name, behind the others; each kind may have several.
 *
 * text, len  copied.  One with a NUL in it, or an empty one, is passed over:
 *            no word of a rule can mean it
 *
 * Returns 0, or -1 when out of memory.
 */
int who_names_add(struct who_names *, enum who_name_kind, const char *text,
    size_t len);

/*
 * Whether one of the names is this one.  A dns name may differ in the case of
 * ASCII letters, and so may an email address behind its last @; "*." at the
 * beginning of a dns text stands for just one label.
 *
 * names  NULL: no certificate, no name
 */
bool who_names_has(const struct who_names *, enum who_name_kind,
    const char *text);

/*
 * The first name of a kind, borrowed; NULL: none.  names NULL is allowed.
 */
const char *who_names_first(const struct who_names *, enum who_name_kind);

/*
 * Free them.  NULL is allowed.
 */
void who_names_free(struct who_names *);

#endif
