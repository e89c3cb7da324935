// A face over libzstd that Swift can import: zstd data in, its content out, piece by piece.
#ifndef NEEDLETAIL_CZSTD_H
#define NEEDLETAIL_CZSTD_H

#include <stddef.h>
#include <stdint.h>

typedef struct nt_unpacker nt_unpacker;

typedef struct {
    size_t consumed;
    size_t produced;
    /// 0: goes on; 1: a frame has ended, and the next call begins another; -1: the data is damaged.
    int status;
    /// Of damaged data, why.
    const char *reason;
} nt_unpack_step;

/// Frames that need a window of more than 2^27 bytes are refused: what `zstd` itself reads without being told to.
#define NT_ZSTD_WINDOW_LOG_MAX 27

/// NULL where there is no memory.
nt_unpacker *nt_unpacker_create(void);
void nt_unpacker_destroy(nt_unpacker *unpacker);

/// Takes what it can of the bytes and fills what it can of the room.
nt_unpack_step nt_unpacker_run(nt_unpacker *unpacker, const uint8_t *bytes, size_t count, uint8_t *room, size_t room_count);

#endif
