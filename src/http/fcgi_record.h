/* SPDX-License-Identifier: ISC */
/* Follows the records of a FastCGI request, in any pieces, to the empty STDIN record that ends
   it, and looks at nothing else. Refuses everything that is no request of a web server to a
   responder before libfcgi sees it. */
#ifndef HL_HTTP_FCGI_RECORD_H
#define HL_HTTP_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* {0} is the beginning. is_whole: the request is complete; is_broken: it is not valid. */
struct fcgi_record {
	unsigned char header[8];
	size_t have;		 /* bytes of the header so far */
	size_t content, padding; /* of this record, still to arrive */
	unsigned id;		 /* of the request; 0: before its first record */
	/* the two lengths in front of a parameter, and its bytes that are still to arrive */
	unsigned char lengths[8];
	size_t lengths_have, param;
	bool params_are_over, is_whole, is_broken;
};

/* The next bytes that have arrived. Ignores bytes behind the end of the request, or behind an
   error. */
void fcgi_record_follow(struct fcgi_record *r, const char *at, size_t len);

#endif
