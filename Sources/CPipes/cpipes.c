#define _GNU_SOURCE
#include "CPipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t nt_pipe_move(int pipe, int file, int64_t offset, size_t count) {
    loff_t place = offset;
    return splice(pipe, NULL, file, &place, count, SPLICE_F_NONBLOCK);
}

ssize_t nt_pipe_peek(int pipe, uint8_t *bytes, size_t count) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    ssize_t done = tee(pipe, ends[1], count < 4096 ? count : 4096, SPLICE_F_NONBLOCK);
    if (done > 0) done = read(ends[0], bytes, (size_t)done);
    int number = errno;
    close(ends[0]);
    close(ends[1]);
    errno = number;
    return done;
}
