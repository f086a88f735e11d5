/* SPDX-License-Identifier: ISC */
/* hookledger-admin's threads. One thread, the front, has the web server's side and
   never waits for anything else; other threads run the requests, from queues that do not
   wait for each other. Each thread has a struct admin and a connection to the
   database of its own; they share the settings, and what stands in here. */
#ifndef HL_ADMIN_POOL_H
#define HL_ADMIN_POOL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct admin;
struct admin_job;
struct admin_pool;
struct admin_row;
struct http;
struct http_req;
struct program;
struct route_match;
struct visit;

/* ---- for the front */

/* Starts what runs from the beginning. Borrows all of it. */
struct admin_pool *admin_pool_new(const struct program *program, struct http *web);

/* Lets every thread finish, and ends them. */
void admin_pool_free(struct admin_pool *pool);

/* Holds a request and has it run in the queue of its row; keeps `visit`. A request that is
   too much at once is answered. */
void admin_pool_give(struct admin_pool *pool, struct http_req *req, const struct route_match *match,
		     struct visit *visit);

/* What to wait for beside the web server: fills at most ADMIN_POOL_FDS, *count of
   them; the wait as http_client_poll() says it. */
enum { ADMIN_POOL_FDS = 65 };
int admin_pool_poll(struct admin_pool *pool, struct pollfd *fds, size_t *count);

/* Sends what is ready. */
void admin_pool_go_on(struct admin_pool *pool);

/* ---- for the threads */

/* The operation answers later than it returns, from its own thread; and does now.
   Only in ADMIN_QUEUE_OUTBOUND. */
void admin_hold(struct admin *admin, struct http_req *req);
void admin_release(struct admin *admin, struct http_req *req);

/* Operations of ADMIN_QUEUE_EXPORT: an answer piece by piece. Waits until the web server has
   taken most of what went before; takes the bytes of `piece` and leaves it empty.
   false: nobody wants it any more. admin_stream_cut(): it will not become whole. */
bool admin_stream_put(struct admin *admin, const char *type, const char *headers,
		      struct buf *piece);
void admin_stream_cut(struct admin *admin);

#endif
