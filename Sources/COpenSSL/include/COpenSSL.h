// A face over OpenSSL's libcrypto that Swift can import: what a signature takes.
#ifndef NEEDLETAIL_COPENSSL_H
#define NEEDLETAIL_COPENSSL_H

#include <stddef.h>
#include <stdint.h>

/// HMAC-SHA256 of the pieces, one after another; 0 where OpenSSL fails.
int nt_hmac_sha256(
    const uint8_t *key, size_t key_count, const uint8_t *const *pieces, const size_t *counts, size_t piece_count, uint8_t digest[32]);

int nt_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]);

/// Writes 4 characters for each 3 bytes begun, and a 0; gives the count of the characters.
size_t nt_base64_encode(const uint8_t *bytes, size_t count, char *room);

/// The count of the bytes, at most 3 for 4 characters; -1 where it is no base64.
int64_t nt_base64_decode(const char *text, size_t count, uint8_t *room);

#endif
