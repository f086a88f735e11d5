/* SPDX-License-Identifier: ISC */
/* Where this host keeps the certificate authorities that it trusts. libcurl knows the
   place of the system that it was built on, and the hosting bundle brings a libcurl of
   another system along. */
#ifndef HL_HTTP_CA_BUNDLE_H
#define HL_HTTP_CA_BUNDLE_H

#include "base/mem.h"

/* Appends the path of the PEM file to trust: `built_in`, the place that libcurl was
   built with (or NULL), if it can be read, else the first of the usual places that can.
   Leaves *path empty when there is none. `root` stands in front of every place: "" but
   in tests. */
void ca_bundle_find(const char *root, const char *built_in, struct buf *path);

#endif
