/* SPDX-License-Identifier: ISC */
/* What a connection string says, found without connecting: which attacks the way to the
   server allows. And the session settings that hookledger's SQL relies on. */
#ifndef HL_BASE_DB_CONNINFO_H
#define HL_BASE_DB_CONNINFO_H

#include "base/mem.h"

/* What an attacker between us and the server can do. */
enum db_transport {
	DB_LOCAL,    /* nothing: a socket, or a loopback address */
	DB_VERIFIED, /* nothing: TLS, and libpq verifies the certificate (verify-ca, verify-full) */
	DB_UNVERIFIED, /* pose as the server: TLS without verification (require) */
	DB_PLAIN,      /* read and change everything: libpq may connect without TLS */
};

/* The worst of all hosts of the string, libpq's defaults and environment included; appends the
   name of that host to *host. DB_LOCAL when libpq cannot read the string. */
enum db_transport db_transport(const char *conninfo, struct buf *host);

/* Sets libpq's environment variables for connections through a pooler. db_open() calls this
   for a pooled connection. A program with threads calls it before it starts them, because
   threads read the environment. */
void db_pin_pooled(void);

#endif
