/* SPDX-License-Identifier: ISC */
/* How far a FastCGI request has arrived: follows its records, in any pieces, to
   the empty STDIN record that ends it, and looks at nothing else. What would
   not be a request of a web server to a responder is told before libfcgi sees
   it. */
#ifndef HL_HTTP_FCGI_RECORD_H
#define HL_HTTP_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* {0} is the beginning. Of interest: is_whole, the request is there; is_broken,
   it will never be one. */
struct fcgi_record {
	unsigned char header[8];
	size_t have;		 /* bytes of the header so far */
	size_t content, padding; /* of this record still to come */
	unsigned id;		 /* of the request; 0: before its first record */
	/* the two lengths in front of a parameter, and its bytes still to come */
	unsigned char lengths[8];
	size_t lengths_have, param;
	bool params_are_over, is_whole, is_broken;
};

/* The next bytes that have come; those behind the end of the request, or behind
   what breaks it, are left out. */
void fcgi_record_follow(struct fcgi_record *r, const char *at, size_t len);

#endif
