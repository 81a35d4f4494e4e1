/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * A list that is written once: of two, one would lack what the other has, and
 * nobody would see it before he asks for the numbers.
 */

#include "config.h"

#include "daemon/report/counters.h"

const struct counter_row counter_rows[] = {
	{ STATS_ACCEPTED, NULL, "accepted",
	    "connections_accepted", NULL, "",
	    "Connections that were served, those of now included." },
	{ STATS_CLOSED, NULL, "closed",
	    "connections_closed", NULL, "",
	    "Connections that were served and have ended." },
	{ STATS_OVER_MEMORY, NULL, "over-memory",
	    "connections_over_memory", NULL, "",
	    "Connections that were ended by limit memory." },
	{ STATS_REFUSED_CONNECTIONS, "refused", "connections",
	    "connections_refused", NULL, "{reason=\"connections\"}",
	    "Connections that were refused by a limit, allow= or deny=." },
	{ STATS_REFUSED_PER_ADDRESS, "refused", "per-address",
	    "connections_refused", NULL, "{reason=\"per-address\"}", NULL },
	{ STATS_REFUSED_DENIED, "refused", "denied",
	    "connections_refused", NULL, "{reason=\"denied\"}", NULL },
	{ STATS_TIMEOUT_IDLE, "timeouts", "idle",
	    "timeouts", NULL, "{kind=\"idle\"}",
	    "Connections that ended since a timeout had passed." },
	{ STATS_TIMEOUT_HANDSHAKE, "timeouts", "handshake",
	    "timeouts", NULL, "{kind=\"handshake\"}", NULL },
	{ STATS_TIMEOUT_HEADER, "timeouts", "header",
	    "timeouts", NULL, "{kind=\"header\"}", NULL },
	{ STATS_TIMEOUT_MESSAGE, "timeouts", "message",
	    "timeouts", NULL, "{kind=\"message\"}", NULL },
	{ STATS_TIMEOUT_WRITE, "timeouts", "write",
	    "timeouts", NULL, "{kind=\"write\"}", NULL },
	{ STATS_TIMEOUT_DRAIN, "timeouts", "drain",
	    "timeouts", NULL, "{kind=\"drain\"}", NULL },
	{ STATS_BYTES_IN, NULL, "bytes-in",
	    "received_bytes", "bytes", "", "Bytes read from connections." },
	{ STATS_BYTES_OUT, NULL, "bytes-out",
	    "sent_bytes", "bytes", "",
	    "Bytes that the system took for connections." },
	{ STATS_TLS_OPENED, "tls", "handshakes",
	    "tls_handshakes", NULL, "{outcome=\"done\"}",
	    "TLS handshakes by what came of them." },
	{ STATS_TLS_FAILED, "tls", "failed",
	    "tls_handshakes", NULL, "{outcome=\"failed\"}", NULL },
	{ STATS_TLS_RESUMED, "tls", "resumed",
	    "tls_resumed", NULL, "",
	    "TLS handshakes that were done by a ticket." },
	{ STATS_TLS_CLOSED, "tls", "closed",
	    "tls_closed", NULL, "",
	    "TLS connections that have ended." },
	{ STATS_SLICED, NULL, "sliced",
	    "searches_sliced", NULL, "",
	    "Searches that took more than one slice of time." },
};

/* The header leaves the number out, which would fill up what is missing. */
_Static_assert(sizeof(counter_rows) / sizeof(counter_rows[0]) ==
    STATS_COUNTERS, "each counter has one row");
