/* SPDX-License-Identifier: ISC */
/* The installed libcurl as one of version 7.76 would show itself (that of EL 9): what
   came later cannot be named. By libcurl-symbols(3). */
#ifndef HL_TESTS_DATA_LIBCURL_OLD_CURL_CURL_H
#define HL_TESTS_DATA_LIBCURL_OLD_CURL_CURL_H

#pragma GCC system_header
#include_next <curl/curl.h>
#undef LIBCURL_VERSION_NUM
#define LIBCURL_VERSION_NUM 0x074c00
#pragma GCC poison CURL_HTTP_VERSION_3ONLY
#pragma GCC poison CURL_LOCK_DATA_HSTS
#pragma GCC poison CURL_PREREQFUNC_ABORT
#pragma GCC poison CURL_PREREQFUNC_OK
#pragma GCC poison CURL_VERSION_THREADSAFE
#pragma GCC poison CURL_WRITEFUNC_ERROR
#pragma GCC poison CURLE_SETOPT_OPTION_SYNTAX
#pragma GCC poison CURLE_SSL_CLIENTCERT
#pragma GCC poison CURLE_UNRECOVERABLE_POLL
#pragma GCC poison CURLH_1XX
#pragma GCC poison CURLH_CONNECT
#pragma GCC poison CURLH_HEADER
#pragma GCC poison CURLH_PSEUDO
#pragma GCC poison CURLH_TRAILER
#pragma GCC poison CURLHE_BAD_ARGUMENT
#pragma GCC poison CURLHE_BADINDEX
#pragma GCC poison CURLHE_MISSING
#pragma GCC poison CURLHE_NOHEADERS
#pragma GCC poison CURLHE_NOREQUEST
#pragma GCC poison CURLHE_NOT_BUILT_IN
#pragma GCC poison CURLHE_OK
#pragma GCC poison CURLHE_OUT_OF_MEMORY
#pragma GCC poison CURLINFO_CAINFO
#pragma GCC poison CURLINFO_CAPATH
#pragma GCC poison CURLM_ABORTED_BY_CALLBACK
#pragma GCC poison CURLM_UNRECOVERABLE_POLL
#pragma GCC poison CURLMIMEOPT_FORMESCAPE
#pragma GCC poison CURLOPT_CAINFO_BLOB
#pragma GCC poison CURLOPT_CA_CACHE_TIMEOUT
#pragma GCC poison CURLOPT_QUICK_EXIT
#pragma GCC poison CURLOPT_MAXLIFETIME_CONN
#pragma GCC poison CURLOPT_MIME_OPTIONS
#pragma GCC poison CURLOPT_PREREQDATA
#pragma GCC poison CURLOPT_PREREQFUNCTION
#pragma GCC poison CURLOPT_PROTOCOLS_STR
#pragma GCC poison CURLOPT_PROXY_CAINFO_BLOB
#pragma GCC poison CURLOPT_REDIR_PROTOCOLS_STR
#pragma GCC poison CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256
#pragma GCC poison CURLOPT_SSH_HOSTKEYDATA
#pragma GCC poison CURLOPT_SSH_HOSTKEYFUNCTION
#pragma GCC poison CURLOPT_WS_OPTIONS
#pragma GCC poison CURLOPTDEPRECATED
#pragma GCC poison CURLSSLOPT_AUTO_CLIENT_CERT
#pragma GCC poison CURLU_ALLOW_SPACE
#pragma GCC poison CURLU_PUNYCODE
#pragma GCC poison CURLUE_BAD_FILE_URL
#pragma GCC poison CURLUE_BAD_FRAGMENT
#pragma GCC poison CURLUE_BAD_HOSTNAME
#pragma GCC poison CURLUE_BAD_IPV6
#pragma GCC poison CURLUE_BAD_LOGIN
#pragma GCC poison CURLUE_BAD_PASSWORD
#pragma GCC poison CURLUE_BAD_PATH
#pragma GCC poison CURLUE_BAD_QUERY
#pragma GCC poison CURLUE_BAD_SCHEME
#pragma GCC poison CURLUE_BAD_SLASHES
#pragma GCC poison CURLUE_BAD_USER
#pragma GCC poison CURLUE_LACKS_IDN
#pragma GCC poison CURLUE_NO_ZONEID
#pragma GCC poison CURLVERSION_ELEVENTH
#pragma GCC poison CURLVERSION_TENTH
#pragma GCC poison CURLWS_BINARY
#pragma GCC poison CURLWS_CLOSE
#pragma GCC poison CURLWS_CONT
#pragma GCC poison CURLWS_OFFSET
#pragma GCC poison CURLWS_PING
#pragma GCC poison CURLWS_PONG
#pragma GCC poison CURLWS_RAW_MODE
#pragma GCC poison CURLWS_TEXT

#endif
