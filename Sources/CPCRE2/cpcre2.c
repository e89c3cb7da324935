#define _GNU_SOURCE
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "cpcre2.h"

struct nt_pattern {
    pcre2_code *code;
    int is_fast;
};

struct nt_pattern_scratch {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
};

nt_pattern *nt_pattern_compile(
    const uint8_t *text, size_t count, int to_machine_code, size_t *offset, char *message, size_t message_size) {
    int error = 0;
    PCRE2_SIZE place = 0;
    // \C could take half a character, and what follows would no longer be UTF-8.
    pcre2_code *code = pcre2_compile(text, count, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &place, NULL);
    nt_pattern *pattern = code == NULL ? NULL : malloc(sizeof *pattern);
    if (pattern == NULL) {
        pcre2_code_free(code);
        *offset = place;
        if (pcre2_get_error_message(error, (PCRE2_UCHAR *)message, message_size) < 0 && message_size > 0) { message[0] = 0; }
        return NULL;
    }
    pattern->code = code;
    size_t machine_code_size = 0;
    // `(*NO_JIT)` at a pattern's start makes no code and is no error, so only the size tells.
    if (to_machine_code && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0) {
        pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &machine_code_size);
    }
    pattern->is_fast = machine_code_size > 0;
    return pattern;
}

void nt_pattern_free(nt_pattern *pattern) {
    if (pattern == NULL) { return; }
    pcre2_code_free(pattern->code);
    free(pattern);
}

int nt_pattern_is_fast(const nt_pattern *pattern) { return pattern->is_fast; }

nt_pattern_scratch *nt_pattern_scratch_create(uint32_t match_limit, uint32_t depth_limit, uint32_t heap_kibibytes) {
    nt_pattern_scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL) { return NULL; }
    scratch->context = pcre2_match_context_create(NULL);
    // Only whether there is a match counts, so one pair of offsets is enough.
    scratch->data = pcre2_match_data_create(1, NULL);
    // Machine code keeps its way back on this stack, so the limit of the heap holds for it.
    scratch->stack = pcre2_jit_stack_create(32 * 1024, (size_t)heap_kibibytes * 1024, NULL);
    if (scratch->context == NULL || scratch->data == NULL) {
        nt_pattern_scratch_free(scratch);
        return NULL;
    }
    pcre2_set_match_limit(scratch->context, match_limit);
    pcre2_set_depth_limit(scratch->context, depth_limit);
    pcre2_set_heap_limit(scratch->context, heap_kibibytes);
    if (scratch->stack != NULL) { pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack); }
    return scratch;
}

void nt_pattern_scratch_free(nt_pattern_scratch *scratch) {
    if (scratch == NULL) { return; }
    pcre2_match_data_free(scratch->data);
    pcre2_match_context_free(scratch->context);
    pcre2_jit_stack_free(scratch->stack);
    free(scratch);
}

nt_pattern_outcome nt_pattern_find(const nt_pattern *pattern, nt_pattern_scratch *scratch, const uint8_t *text, size_t count) {
    const int result = pcre2_match(pattern->code, text, count, 0, PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
    if (result >= 0) { return nt_pattern_found; }
    switch (result) {
        case PCRE2_ERROR_NOMATCH: return nt_pattern_not_found;
        case PCRE2_ERROR_MATCHLIMIT:
        case PCRE2_ERROR_DEPTHLIMIT:
        case PCRE2_ERROR_HEAPLIMIT:
        case PCRE2_ERROR_JIT_STACKLIMIT:
        case PCRE2_ERROR_NOMEMORY: return nt_pattern_limit;
        default: return nt_pattern_failed;
    }
}

const uint8_t *nt_bytes_find(const uint8_t *whole, size_t whole_count, const uint8_t *part, size_t part_count) {
    return memmem(whole, whole_count, part, part_count);
}
