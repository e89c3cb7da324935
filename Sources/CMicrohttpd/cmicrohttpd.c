#include "CMicrohttpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct nt_receiver {
    struct MHD_Daemon *daemon;
    struct MHD_Response *response;
    nt_receiver_body body;
    void *context;
    size_t body_bytes_max;
    uint16_t port;
};

/// A request whose body is coming in.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t room;
    int is_too_long;
} request;

static enum MHD_Result answer(struct nt_receiver *receiver, struct MHD_Connection *connection, unsigned status) {
    return MHD_queue_response(connection, status, receiver->response);
}

static enum MHD_Result handle(
    void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
    size_t *upload_count, void **state) {
    struct nt_receiver *receiver = context;
    (void)url;
    (void)version;
    request *body = *state;
    if (body == NULL) {
        *state = body = calloc(1, sizeof(request));
        return body == NULL ? MHD_NO : MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) return answer(receiver, connection, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (*upload_count > 0) {
        size_t count = body->count + *upload_count;
        if (count > receiver->body_bytes_max) {
            body->is_too_long = 1;
        } else if (count > body->room) {
            size_t room = count * 2;
            uint8_t *bytes = realloc(body->bytes, room);
            if (bytes == NULL) return MHD_NO;
            body->bytes = bytes;
            body->room = room;
        }
        if (!body->is_too_long) {
            memcpy(body->bytes + body->count, upload, *upload_count);
            body->count = count;
        }
        *upload_count = 0;
        return MHD_YES;
    }
    if (body->is_too_long) return answer(receiver, connection, MHD_HTTP_CONTENT_TOO_LARGE);
    receiver->body(receiver->context, body->bytes, body->count);
    return answer(receiver, connection, MHD_HTTP_NO_CONTENT);
}

static void completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
    (void)context;
    (void)connection;
    (void)code;
    request *body = *state;
    if (body != NULL) free(body->bytes);
    free(body);
    *state = NULL;
}

nt_receiver *nt_receiver_start(uint16_t port, size_t body_bytes_max, nt_receiver_body body, void *context) {
    nt_receiver *receiver = calloc(1, sizeof(nt_receiver));
    if (receiver == NULL) return NULL;
    receiver->body = body;
    receiver->context = context;
    receiver->body_bytes_max = body_bytes_max;
    receiver->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (receiver->response != NULL)
        receiver->daemon = MHD_start_daemon(
            MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, handle, receiver, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
            MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_NOTIFY_COMPLETED, completed, receiver, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        receiver->daemon == NULL ? NULL : MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        nt_receiver_stop(receiver);
        return NULL;
    }
    receiver->port = info->port;
    return receiver;
}

uint16_t nt_receiver_port(const nt_receiver *receiver) { return receiver->port; }

void nt_receiver_stop(nt_receiver *receiver) {
    if (receiver == NULL) return;
    if (receiver->daemon != NULL) MHD_stop_daemon(receiver->daemon);
    if (receiver->response != NULL) MHD_destroy_response(receiver->response);
    free(receiver);
}
