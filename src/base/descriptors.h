/* SPDX-License-Identifier: ISC */
/* Room for open descriptors: the limit that a process begins with (often 1024)
   is for programs that use select(). */
#ifndef HL_BASE_DESCRIPTORS_H
#define HL_BASE_DESCRIPTORS_H

#include <stddef.h>

/* Raises the limit so that there is room for `more`, on top of what was asked
   for before. Where the system does not allow so many, it takes what there is
   and logs it. */
void descriptors_need(size_t more);

#endif
