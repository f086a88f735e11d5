/* SPDX-License-Identifier: ISC */
/* The thread that asks others (subscribers, Toggl, mail servers): what it waits for,
   and the requests that wait for it. It calls the database as the others do. */
#include "admin/admin.h"

#include "base/clock.h"
#include "base/conf.h"
#include "base/db.h"
#include "delivery/callback_ping.h"
#include "http/http_client.h"
#include "http/http_conf.h"

enum { ASKING_MAX = 64 }; /* others asked at once, by one process */

void admin_asking_open(struct admin *admin)
{
	const struct conf *conf = admin->conf;

	ip_networks_reread(&admin->allowed, http_conf(conf)->allowed_networks);
	admin->own = callback_ping_client(conf, NULL, ASKING_MAX);
	admin->client = callback_ping_client(conf, &admin->allowed, ASKING_MAX);
}

int admin_asking_go_on(struct admin *admin, struct pollfd *fds)
{
	int wait_ms;

	db_maintain(admin->db);
	http_client_finish(admin->client);
	http_client_finish(admin->own);
	admin_alert_go_on(admin);
	admin_toggl_go_on(admin);
	wait_ms = admin_replays_go_on(admin) ? 0 : -1;
	wait_ms = clock_sooner(wait_ms, db_poll(admin->db, &fds[0]));
	wait_ms = clock_sooner(wait_ms, http_client_poll(admin->client, &fds[1]));
	wait_ms = clock_sooner(wait_ms, http_client_poll(admin->own, &fds[2]));
	wait_ms = clock_sooner(wait_ms, admin_alert_poll(admin, &fds[3]));
	return clock_sooner(wait_ms, admin_toggl_poll(admin, &fds[4]));
}

void admin_asking_close(struct admin *admin)
{
	admin_toggl_close(admin);
	http_client_free(admin->client);
	http_client_free(admin->own);
	ip_networks_done(&admin->allowed);
}
