// The server's side of TLS, for the tests of webhooks.
#ifndef NEEDLETAIL_TLSSERVER_H
#define NEEDLETAIL_TLSSERVER_H

#include <stddef.h>

typedef struct nt_tls_server nt_tls_server;
typedef struct nt_tls_connection nt_tls_connection;

/// Certificate and key as PEM files. With `client_ca_file` it asks for a client's certificate; `is_old` offers TLS 1.1 and nothing newer.
nt_tls_server *nt_tls_server_create(const char *certificate_file, const char *key_file, const char *client_ca_file, int is_old);
void nt_tls_server_destroy(nt_tls_server *server);

/// Shakes hands on a connected socket; NULL where that fails.
nt_tls_connection *nt_tls_accept(nt_tls_server *server, int descriptor);
long nt_tls_read(nt_tls_connection *connection, void *room, size_t count);
long nt_tls_write(nt_tls_connection *connection, const void *bytes, size_t count);
/// Does not close the socket.
void nt_tls_close(nt_tls_connection *connection);

#endif
