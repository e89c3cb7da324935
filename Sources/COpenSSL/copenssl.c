#include "COpenSSL.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

int nt_hmac_sha256(
    const uint8_t *key, size_t key_count, const uint8_t *const *pieces, const size_t *counts, size_t piece_count, uint8_t digest[32]) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0), OSSL_PARAM_construct_end()};
    int is_good = context && EVP_MAC_init(context, key, key_count, parameters);
    for (size_t i = 0; i < piece_count && is_good; i++) is_good = EVP_MAC_update(context, pieces[i], counts[i]);
    size_t written = 0;
    is_good = is_good && EVP_MAC_final(context, digest, &written, 32) && written == 32;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return is_good;
}

int nt_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]) {
    return EVP_Digest(bytes, count, digest, NULL, EVP_sha256(), NULL);
}

size_t nt_base64_encode(const uint8_t *bytes, size_t count, char *room) {
    if (count > INT_MAX / 2) return 0;
    return (size_t)EVP_EncodeBlock((unsigned char *)room, bytes, (int)count);
}

int64_t nt_base64_decode(const char *text, size_t count, uint8_t *room) {
    if (count % 4 || count > INT_MAX) return -1;
    int padding = 0;
    // EVP_DecodeBlock passes over white space and takes padding for bytes.
    for (size_t i = 0; i < count; i++) {
        const char c = text[i];
        const int is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
        if (c == '=' && i + 2 >= count) padding++;
        else if (!is_digit || padding) return -1;
    }
    const int written = EVP_DecodeBlock(room, (const unsigned char *)text, (int)count);
    return written < padding ? -1 : written - padding;
}
