// Stands before the C library's allocator in the test program and counts calls, a thread for itself, so that tests that run beside
// the one that measures change nothing. The C library keeps its own functions under second names, to which all calls go on.

#include "AllocationCounter.h"

#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *memory);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static __thread uint64_t allocations;
static __thread uint64_t frees;

uint64_t allocation_counter_allocations(void) { return allocations; }

uint64_t allocation_counter_frees(void) { return frees; }

void *malloc(size_t size) {
    allocations += 1;
    return __libc_malloc(size);
}

void free(void *memory) {
    if (memory) frees += 1;
    __libc_free(memory);
}

void *calloc(size_t count, size_t size) {
    allocations += 1;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    allocations += 1;
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    allocations += 1;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations += 1;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    allocations += 1;
    void *found = __libc_memalign(alignment, size);
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}
