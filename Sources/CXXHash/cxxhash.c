#include "cxxhash.h"

#include <stdlib.h>

nt_hash128 nt_hash128_of(const void *bytes, size_t count) {
    XXH128_hash_t digest = XXH3_128bits(bytes, count);
    return (nt_hash128){digest.low64, digest.high64};
}

struct nt_hash_state {
    XXH3_state_t state;
};

nt_hash_state *nt_hash_state_create(void) {
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(nt_hash_state)) != 0) abort();
    nt_hash_state *state = memory;
    XXH3_128bits_reset(&state->state);
    return state;
}

void nt_hash_state_free(nt_hash_state *state) { free(state); }

void nt_hash_reset(nt_hash_state *state) { XXH3_128bits_reset(&state->state); }

void nt_hash_update(nt_hash_state *state, const void *bytes, size_t count) {
    XXH3_128bits_update(&state->state, bytes, count);
}

nt_hash128 nt_hash_digest(const nt_hash_state *state) {
    XXH128_hash_t digest = XXH3_128bits_digest(&state->state);
    return (nt_hash128){digest.low64, digest.high64};
}
