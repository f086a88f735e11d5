/* SPDX-License-Identifier: ISC */
/* Work at Toggl as commands do it: begun, waited for, and said what came of it. */
#ifndef HL_BIN_ERRAND_H
#define HL_BIN_ERRAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "ledger/toggl.h"

struct cli;
struct sealer;

struct errands {
	struct cli *cli;
	struct sealer *sealer;
	struct buf hook_url;
	struct toggl *toggl;
	bool waits;		/* through a spent quota, until it goes on */
	bool json;
};

/* false, said on stderr: there is no master key. errands_close() it in any case. */
bool errands_open(struct errands *errands, struct cli *cli);
void errands_close(struct errands *errands);

/* Does one and says on stdout what came of it (stderr: what went wrong); gives
   the exit status. *result may be NULL, else gets the JSON object that the job
   left; with errands->json nothing is said but that object. */
int errands_do(struct errands *errands, const struct toggl_task *task, struct buf *result);

#endif
