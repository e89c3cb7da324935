// A face over libmicrohttpd that Swift can import: a server on the loopback that hands out the body of every POST and answers 204.
#ifndef NEEDLETAIL_CMICROHTTPD_H
#define NEEDLETAIL_CMICROHTTPD_H

#include <stddef.h>
#include <stdint.h>

/// Called on the server's thread, a request at a time.
typedef void (*nt_receiver_body)(void *context, const uint8_t *bytes, size_t count);

typedef struct nt_receiver nt_receiver;

/// Listens on 127.0.0.1; port 0 takes a free one. NULL where it cannot.
nt_receiver *nt_receiver_start(uint16_t port, size_t body_bytes_max, nt_receiver_body body, void *context);
uint16_t nt_receiver_port(const nt_receiver *receiver);
/// Ends the server; no body is handed out afterwards.
void nt_receiver_stop(nt_receiver *receiver);

#endif
