// What Linux can do with pipes and Swift cannot call: the declarations are GNU's.
#ifndef NEEDLETAIL_CPIPES_H
#define NEEDLETAIL_CPIPES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Moves what a pipe holds into a file at an offset, within the system: at every moment a byte is in the pipe or in the file, whatever
/// happens to the process. How many bytes, 0 at the pipe's end, or -1 with `errno`: EAGAIN where there is nothing now.
ssize_t nt_pipe_move(int pipe, int file, int64_t offset, size_t count);

/// Copies the first bytes of a pipe, at most 4096, and leaves them in it. As above.
ssize_t nt_pipe_peek(int pipe, uint8_t *bytes, size_t count);

#endif
