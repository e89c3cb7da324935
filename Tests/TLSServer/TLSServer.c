#include "TLSServer.h"

#include <openssl/ssl.h>

nt_tls_server *nt_tls_server_create(const char *certificate_file, const char *key_file, const char *client_ca_file, int is_old) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) return NULL;
    int is_good = SSL_CTX_use_certificate_file(context, certificate_file, SSL_FILETYPE_PEM) == 1 &&
                  SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1;
    if (client_ca_file) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        is_good = is_good && SSL_CTX_load_verify_locations(context, client_ca_file, NULL) == 1;
    }
    if (is_old) {
        // OpenSSL itself refuses TLS 1.1 above this level.
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    }
    if (!is_good) {
        SSL_CTX_free(context);
        return NULL;
    }
    return (nt_tls_server *)context;
}

void nt_tls_server_destroy(nt_tls_server *server) { SSL_CTX_free((SSL_CTX *)server); }

nt_tls_connection *nt_tls_accept(nt_tls_server *server, int descriptor) {
    SSL *connection = SSL_new((SSL_CTX *)server);
    if (!connection) return NULL;
    SSL_set_fd(connection, descriptor);
    if (SSL_accept(connection) != 1) {
        SSL_free(connection);
        return NULL;
    }
    return (nt_tls_connection *)connection;
}

long nt_tls_read(nt_tls_connection *connection, void *room, size_t count) {
    size_t read = 0;
    return SSL_read_ex((SSL *)connection, room, count, &read) ? (long)read : -1;
}

long nt_tls_write(nt_tls_connection *connection, const void *bytes, size_t count) {
    size_t written = 0;
    return SSL_write_ex((SSL *)connection, bytes, count, &written) ? (long)written : -1;
}

void nt_tls_close(nt_tls_connection *connection) { SSL_free((SSL *)connection); }
