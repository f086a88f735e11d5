/* SPDX-License-Identifier: ISC */
/* The file that the settings are read from, as bytes (base/conf knows what they mean),
   and where a user on shared hosting has it: ~/hookledger/hookledger.conf. Under suEXEC
   a web server passes on no variable that names a file, and there is no installed one,
   so that is where programs look last. */
#ifndef HL_BASE_CONF_FILE_H
#define HL_BASE_CONF_FILE_H

#include "base/err.h"
#include "base/mem.h"

#define HOME_CONF "hookledger/hookledger.conf" /* below the home folder */

/* Opens that file of the user whom the process runs as: the home folder is the one
   of the user database, not of the environment. *fd is -1 when there is none, and
   always for root; else the caller closes it. ERR_INPUT: a file is there that may
   not be used, and *problem says why. It must be a regular file of that user's that
   gives nothing to group and others, in a folder of that user's that nobody else
   can write to; neither may be a symbolic link. Appends the path to *path. */
MUST_USE enum err conf_file_open_home(int *fd, struct buf *path, struct buf *problem);

/* The same for a home folder that the caller names. */
MUST_USE enum err conf_file_open_in(const char *home, int *fd, struct buf *path,
				    struct buf *problem);

/* Appends all of a file to *text, and closes `fd`: the file `path`, opened, or -1 and
   errno says why not. ERR_INPUT: it cannot be read, or is too large to be one. */
MUST_USE enum err conf_file_read(const char *path, int fd, struct buf *text, struct buf *problem);

#endif
