/* SPDX-License-Identifier: ISC */
/* The result of every function that can fail. A value says what the caller can do; the log says
   what happened, written once by the function that detected it. */
#ifndef HL_BASE_ERR_H
#define HL_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum err {
	ERR_NONE = 0,
	ERR_INPUT,    /* the sender must change it            400 */
	ERR_DENIED,   /* the sender may not                   401, 403 */
	ERR_ABSENT,   /* there is no such thing               404 */
	ERR_CONFLICT, /* true already, or someone was faster  409 */
	ERR_TOO_BIG,  /* over a documented limit              413 */
	ERR_QUOTA,    /* the window is spent                  402 */
	ERR_PACE,     /* too fast                             429 */
	ERR_BUSY,     /* nobody's fault, later it may work    503 */
	ERR_FAULT,    /* ours; the log has the reason         500 */
};

#endif
