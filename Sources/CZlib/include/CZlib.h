// A face over zlib that Swift can import: gzip data in, its content out, piece by piece.
#ifndef NEEDLETAIL_CZLIB_H
#define NEEDLETAIL_CZLIB_H

#include <stddef.h>
#include <stdint.h>

typedef struct nt_inflater nt_inflater;

typedef struct {
    size_t consumed;
    size_t produced;
    /// 0: goes on; 1: a member has ended, and the next call begins another; -1: the data is damaged.
    int status;
    /// Of damaged data, why; lives as long as the inflater is not used again.
    const char *reason;
} nt_inflate_step;

/// NULL where there is no memory.
nt_inflater *nt_inflater_create(void);
void nt_inflater_destroy(nt_inflater *inflater);

/// Takes what it can of the bytes and fills what it can of the room.
nt_inflate_step nt_inflater_run(nt_inflater *inflater, const uint8_t *bytes, size_t count, uint8_t *room, size_t room_count);

/// CRC-32 of the bytes, going on from that of what came before them, or 0.
uint32_t nt_crc32(uint32_t before, const void *bytes, size_t count);

#endif
