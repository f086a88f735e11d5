/* SPDX-License-Identifier: ISC */
/* Checks that need no database: the settings, and the spool of this host. */
#ifndef HL_CLI_DOCTOR_HOST_H
#define HL_CLI_DOCTOR_HOST_H

struct conf;
struct report;

void host_check_settings(struct report *report, const struct conf *conf);
void host_check_spool(struct report *report, const struct conf *conf);

#endif
