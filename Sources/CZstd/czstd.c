#include "CZstd.h"

#include <zstd.h>

// The library's context is all that there is to keep.
nt_unpacker *nt_unpacker_create(void) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context) return NULL;
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, NT_ZSTD_WINDOW_LOG_MAX);
    return (nt_unpacker *)context;
}

void nt_unpacker_destroy(nt_unpacker *unpacker) { ZSTD_freeDCtx((ZSTD_DCtx *)unpacker); }

nt_unpack_step nt_unpacker_run(nt_unpacker *unpacker, const uint8_t *bytes, size_t count, uint8_t *room, size_t room_count) {
    ZSTD_inBuffer in = {bytes, count, 0};
    ZSTD_outBuffer out = {room, room_count, 0};
    size_t result = ZSTD_decompressStream((ZSTD_DCtx *)unpacker, &out, &in);
    nt_unpack_step step = {in.pos, out.pos, 0, NULL};
    if (ZSTD_isError(result)) {
        step.status = -1;
        step.reason = ZSTD_getErrorName(result);
    } else if (result == 0) {
        step.status = 1;
    }
    return step;
}
