/* SPDX-License-Identifier: ISC */
/* A PostgreSQL of the test's own, made by deploy/cluster, unless
   HL_TEST_DATABASE names one that is there. */
#ifndef HL_TESTS_UNIT_CLUSTER_H
#define HL_TESTS_UNIT_CLUSTER_H

/* A connection string, good until cluster_stop(); NULL when no server can be
   had here, which was said on stderr. */
const char *cluster_start(void);
void cluster_stop(void);

/* The same as set-up and tear-down of a group of tests; a test skips when
   cluster_given is NULL. */
extern const char *cluster_given;
int cluster_up(void **state);
int cluster_down(void **state);

#endif
