/* SPDX-License-Identifier: ISC */
/* Checks with the database: the server, the schema, the secrets, the rights of the roles, and
   the findings of the monitor. */
#ifndef HL_CLI_DOCTOR_DATABASE_H
#define HL_CLI_DOCTOR_DATABASE_H

struct conf;
struct report;

void database_check(struct report *report, const struct conf *conf);

#endif
