/* SPDX-License-Identifier: ISC */
/* All settings of all programs, in the order of `hookledger conf --sample`. Every program reads
   the same file, so each links all tables: a key of another program is no mistake. */
#include <stddef.h>

#include "admin/admin_conf.h"
#include "api/api_conf.h"
#include "base/conf.h"
#include "delivery/delivery_conf.h"
#include "http/http_conf.h"
#include "ledger/ledger_conf.h"
#include "receiver/receiver_conf.h"
#include "toggl/toggl_conf.h"

const struct conf_table *const conf_tables[] = {
	&conf_table_first,	 &ledger_conf_spool,	   &receiver_conf_body,
	&http_conf_batch,	 &receiver_conf_cgi,	   &api_conf_pace,
	&http_conf_body,	 &delivery_conf_plan,	   &api_conf_cors,
	&admin_conf_page,	 &delivery_conf_handshake, &http_conf_client,
	&delivery_conf_delivery, &ledger_conf_counters,	   &delivery_conf_courier,
	&toggl_conf_table,	 &ledger_conf_mail,	   &admin_conf_metrics,
	&conf_table_last,	 &ledger_conf_sql,	   NULL,
};
