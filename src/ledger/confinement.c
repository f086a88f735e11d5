/* SPDX-License-Identifier: ISC */
#include "ledger/confinement.h"

#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "ledger/ledger_conf.h"

bool confinement_excludes_mail(const struct conf *conf)
{
	const struct ledger_conf *mail = ledger_conf(conf);

	return !mail->smtp_url && mail->mail_sendmail && access(mail->mail_sendmail, X_OK) == 0;
}

void confinement_enter(const struct conf *conf, bool sends_mail)
{
	struct sandbox sandbox;

	if (!conf->sandbox || (sends_mail && confinement_excludes_mail(conf)))
		return;
	sandbox = sandbox_enter(ledger_conf(conf)->spool_dir);
	log_write(LOG_DEBUG, "confined",
		  (struct log_field[]){ log_num("seccomp", sandbox.has_seccomp),
					log_num("landlock", sandbox.has_landlock), log_end() });
}
