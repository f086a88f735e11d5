/* SPDX-License-Identifier: ISC */
/* The queues of hookledger-admin (admin/pool), as the rows of its routes name them. */
#ifndef HL_ADMIN_QUEUE_KIND_H
#define HL_ADMIN_QUEUE_KIND_H

enum admin_queue_kind {
	ADMIN_QUEUE_PAGE,   /* calls of the database: what the page shows and changes */
	ADMIN_QUEUE_HEALTH, /* has its connection from the start, and keeps it */
	ADMIN_QUEUE_METRICS,
	ADMIN_QUEUE_PASSWORD, /* computes a password's hash: a tenth of a second and 32 MiB */
	ADMIN_QUEUE_EXPORT,
	ADMIN_QUEUE_OUTBOUND, /* asks others, who may take their time: one thread with a loop */
	ADMIN_QUEUES,
};

#endif
