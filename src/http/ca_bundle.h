/* SPDX-License-Identifier: ISC */
/* Finds the certificate authorities that this host trusts. libcurl knows only the path of the
   system that it was built on, and the hosting bundle contains a libcurl of another system. */
#ifndef HL_HTTP_CA_BUNDLE_H
#define HL_HTTP_CA_BUNDLE_H

#include "base/mem.h"

/* Appends the path of the PEM file to trust: `built_in`, libcurl's own path (or NULL), if it can
   be read; or else the first of the usual paths that can. Leaves *path empty when there is none.
   `root` is put in front of every path: "" except in tests. */
void ca_bundle_find(const char *root, const char *built_in, struct buf *path);

#endif
