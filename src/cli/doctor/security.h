/* SPDX-License-Identifier: ISC */
/* Checks of what an attacker could reach: on the way to the database, and in our programs. */
#ifndef HL_CLI_DOCTOR_SECURITY_H
#define HL_CLI_DOCTOR_SECURITY_H

struct conf;
struct report;

void security_check(struct report *report, const struct conf *conf);

#endif
