/* SPDX-License-Identifier: ISC */
/* The floor of the benchmark: a FastCGI program that reads a request to its end
   and answers it, and does nothing else. What it costs is the web server's and
   FastCGI's own. */
#include <stdlib.h>

#include <fcgiapp.h>

int main(void)
{
	FCGX_Request request;
	char body[8192];

	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return EXIT_FAILURE;
	while (FCGX_Accept_r(&request) == 0) {
		/* Read to the end and detached: otherwise finishing waits until
		   the web server closes the connection. */
		while (FCGX_GetStr(body, (int)sizeof(body), request.in) > 0)
			;
		FCGX_PutS("Status: 200 OK\r\nContent-Type: "
			  "application/json\r\n\r\n{\"status\":\"OK\"}",
			  request.out);
		FCGX_Detach(&request);
		FCGX_Finish_r(&request);
	}
	return EXIT_SUCCESS;
}
