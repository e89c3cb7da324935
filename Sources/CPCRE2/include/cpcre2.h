// A face over PCRE2 that Swift can import: the library's own header names its functions by macros. Beside it the search for plain bytes,
// which glibc shows only to programs that ask for GNU extensions.
#ifndef NEEDLETAIL_CPCRE2_H
#define NEEDLETAIL_CPCRE2_H

#include <stddef.h>
#include <stdint.h>

/// A compiled pattern; any number of threads may search with it.
typedef struct nt_pattern nt_pattern;
/// What one thread needs to search: the limits, the match data, the stack of compiled code.
typedef struct nt_pattern_scratch nt_pattern_scratch;

typedef enum { nt_pattern_found = 1, nt_pattern_not_found = 0, nt_pattern_limit = -1, nt_pattern_failed = -2 } nt_pattern_outcome;

/// Compiles UTF-8; NULL where it is no pattern, with the byte of the mistake and a message of at most `message_size` bytes.
nt_pattern *nt_pattern_compile(
    const uint8_t *text, size_t count, int to_machine_code, size_t *offset, char *message, size_t message_size);
void nt_pattern_free(nt_pattern *pattern);
/// Whether the pattern became machine code.
int nt_pattern_is_fast(const nt_pattern *pattern);

/// NULL where there is no memory.
nt_pattern_scratch *nt_pattern_scratch_create(uint32_t match_limit, uint32_t depth_limit, uint32_t heap_kibibytes);
void nt_pattern_scratch_free(nt_pattern_scratch *scratch);

/// Looks for the pattern anywhere in valid UTF-8.
nt_pattern_outcome nt_pattern_find(const nt_pattern *pattern, nt_pattern_scratch *scratch, const uint8_t *text, size_t count);

/// The first place of `part` in `whole`, or NULL; linear in both lengths.
const uint8_t *nt_bytes_find(const uint8_t *whole, size_t whole_count, const uint8_t *part, size_t part_count);

#endif
