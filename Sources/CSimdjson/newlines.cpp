// Line ends, for the carver of blocks.

#include "CSimdjson.h"

#include <cstring>

size_t nt_count_newlines(const uint8_t *bytes, size_t count) {
    size_t total = 0;
    while (count > 0) {
        // Blocks of 255 keep the partial sums in bytes, which the compiler turns into vector code.
        const size_t block = count < 255 * 32 ? count : 255 * 32;
        uint8_t lanes[32] = {0};
        size_t at = 0;
        for (; at + 32 <= block; at += 32) {
            for (size_t lane = 0; lane < 32; lane++) { lanes[lane] += bytes[at + lane] == '\n'; }
        }
        for (size_t lane = 0; lane < 32; lane++) { total += lanes[lane]; }
        for (; at < block; at++) { total += bytes[at] == '\n'; }
        bytes += block;
        count -= block;
    }
    return total;
}

ptrdiff_t nt_last_newline(const uint8_t *bytes, size_t count) {
    const void *found = ::memrchr(bytes, '\n', count);
    return found == nullptr ? -1 : static_cast<const uint8_t *>(found) - bytes;
}
