#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// How often this thread has asked for memory since it began: malloc, calloc, realloc and the aligned kinds, in Swift, C and C++ alike.
uint64_t allocation_counter_allocations(void);

/// How often this thread has given memory back.
uint64_t allocation_counter_frees(void);

#endif
