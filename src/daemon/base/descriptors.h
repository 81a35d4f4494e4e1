/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/*
 * How many descriptors the process may have, and for whom.  Peers never get
 * the last ones: those are held back for the administrator, who must be able
 * to ask what is wrong, for the files of a reload, and for connections to other
 * machines, which come and go.
 *
 * Where the limit of the process is as high as its configuration needs, no
 * more than that is done.  Where it is lower, peers wait in the queue of the
 * kernel until a descriptor is free that is none of these.
 */

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For what descriptors are needed. */
struct descriptors_need {
	int64_t connections;		/* limit connections */
	int64_t listeners, workers;
	int64_t servers;		/* of other machines, of each worker, of
					   who publishes and who explains */
	int64_t cores;			/* threads of a load, a file each */
};

/*
 * Let the process open as many descriptors as are needed, as far as it may;
 * warn where connections will have to wait.
 *
 * For one thread.
 */
void descriptors_raise(const struct descriptors_need *);

/*
 * Accept a connection of a peer, as accept4(2) does.  Any thread may call it.
 *
 * sa, len  as accept(2) has them
 *
 * Returns the connection, which does not block and is closed on exec, owned
 * by the caller; or -1 with errno, EMFILE when only those descriptors are
 * left that are held back.
 */
int descriptors_accept(int fd, struct sockaddr *sa, socklen_t *len);

/*
 * Whether it is time to warn of a descriptors_accept() that has failed for
 * want of descriptors: what one of many listeners meets they all meet.  Any
 * thread may call it.
 */
bool descriptors_warning_due(void);

/*
 * How many connections beside those that are served one of the threads may
 * hold: such as are refused, or look at pages.  Any thread may call it.
 *
 * most  where there are enough for all
 *
 * Returns 1 to most.
 */
size_t descriptors_share(size_t most);

/*
 * How many files a load may have open at a time, 1 to most.  Any thread may
 * call it.
 */
unsigned int descriptors_files(unsigned int most);

#endif
