/* SPDX-License-Identifier: ISC */
/* A PostgreSQL server for a test, made by deploy/cluster, unless HL_TEST_DATABASE names an
   existing one. */
#ifndef HL_TESTS_UNIT_CLUSTER_H
#define HL_TESTS_UNIT_CLUSTER_H

/* A connection string, valid until cluster_stop(). NULL: no server could be started; stderr has
   the reason. */
const char *cluster_start(void);
void cluster_stop(void);

/* The same as set-up and tear-down of a group of tests; a test skips itself if
   cluster_given is NULL. */
extern const char *cluster_given;
int cluster_up(void **state);
int cluster_down(void **state);

#endif
