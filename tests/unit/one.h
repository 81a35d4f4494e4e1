/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef ONE_H
#define ONE_H

/*
 * One session over the transport of fake.h, whose peer the test is, and a
 * host that has no other.  What is not as expected fails the test.
 *
 * The answers are "ring" and a "long" one; a search for keys that begin with
 * "ring" finds two, and can be had to take long.
 */

#include <stddef.h>

#include "daemon/conf/conf.h"
#include "daemon/session/session_private.h"
#include "fake.h"
#include "talk.h"

#define ONE_LONG	100000	/* bytes */
#define FIND(way, value) "{\"action\": \"search\", \"match\": \"" way "\", " \
			"\"value\": \"" value "\"}"

extern struct generation *one_gen;
extern struct session_host one_host;
extern struct session_door one_door;	/* of those that are to start */
extern struct conf_limits one_limits;	/* the host's; a test may change them */
extern bool one_counted;		/* whether a limit counts it */
extern unsigned int one_gone;		/* sessions that ended with this peer */
extern struct buf one_whole;		/* what one_learn() has seen */

/*
 * What a group of cmocka takes, and each test; who has other tables loads
 * one_gen by itself.
 */
int one_load(void **state);
int one_unload(void **state);
int one_setup(void **state);
int one_teardown(void **state);

/*
 * The session.
 */
struct session *one(void);

/*
 * Begin, and go on until nothing happens by itself.
 */
void one_start(void);

/*
 * Go on likewise.
 */
void one_run(void);

/*
 * Have one turn of reading, and nothing else.
 */
void one_read(void);

/*
 * End the session, if it has not; a new peer is next, that takes all.
 */
void one_again(void);

/*
 * Let a deadline of the session pass.
 */
void one_pass(struct deadline *);

/*
 * Send a request in JSON.
 */
void one_ask(const char *members, const char *content);

/*
 * See what a peer gets that sends all at once and takes all; then fail unless
 * this one has got the same.
 *
 * add  sends it
 */
void one_learn(void (*add)(void));
void one_expect(void);

#endif
