/* SPDX-License-Identifier: ISC */
/* Opens and reads the settings file; base/conf reads the settings in it. On shared hosting a
   user keeps it as ~/hookledger/hookledger.conf. Programs look there last: under suEXEC a web
   server passes no environment variable that names the file, and none is installed. */
#ifndef HL_BASE_CONF_FILE_H
#define HL_BASE_CONF_FILE_H

#include "base/err.h"
#include "base/mem.h"

#define HOME_CONF "hookledger/hookledger.conf" /* below the home folder */

/* Opens that file of the user that the process runs as. The home folder comes from the user
   database, not from the environment. *fd is -1 when there is no file, and always for root;
   otherwise the caller closes it. ERR_INPUT: there is a file, but it is not safe to use, and
   *problem says why. File and folder must belong to the user and must not be symbolic links;
   group and others must have no rights to the file, and must not be able to write to the
   folder. Appends the path to *path. */
MUST_USE enum err conf_file_open_home(int *fd, struct buf *path, struct buf *problem);

/* The same for a home folder that the caller names. */
MUST_USE enum err conf_file_open_in(const char *home, int *fd, struct buf *path,
				    struct buf *problem);

/* Appends the whole file to *text and closes `fd`, the opened file `path`. `fd` -1: it could not
   be opened, and errno says why. ERR_INPUT: it cannot be read, or is too large. */
MUST_USE enum err conf_file_read(const char *path, int fd, struct buf *text, struct buf *problem);

#endif
