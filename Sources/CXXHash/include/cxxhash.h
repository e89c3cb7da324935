// A face over xxHash that Swift can import: the library's own header is macros and inline code.
#ifndef NEEDLETAIL_CXXHASH_H
#define NEEDLETAIL_CXXHASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct {
    uint64_t low;
    uint64_t high;
} nt_hash128;

/// XXH3, 64 bits, of so many bytes.
static inline uint64_t nt_hash64(const void *bytes, size_t count, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, count, seed);
}

/// XXH3, 128 bits, of so many bytes.
nt_hash128 nt_hash128_of(const void *bytes, size_t count);

/// A 128-bit XXH3 that takes its input in pieces.
typedef struct nt_hash_state nt_hash_state;
nt_hash_state *nt_hash_state_create(void);
void nt_hash_state_free(nt_hash_state *state);
void nt_hash_reset(nt_hash_state *state);
void nt_hash_update(nt_hash_state *state, const void *bytes, size_t count);
nt_hash128 nt_hash_digest(const nt_hash_state *state);

/// Hints that the memory will be read soon.
static inline void nt_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

#endif
