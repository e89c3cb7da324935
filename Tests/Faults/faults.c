// Loaded before the C library, this makes what a program asks of the system fail, or ends the program there, as the environment says:
//
//   FAULT_RECORD=FILE                 notes every call as a line `operation:class`
//   FAULT_AT=operation:class:N:ACTION the N-th such call (`N+`: from there on): `before` and `after` end the process with SIGKILL beside
//                                     the call, `torn` after half of a write, `short` writes half, or an error: EIO, ENOSPC, EMFILE, EINTR
//   FAULT_FULL=PREFIX:BYTES           writes to paths that begin so have that many bytes of room; FAULT_ROOM=FILE gives room once it is there
//   FAULT_CLOCK=real|mono|both:SECONDS|freeze:AFTER_MS  a clock jumps, or stands still, so long after the start
//
// Several of FAULT_AT are separated by commas. Classes are by the last name of a path, see class_of.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum action { NONE, BEFORE, AFTER, TORN, SHORT, ERROR };

struct point {
    char operation[24];
    char class[24];
    long number;
    int onwards;
    enum action action;
    int error;
    atomic_long seen;
};

static struct point points[16];
static int point_count;
static int record_descriptor = -1;
static char full_prefix[4096];
static long full_bytes;
static const char *room_file;
static atomic_long full_used;
static int clocks;
static int freezes;
static long jump_seconds;
static long jump_after_ms;
static struct timespec start_real, start_mono;
static int ready;

static void clock_now(clockid_t id, struct timespec *time) { syscall(SYS_clock_gettime, id, time); }

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

static int error_named(const char *name) {
    if (!strcmp(name, "EIO")) return EIO;
    if (!strcmp(name, "ENOSPC")) return ENOSPC;
    if (!strcmp(name, "EMFILE")) return EMFILE;
    if (!strcmp(name, "EINTR")) return EINTR;
    return 0;
}

static void add_point(char *text) {
    struct point *point = &points[point_count];
    char action[24];
    char number[24];
    if (point_count == 16 || sscanf(text, "%23[^:]:%23[^:]:%23[^:]:%23s", point->operation, point->class, number, action) != 4) abort();
    point->number = atol(number);
    point->onwards = strchr(number, '+') != NULL;
    if (!strcmp(action, "before")) point->action = BEFORE;
    else if (!strcmp(action, "after")) point->action = AFTER;
    else if (!strcmp(action, "torn")) point->action = TORN;
    else if (!strcmp(action, "short")) point->action = SHORT;
    else {
        point->action = ERROR;
        point->error = error_named(action);
        if (!point->error) abort();
    }
    point_count++;
}

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("FAULT_AT");
    const char *record = getenv("FAULT_RECORD");
    const char *full = getenv("FAULT_FULL");
    const char *clock = getenv("FAULT_CLOCK");
    clock_now(CLOCK_REALTIME, &start_real);
    clock_now(CLOCK_MONOTONIC, &start_mono);
    if (at) {
        char *copy = strdup(at);
        for (char *rest = copy, *part; (part = strsep(&rest, ","));) add_point(part);
        free(copy);
    }
    if (full) {
        const char *colon = strrchr(full, ':');
        if (!colon || colon - full >= (long)sizeof full_prefix) abort();
        memcpy(full_prefix, full, colon - full);
        full_bytes = atol(colon + 1);
        room_file = getenv("FAULT_ROOM");
    }
    if (clock) {
        char which[8], how[24];
        if (sscanf(clock, "%7[^:]:%23[^:]:%ld", which, how, &jump_after_ms) != 3) abort();
        clocks = !strcmp(which, "real") ? 1 : !strcmp(which, "mono") ? 2 : 3;
        freezes = !strcmp(how, "freeze");
        jump_seconds = atol(how);
    }
    if (record) record_descriptor = (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ready = point_count > 0 || record_descriptor >= 0 || full_prefix[0];
}

static int ends_with(const char *text, size_t count, const char *ending) {
    size_t length = strlen(ending);
    return count >= length && !memcmp(text + count - length, ending, length);
}

static const char *class_of(const char *path) {
    const char *name = strrchr(path, '/');
    size_t count;
    name = name ? name + 1 : path;
    count = strlen(name);
    if (strstr(path, "/spill")) return "SPILL";
    if (strstr(path, ".writing/") || strstr(path, "savepoint")) return "SAVEPOINT";
    if (strstr(path, "/journal")) return "JOURNAL";
    if (strstr(path, "/outbox")) return "OUTBOX";
    if (!strncmp(name, "CHECKPOINT", 10)) return "CHECKPOINT";
    if (!strncmp(name, "MANIFEST-", 9)) return "MANIFEST";
    if (!strcmp(name, "CURRENT") || ends_with(name, count, ".dbtmp")) return "CURRENT";
    if (ends_with(name, count, ".sst") || ends_with(name, count, ".writing")) return "SST";
    if (!strncmp(name, "FORMAT", 6)) return "FORMAT";
    if (!strcmp(name, "LOCK")) return "LOCK";
    if (!strncmp(name, "idle.log", 8)) return "IDLE";
    if (!strncmp(name, "alerts", 6)) return "ALERTS";
    if (!strncmp(name, "late", 4)) return "LATE";
    if (!strncmp(name, "rejects", 7)) return "REJECTS";
    if (!strncmp(name, "events", 6)) return "EVENTS";
    if (!strcmp(name, "store") || !strncmp(name, "state", 5)) return "FOLDER";
    if (!strncmp(name, "LOG", 3) || !strncmp(name, "OPTIONS-", 8) || !strcmp(name, "IDENTITY")) return "NOTES";
    return "OTHER";
}

static void path_of(int descriptor, char *path, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = syscall(SYS_readlinkat, AT_FDCWD, link, path, room - 1);
    path[count > 0 ? count : 0] = 0;
}


// What is to happen at a call; it has happened already where that is the end.
static struct point *judge(const char *operation, const char *path) {
    const char *class;
    struct point *found = NULL;
    if (!ready) return NULL;
    class = class_of(path);
    if (record_descriptor >= 0) {
        char line[64];
        int count = snprintf(line, sizeof line, "%s:%s\n", operation, class);
        syscall(SYS_write, record_descriptor, line, count);
    }
    for (int index = 0; index < point_count; index++) {
        struct point *point = &points[index];
        if (strcmp(point->operation, operation) || strcmp(point->class, class)) continue;
        long number = atomic_fetch_add(&point->seen, 1) + 1;
        if (number == point->number || (point->onwards && number > point->number)) found = point;
    }
    if (found && found->action == BEFORE) die();
    return found;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define AROUND(point, call) \
    if (point && point->action == ERROR) { errno = point->error; return -1; } \
    __typeof__(call) result = (call); \
    if (point && point->action == AFTER) die(); \
    return result

// How much of a write there is room for; -1: none.
static long room_for(const char *path, long count) {
    if (!full_prefix[0] || strncmp(path, full_prefix, strlen(full_prefix))) return count;
    if (room_file && syscall(SYS_faccessat, AT_FDCWD, room_file, F_OK) == 0) return count;
    long used = atomic_fetch_add(&full_used, count);
    if (used + count <= full_bytes) return count;
    return used >= full_bytes ? -1 : full_bytes - used;
}

#define WRITING(operation, call) \
    char path[4096]; \
    struct point *point; \
    if (!ready) return call; \
    path_of(descriptor, path, sizeof path); \
    point = judge(operation, path); \
    long room = room_for(path, (long)count); \
    if (room < 0) { errno = ENOSPC; return -1; } \
    count = (size_t)room; \
    if (point && (point->action == TORN || point->action == SHORT) && count > 1) count /= 2; \
    if (point && point->action == ERROR) { errno = point->error; return -1; } \
    ssize_t result = call; \
    if (point && (point->action == AFTER || point->action == TORN)) die(); \
    return result

ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(write);
    WRITING("write", real(descriptor, bytes, count));
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    REAL(pwrite);
    WRITING("write", real(descriptor, bytes, count, offset));
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    REAL(pwrite64);
    WRITING("write", real(descriptor, bytes, count, offset));
}

// A pipe moved into a file; half of it is a page and a bit, so that a line is cut.
ssize_t splice(int from, off64_t *from_offset, int descriptor, off64_t *offset, size_t count, unsigned flags) {
    REAL(splice);
    if (ready && count > 5000) {
        char path[4096];
        path_of(descriptor, path, sizeof path);
        for (int index = 0; index < point_count; index++)
            if (points[index].action == TORN && !strcmp(points[index].operation, "move")) count = 5000;
    }
    WRITING("move", real(from, from_offset, descriptor, offset, count, flags));
}

#define ON_DESCRIPTOR(operation, call) \
    char path[4096]; \
    if (!ready) return call; \
    path_of(descriptor, path, sizeof path); \
    struct point *point = judge(operation, path); \
    AROUND(point, call)

ssize_t read(int descriptor, void *bytes, size_t count) {
    REAL(read);
    ON_DESCRIPTOR("read", real(descriptor, bytes, count));
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    REAL(pread);
    ON_DESCRIPTOR("read", real(descriptor, bytes, count, offset));
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
    REAL(pread64);
    ON_DESCRIPTOR("read", real(descriptor, bytes, count, offset));
}

int fsync(int descriptor) {
    REAL(fsync);
    ON_DESCRIPTOR("fsync", real(descriptor));
}

int fdatasync(int descriptor) {
    REAL(fdatasync);
    ON_DESCRIPTOR("fsync", real(descriptor));
}

int sync_file_range(int descriptor, off64_t offset, off64_t count, unsigned flags) {
    REAL(sync_file_range);
    ON_DESCRIPTOR("range", real(descriptor, offset, count, flags));
}

int ftruncate(int descriptor, off_t length) {
    REAL(ftruncate);
    ON_DESCRIPTOR("truncate", real(descriptor, length));
}

int ftruncate64(int descriptor, off64_t length) {
    REAL(ftruncate64);
    ON_DESCRIPTOR("truncate", real(descriptor, length));
}

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    REAL(fallocate);
    ON_DESCRIPTOR("allocate", real(descriptor, mode, offset, length));
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
    REAL(fallocate64);
    ON_DESCRIPTOR("allocate", real(descriptor, mode, offset, length));
}

#define ON_PATH(operation, name, call) \
    if (!ready) return call; \
    struct point *point = judge(operation, name); \
    AROUND(point, call)

int rename(const char *from, const char *to) {
    REAL(rename);
    ON_PATH("rename", to, real(from, to));
}

int link(const char *from, const char *to) {
    REAL(link);
    ON_PATH("link", to, real(from, to));
}

int unlink(const char *path) {
    REAL(unlink);
    ON_PATH("unlink", path, real(path));
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    ON_PATH("mkdir", path, real(path, mode));
}

// Only what may make a file is of interest.
#define OPENING(call) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    } \
    if (!ready) return call; \
    struct point *point = judge(flags & O_CREAT ? "create" : "open", path); \
    AROUND(point, call)

int open(const char *path, int flags, ...) {
    REAL(open);
    OPENING(real(path, flags, mode));
}

int open64(const char *path, int flags, ...) {
    REAL(open64);
    OPENING(real(path, flags, mode));
}

static void shift(clockid_t id, struct timespec *time) {
    struct timespec mono;
    const struct timespec *start = id == CLOCK_REALTIME ? &start_real : &start_mono;
    clock_now(CLOCK_MONOTONIC, &mono);
    long since = (mono.tv_sec - start_mono.tv_sec) * 1000 + (mono.tv_nsec - start_mono.tv_nsec) / 1000000;
    if (since < jump_after_ms) return;
    if (freezes) {
        time->tv_sec = start->tv_sec + jump_after_ms / 1000;
        time->tv_nsec = start->tv_nsec;
    } else {
        time->tv_sec += jump_seconds;
    }
}

int clock_gettime(clockid_t id, struct timespec *time) {
    clock_now(id, time);
    if (((clocks & 1) && id == CLOCK_REALTIME) || ((clocks & 2) && id == CLOCK_MONOTONIC)) shift(id, time);
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
