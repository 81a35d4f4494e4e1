/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef CONF_H
#define CONF_H

/*
 * The configuration: read once, checked whole, never changed after.  What a
 * scalar directive is called, what it takes, its default and whether a
 * reload applies it stands in one table (rows.c), which the parser,
 * appmsgd -T and the tests walk.
 */

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/log.h"
#include "daemon/base/problems.h"
#include "daemon/table/origin.h"
#include "daemon/table/way.h"
#include "daemon/who/who.h"

#define CONF_KEY_MAX	TABLE_KEY_MAX
#define CONF_TYPE_LEN_MAX	255	/* bytes of a content type */

/* Where something was said; file is borrowed from its struct conf. */
struct conf_place {
	const char *file;
	unsigned int line;
};

struct dial_trust;

enum conf_service {
	CONF_SERVICE_MESSAGES,
	CONF_SERVICE_ECHO,
	CONF_SERVICE_HTTP,
	CONF_SERVICES		/* how many there are */
};

/* certificate, in the order of the lines */
struct conf_certificate {
	STAILQ_ENTRY(conf_certificate) entry;
	struct conf_place place;
	char *path;			/* owned, as the other */
	char *key;			/* NULL: it is in the same file */
};
STAILQ_HEAD(conf_certificates, conf_certificate);

/* listen */
struct conf_listen {
	TAILQ_ENTRY(conf_listen) entry;
	struct conf_place place;
	struct sockaddr_storage ss;
	socklen_t ss_len;
	enum conf_service service;
	bool keep_alive;
	bool tls;
	char *client_ca;		/* owned: a path; NULL: clients need no
					   certificate */
	unsigned int mode;		/* of a unix socket */
	char *group;			/* owned; of such one; NULL: as it is */
	gid_t gid;			/* of group */
	struct who_rule rule;		/* owned: allow= and deny= */
	char *names;			/* owned; of service=http: with commas
					   between them; NULL: none */
	bool keys, keys_said;		/* likewise: are shown; and a line
					   says so */
	bool search;			/* likewise: answers are served, and
					   not numbers */
	char *origins;			/* owned; of that: whose pages may read
					   them, with commas between; NULL:
					   nobody else's */
};
TAILQ_HEAD(conf_listens, conf_listen);

/* answer or binary; text of an answer is UTF-8, of a binary NULL */
struct conf_answer {
	STAILQ_ENTRY(conf_answer) entry;
	struct conf_place place;
	char *key;			/* owned, as the others; may hold NUL */
	size_t key_len;
	char *text;
	size_t text_len;
	char *path;			/* binary only: the file, absolute */
	char *type;			/* binary only: UTF-8 */
	size_t type_len;
};
STAILQ_HEAD(conf_answers, conf_answer);

/* One of those that have a table on other machines. */
struct conf_server {
	struct sockaddr_storage ss;
	socklen_t ss_len;
};

/*
 * A table on other machines: table NAME redis|redis-cluster ADDR:PORT,...
 * Never changed once it was read, and counted: configurations, snapshots and
 * who asks the servers have it together.
 */
struct conf_remote {
	atomic_uint refs;
	char *name;			/* owned, as the other words */
	bool cluster;			/* redis-cluster, not redis */
	struct conf_server *servers;	/* owned, n of them: of redis the
					   master, then its replicas; else
					   those that tell of the others */
	size_t n_servers;
	char *prefix;			/* of all its keys there: no '{' or '}';
					   empty only with live */
	size_t prefix_len;
	int64_t deadline;		/* ms, of a lookup */
	int64_t cache;			/* bytes in each worker; 0: none */
	bool replicas;			/* may be asked, too */
	bool live;			/* the keys are plain ones, which others
					   write: nothing is published */
	int64_t stale;			/* ms; with live only; 0: no */
	char *user;			/* NULL: the default one */
	char *password_file;		/* NULL: none */
	char *password;			/* the first line of that file */
	bool tls;
	char *ca;			/* a file; with tls alone, and then not
					   NULL */
	char *ca_pem;			/* what it holds, ca_len bytes */
	size_t ca_len;
	struct dial_trust *trust;	/* what was made of that, see
					   dial_tls.h; NULL: nothing yet */
	void (*trust_free)(struct dial_trust *);
};

/* table NAME file PATH, table NAME binary PATH, with remote one on other
 * machines and, without path and remote, table main */
struct conf_table {
	STAILQ_ENTRY(conf_table) entry;
	struct conf_place place;
	char *name;
	bool binary;			/* entries are bytes, not answers */
	char *path;			/* may be a glob */
	char **paths;			/* owned, n of them, sorted */
	size_t n_paths;
	struct conf_remote *remote;	/* a reference; NULL: it has files */
	unsigned int ways;		/* of search=; 0: by size */
	enum table_duplicates duplicates;
	bool fold;
	bool marks;		/* with fold: marks are dropped */
	bool mmap;			/* .cdb files stay where they are */
	struct table_columns columns;	/* of .csv files; its words are owned */
	unsigned int guard;		/* per cent; CONF_NO_GUARD: none */
	char *type;			/* of a binary one; NULL: the default */
	size_t type_len;
	struct who_rule rule;		/* owned: allow= and deny= */
};
STAILQ_HEAD(conf_tables, conf_table);

#define CONF_NO_GUARD		100
#define CONF_GENERATIONS_MAX	16
#define CONF_MAIN		"main"	/* the table of the answer lines */

struct conf_limits {
	int64_t connections;
	int64_t per_address;
	int64_t handshakes;
	int64_t header;			/* bytes, as those below */
	int64_t content;
	int64_t output;
	int64_t pipeline;		/* requests */
	int64_t memory;
};

/* milliseconds */
struct conf_timeouts {
	int64_t idle;
	int64_t handshake;
	int64_t header;
	int64_t message;
	int64_t write;
	int64_t drain;
};

/* Which requests have lines in the access log. */
enum conf_only {
	CONF_ONLY_ALL,
	CONF_ONLY_MISSES,	/* not found */
	CONF_ONLY_ERRORS	/* neither found nor not found */
};

/* A file that was read; the list owns the names that places borrow. */
struct conf_file {
	STAILQ_ENTRY(conf_file) entry;
	char *path;
};
STAILQ_HEAD(conf_files, conf_file);

struct conf {
	struct conf_files files;
	size_t n_files;			/* that were to be read */
	struct conf_listens listens;
	struct conf_certificates certificates;
	struct conf_answers answers;
	struct conf_answers binaries;
	struct conf_tables tables;
	struct conf_table *main;	/* options of the answer lines; NULL:
					   none were given */
	struct conf_limits limits;
	struct conf_timeouts timeouts;
	char *control;			/* NULL: none */
	char *control_group;		/* NULL: none */
	gid_t control_gid;		/* of control_group */
	char *user;			/* NULL: who started it */
	char *pidfile;			/* NULL: none */
	int64_t workers;		/* 0: auto, one a core */
	bool sandbox;
	bool reaches;			/* the sandbox that was raised at the
					   start lets it talk to others */
	int64_t generations;		/* in memory; the serving one counts */
	enum log_level log_level;
	char *access_log;		/* a path; NULL: none */
	enum conf_only access_only;
	struct conf_place *said;	/* by scalar row; file NULL: default */
	struct origin origin;		/* of its files' text, and of the paths
					   that were found for tables */
};

/*
 * Read a configuration with all that it includes, and check it.
 *
 * path      of the file; "-" is no special name
 * problems  gets everything that is wrong
 *
 * Returns the configuration, owned by the caller, conf_free(); NULL when out
 * of memory.  With problems it is good for nothing but to find more of them.
 * Opens no socket and no file but the configuration's.
 */
struct conf *conf_load(const char *path, struct problems *problems);

/* How many files it may have, some of them more than once; tests, which do
 * not want to wait for so many, make it small. */
extern unsigned int conf_files_max;

/*
 * Free a configuration.  NULL is allowed.
 */
void conf_free(struct conf *);

/*
 * The word of service=; static.
 */
const char *conf_service_name(enum conf_service);

/*
 * Whether it is for this machine alone: a loopback address or a unix socket.
 */
bool conf_listen_is_local(const struct conf_listen *);

/*
 * Whether it is for all addresses of its family: 0.0.0.0 or ::.
 */
bool conf_listen_is_any(const struct conf_listen *);

/*
 * Copy a listen directive with what it owns, so that it may outlive its
 * configuration; only the file of its place is left out.
 *
 * copy  the caller's, conf_listen_clear(), also after a failure
 *
 * Returns 0, or -1 with errno.
 */
int conf_listen_copy(struct conf_listen *copy, const struct conf_listen *);

/*
 * Free what a listen directive owns.
 */
void conf_listen_clear(struct conf_listen *);

/*
 * Free parts of one that it does not have yet.  NULL is allowed.
 */
void conf_listen_free(struct conf_listen *);
void conf_certificate_free(struct conf_certificate *);
void conf_answer_free(struct conf_answer *);
void conf_table_free(struct conf_table *);

/*
 * Start a table on other machines, with what holds where its line says
 * nothing.
 *
 * name  copied
 *
 * Returns it with one reference, the caller's, who may set its members until
 * somebody else has it; or NULL when out of memory.
 */
struct conf_remote *conf_remote_new(const char *name);

/*
 * Take one more reference, and let go of one: the last frees it.  NULL is
 * allowed.
 */
struct conf_remote *conf_remote_ref(const struct conf_remote *);
void conf_remote_unref(const struct conf_remote *);

/*
 * Whether two are the same in all that they say, and in what the files hold
 * that they name.
 */
bool conf_remote_is_same(const struct conf_remote *,
    const struct conf_remote *);

/*
 * Whether the servers of two would be trusted alike.
 */
bool conf_remote_trusts_same(const struct conf_remote *,
    const struct conf_remote *);

/*
 * The first table on other machines, or NULL.
 */
const struct conf_table *conf_remote_first(const struct conf *);

/*
 * Forget the answer and binary lines, once the tables are built from them.
 */
void conf_forget_answers(struct conf *);

/*
 * Write the effective values as a configuration that says the same.
 */
void conf_show(const struct conf *, FILE *);

/*
 * Say, as problems, what a reload cannot change: listen, control, user,
 * workers and sandbox, and that no table is on other machines.
 *
 * new  takes over what was settled at the start
 */
void conf_compare(const struct conf *old, struct conf *new,
    struct problems *problems);

#endif
