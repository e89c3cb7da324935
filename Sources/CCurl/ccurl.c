#include "CCurl.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct request {
    struct request *next_free;
    struct request *next, **link;
    nt_http *http;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    uint64_t tag;
    int64_t started_ms;
    size_t head_count, body_count;
    int has_head, was_forbidden;
    char error[CURL_ERROR_SIZE];
} request;

struct nt_http {
    CURLM *multi;
    request *free_requests;
    request *active;
    int64_t swept_ms;
    char *url, *ca_file, *certificate_file, *key_file, *user_agent;
    nt_http_settings settings;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_once(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static char *copy(const char *text) { return text ? strdup(text) : NULL; }

nt_http *nt_http_create(const nt_http_settings *settings) {
    pthread_once(&once, init_once);
    nt_http *http = calloc(1, sizeof *http);
    if (!http) return NULL;
    http->settings = *settings;
    http->url = copy(settings->url);
    http->ca_file = copy(settings->ca_file);
    http->certificate_file = copy(settings->certificate_file);
    http->key_file = copy(settings->key_file);
    http->user_agent = copy(settings->user_agent);
    http->multi = curl_multi_init();
    if (!http->multi || !http->url) {
        nt_http_destroy(http);
        return NULL;
    }
    // There are no more connections than requests, which the caller bounds. With CURLMOPT_MAX_TOTAL_CONNECTIONS or CURLOPT_PIPEWAIT
    // requests wait inside libcurl, where no time-out reaches them, and after a failure some were never woken (7.88).
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, settings->connections_max);
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    return http;
}

static void clear(request *request) {
    curl_slist_free_all(request->headers);
    request->headers = NULL;
    free(request->body);
    request->body = NULL;
}

static void destroy(request *request) {
    clear(request);
    if (request->easy) curl_easy_cleanup(request->easy);
    free(request);
}

static void leave(request *request) {
    *request->link = request->next;
    if (request->next) request->next->link = request->link;
}

void nt_http_destroy(nt_http *http) {
    if (!http) return;
    while (http->active) {
        request *request = http->active;
        leave(request);
        curl_multi_remove_handle(http->multi, request->easy);
        destroy(request);
    }
    while (http->free_requests) {
        request *request = http->free_requests;
        http->free_requests = request->next_free;
        destroy(request);
    }
    if (http->multi) curl_multi_cleanup(http->multi);
    free(http->url);
    free(http->ca_file);
    free(http->certificate_file);
    free(http->key_file);
    free(http->user_agent);
    free(http);
}

// A number that is not that of the bytes makes libcurl end the transfer.
static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    request *request = context;
    request->body_count += size * count;
    return request->body_count > request->http->settings.answer_bytes_max ? 0 : size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
    request *request = context;
    count *= size;
    request->head_count += count;
    if (request->head_count > request->http->settings.answer_bytes_max) return 0;
    if (count >= 5 && !strncmp(bytes, "HTTP/", 5)) request->has_head = 0;
    // The empty line; one of an interim answer (1xx) does not count.
    if (count <= 2 && (count == 0 || bytes[0] == '\r' || bytes[0] == '\n')) {
        long status = 0;
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        request->has_head = status >= 200;
    }
    return count;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    request *request = context;
    const nt_http_settings *settings = &request->http->settings;
    int is_allowed = 0;
    if (purpose == CURLSOCKTYPE_IPCXN && address->family == AF_INET) {
        const struct sockaddr_in *place = (const struct sockaddr_in *)&address->addr;
        is_allowed = settings->allows(settings->context, (const uint8_t *)&place->sin_addr, 4);
    } else if (purpose == CURLSOCKTYPE_IPCXN && address->family == AF_INET6) {
        const struct sockaddr_in6 *place = (const struct sockaddr_in6 *)&address->addr;
        is_allowed = settings->allows(settings->context, (const uint8_t *)&place->sin6_addr, 16);
    }
    if (!is_allowed) {
        request->was_forbidden = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static request *make(nt_http *http) {
    request *request = calloc(1, sizeof *request);
    if (!request) return NULL;
    request->http = http;
    CURL *easy = request->easy = curl_easy_init();
    if (!easy) {
        free(request);
        return NULL;
    }
    const nt_http_settings *settings = &http->settings;
    curl_easy_setopt(easy, CURLOPT_URL, http->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    // A proxy would connect where we cannot look.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (http->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (http->certificate_file) curl_easy_setopt(easy, CURLOPT_SSLCERT, http->certificate_file);
    if (http->key_file) curl_easy_setopt(easy, CURLOPT_SSLKEY, http->key_file);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, settings->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, settings->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    return request;
}

int nt_http_start(nt_http *http, uint64_t tag, const void *body, size_t count, const char *const *headers, size_t header_count) {
    request *request = http->free_requests;
    if (request) http->free_requests = request->next_free;
    else request = make(http);
    if (!request) return 0;
    request->tag = tag;
    request->head_count = request->body_count = 0;
    request->has_head = request->was_forbidden = 0;
    request->error[0] = 0;
    request->started_ms = now_ms();
    request->body = malloc(count + 1);
    int is_good = request->body != NULL;
    if (is_good && count) memcpy(request->body, body, count);
    for (size_t i = 0; i < header_count && is_good; i++) {
        struct curl_slist *longer = curl_slist_append(request->headers, headers[i]);
        if (longer) request->headers = longer;
        is_good = longer != NULL;
    }
    if (is_good) {
        curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
        curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, request->body);
        is_good = curl_multi_add_handle(http->multi, request->easy) == CURLM_OK;
    }
    if (!is_good) {
        destroy(request);
        return 0;
    }
    request->next = http->active;
    request->link = &http->active;
    if (request->next) request->next->link = &request->next;
    http->active = request;
    return 1;
}

int nt_http_run(nt_http *http, int wait_ms) {
    int running = 0;
    if (wait_ms > 0 && curl_multi_poll(http->multi, NULL, 0, wait_ms, NULL) != CURLM_OK) return 0;
    return curl_multi_perform(http->multi, &running) == CURLM_OK;
}

void nt_http_wake(nt_http *http) { curl_multi_wakeup(http->multi); }

/// Whatever libcurl does, a request has an end.
static int next_overdue(nt_http *http, nt_http_answer *answer) {
    enum { grace_ms = 1000, sweep_ms = 200 };
    const int64_t now = now_ms();
    if (now - http->swept_ms < sweep_ms) return 0;
    for (request *request = http->active; request; request = request->next) {
        if (now - request->started_ms <= http->settings.timeout_ms + grace_ms) continue;
        memset(answer, 0, sizeof *answer);
        answer->tag = request->tag;
        answer->kind = NT_HTTP_FAILED;
        strncpy(answer->text, curl_easy_strerror(CURLE_OPERATION_TIMEDOUT), sizeof answer->text - 1);
        curl_multi_remove_handle(http->multi, request->easy);
        leave(request);
        destroy(request);
        return 1;
    }
    http->swept_ms = now;
    return 0;
}

int nt_http_next(nt_http *http, nt_http_answer *answer) {
    CURLMsg *message;
    int left = 0;
    do {
        message = curl_multi_info_read(http->multi, &left);
        if (!message) return next_overdue(http, answer);
    } while (message->msg != CURLMSG_DONE);
    const CURLcode code = message->data.result;
    request *request = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
    memset(answer, 0, sizeof *answer);
    answer->tag = request->tag;
    if (request->has_head) {
        answer->kind = NT_HTTP_ANSWERED;
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &answer->status);
        struct curl_header *header = NULL;
        if (curl_easy_header(request->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
            strncpy(answer->retry_after, header->value, sizeof answer->retry_after - 1);
    } else if (code == CURLE_COULDNT_CONNECT && request->was_forbidden) {
        answer->kind = NT_HTTP_FORBIDDEN;
    } else {
        answer->kind = NT_HTTP_FAILED;
        // Of a certificate the buffer says what is wrong with it; otherwise it may hold what was sent.
        const int is_certificate = code == CURLE_PEER_FAILED_VERIFICATION && request->error[0];
        strncpy(
            answer->text, is_certificate ? request->error : code == CURLE_OK ? "the answer had no end" : curl_easy_strerror(code),
            sizeof answer->text - 1);
    }
    curl_multi_remove_handle(http->multi, request->easy);
    leave(request);
    clear(request);
    request->next_free = http->free_requests;
    http->free_requests = request;
    return 1;
}

nt_http_url nt_http_parse(const char *text) {
    nt_http_url parts = {0};
    CURLU *url = curl_url();
    if (!url) return parts;
    char *part = NULL;
    if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        if (curl_url_get(url, CURLUPART_SCHEME, &part, 0) == CURLUE_OK) {
            parts.is_https = !strcasecmp(part, "https");
            parts.is_http = !strcasecmp(part, "http");
            curl_free(part);
        }
        if (curl_url_get(url, CURLUPART_USER, &part, 0) == CURLUE_OK) {
            parts.has_user = 1;
            curl_free(part);
        }
        if (curl_url_get(url, CURLUPART_PASSWORD, &part, 0) == CURLUE_OK) {
            parts.has_user = 1;
            curl_free(part);
        }
        if (curl_url_get(url, CURLUPART_PORT, &part, CURLU_DEFAULT_PORT) == CURLUE_OK) {
            parts.port = strtol(part, NULL, 10);
            curl_free(part);
        }
        if (curl_url_get(url, CURLUPART_HOST, &part, 0) == CURLUE_OK) {
            if (strlen(part) < sizeof parts.host && part[0]) {
                strcpy(parts.host, part);
                parts.is_valid = 1;
            }
            curl_free(part);
        }
    }
    curl_url_cleanup(url);
    return parts;
}

int64_t nt_http_date(const char *text) { return (int64_t)curl_getdate(text, NULL); }
