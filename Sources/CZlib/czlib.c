#include "CZlib.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct nt_inflater {
    z_stream stream;
};

nt_inflater *nt_inflater_create(void) {
    nt_inflater *inflater = calloc(1, sizeof *inflater);
    if (!inflater) return NULL;
    // The largest window, and gzip's header and trailer only.
    if (inflateInit2(&inflater->stream, 15 + 16) != Z_OK) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

void nt_inflater_destroy(nt_inflater *inflater) {
    if (!inflater) return;
    inflateEnd(&inflater->stream);
    free(inflater);
}

nt_inflate_step nt_inflater_run(nt_inflater *inflater, const uint8_t *bytes, size_t count, uint8_t *room, size_t room_count) {
    z_stream *stream = &inflater->stream;
    uInt given = count > UINT_MAX ? UINT_MAX : (uInt)count;
    uInt free_count = room_count > UINT_MAX ? UINT_MAX : (uInt)room_count;
    stream->next_in = (Bytef *)bytes;
    stream->avail_in = given;
    stream->next_out = room;
    stream->avail_out = free_count;
    int result = inflate(stream, Z_NO_FLUSH);
    nt_inflate_step step = {given - stream->avail_in, free_count - stream->avail_out, 0, NULL};
    switch (result) {
    case Z_OK:
    case Z_BUF_ERROR:
        break;
    case Z_STREAM_END:
        step.status = 1;
        inflateReset(stream);
        break;
    default:
        step.status = -1;
        step.reason = stream->msg ? stream->msg : result == Z_MEM_ERROR ? "there is no memory left" : "it cannot be read";
    }
    return step;
}

uint32_t nt_crc32(uint32_t before, const void *bytes, size_t count) {
    // Without bytes zlib would give the start value, whatever came before.
    return count == 0 ? before : (uint32_t)crc32_z(before, bytes, count);
}
