// A face over libcurl's multi interface that Swift can import: POST requests to one address, several at a time. Its own calls take options
// of any type, which Swift cannot pass.
#ifndef NEEDLETAIL_CCURL_H
#define NEEDLETAIL_CCURL_H

#include <stddef.h>
#include <stdint.h>

/// Whether a socket may be connected to an address, of 4 bytes or of 16 for IPv6.
typedef int (*nt_http_allows)(void *context, const uint8_t *address, size_t count);

typedef struct {
    const char *url;
    /// Certificates that are trusted, PEM; NULL: the system's.
    const char *ca_file;
    /// The client's certificate and key, PEM; NULL: none.
    const char *certificate_file;
    const char *key_file;
    const char *user_agent;
    long connections_max;
    long connect_timeout_ms;
    /// For a request as a whole.
    long timeout_ms;
    /// So many bytes of an answer's head, and of its body, are read; then the connection is closed.
    size_t answer_bytes_max;
    nt_http_allows allows;
    void *context;
} nt_http_settings;

typedef struct nt_http nt_http;

/// NULL where there is no memory. The settings are copied. Redirects are not followed, proxies of the environment not used, TLS is 1.2 or
/// better and verified.
nt_http *nt_http_create(const nt_http_settings *settings);
/// Ends the requests that are under way.
void nt_http_destroy(nt_http *http);

/// Begins a request, at the next run; what is passed is copied. 0 where there is no memory.
int nt_http_start(nt_http *http, uint64_t tag, const void *body, size_t count, const char *const *headers, size_t header_count);

/// Waits until something happens, somebody wakes, or the time is over, and does what can be done. 0 where libcurl reports an error.
int nt_http_run(nt_http *http, int wait_ms);

/// Ends a wait; from any thread.
void nt_http_wake(nt_http *http);

enum {
    NT_HTTP_ANSWERED = 0,
    NT_HTTP_FAILED = 1,
    /// The name leads only to addresses that are not allowed.
    NT_HTTP_FORBIDDEN = 2,
};

typedef struct {
    uint64_t tag;
    int kind;
    /// Of an answer whose head was read in full.
    long status;
    /// The header of this name, cut to fit; empty where there is none.
    char retry_after[64];
    /// Of a failure: what happened, without address, headers or body.
    char text[160];
} nt_http_answer;

/// Takes the next request that has ended; 0 where there is none.
int nt_http_next(nt_http *http, nt_http_answer *answer);

/// Parts of an address, as libcurl understands it: whatever the spelling of a number, the host is in its usual form.
typedef struct {
    int is_valid;
    int is_https;
    int is_http;
    int has_user;
    char host[256];
    long port;
} nt_http_url;

nt_http_url nt_http_parse(const char *url);

/// Seconds since 1970 of a date in one of the three forms of HTTP; -1 where it is none.
int64_t nt_http_date(const char *text);

#endif
