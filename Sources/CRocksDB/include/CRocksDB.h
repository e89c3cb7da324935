// A face over RocksDB that Swift can import. It is not RocksDB's own C face, which does not reach what a store of checkpoints needs: a file
// system that can be watched and made to fail, several files taken in as one, a compaction filter whose time moves, and statuses that
// tell a full disk from damage.
#ifndef NEEDLETAIL_CROCKSDB_H
#define NEEDLETAIL_CROCKSDB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// -- What went wrong. Functions give NULL where all went well; whoever gets a failure frees it.

typedef struct nt_failure nt_failure;

enum {
    NT_FAILURE_FULL = 1,
    NT_FAILURE_DAMAGED = 2,
    NT_FAILURE_IN_USE = 3,
    /// A file that should be there is not.
    NT_FAILURE_MISSING = 4,
    NT_FAILURE_IO = 5,
    /// RocksDB refuses what it read or was asked for.
    NT_FAILURE_REFUSED = 6,
};

int nt_failure_kind(const nt_failure *failure);
const char *nt_failure_text(const nt_failure *failure);
void nt_failure_free(nt_failure *failure);

// -- The disk: the file system below a store. Outlives the stores that use it.

typedef struct nt_disk nt_disk;

enum {
    NT_DISK_CREATE = 1,
    NT_DISK_APPEND = 2,
    NT_DISK_SYNC = 3,
    NT_DISK_RENAME = 4,
    NT_DISK_LINK = 5,
    NT_DISK_REMOVE = 6,
    NT_DISK_MAKE_FOLDER = 7,
    NT_DISK_SYNC_FOLDER = 8,
    NT_DISK_TRUNCATE = 9,
    NT_DISK_READ = 10,
};

/// Added to an error number: half of the bytes are written before an append fails.
#define NT_DISK_TORN 0x10000

/// Called before an operation (`after` is 0; an error number as the result makes it fail) and after one that went well (`after` is 1; the
/// result is ignored). Calls never overlap, and no other operation that writes happens between the two calls of one.
typedef int (*nt_disk_hook)(void *context, int operation, int after, const char *path, const char *other);

/// The machine's own file system; `hook` may be NULL.
nt_disk *nt_disk_create(nt_disk_hook hook, void *context);
void nt_disk_destroy(nt_disk *disk);

/// Writes a file anew and makes its content durable, but not its name.
nt_failure *nt_disk_write(nt_disk *disk, const char *path, const void *bytes, size_t count);
/// Renames a file within a folder, and makes the names of that folder durable.
nt_failure *nt_disk_rename(nt_disk *disk, const char *from, const char *to, const char *folder);
nt_failure *nt_disk_remove(nt_disk *disk, const char *path);
/// Makes a folder where there is none.
nt_failure *nt_disk_make_folder(nt_disk *disk, const char *path);
nt_failure *nt_disk_sync_folder(nt_disk *disk, const char *path);

// -- The store.

typedef struct nt_store nt_store;

typedef struct {
    const char *path;
    /// Bytes of blocks, indexes and filters kept in memory.
    size_t cache_bytes;
    /// So many files in level 0 begin a compaction.
    int level0_files;
    /// 1: makes a new store where there is none.
    int create;
    /// 1: neither locks nor writes.
    int read_only;
    /// Rows whose key begins with this byte begin with their expiry.
    uint8_t expiring_kind;
    /// 1: rows are written in batches, through a log that is synced. Nothing is then taken in.
    int has_log;
} nt_store_options;

nt_failure *nt_store_open(nt_disk *disk, const nt_store_options *options, nt_store **out);
/// Stops the background work and closes the files.
void nt_store_close(nt_store *store);

/// 1: a write failed, and the store must be opened again before it takes anything in. It can be read.
int nt_store_has_error(const nt_store *store);

/// `*value` is NULL where the key has none, and otherwise valid until this thread asks again.
nt_failure *nt_store_get(nt_store *store, const void *key, size_t key_count, const uint8_t **value, size_t *value_count);

/// Rows with an expiry at or before this time (little-endian Int64 at their beginning) go away when they are next compacted.
void nt_store_set_expired(nt_store *store, int64_t expired);

/// Takes the files in as one: after a crash all of them are there or none. The files are gone afterwards. After a failure it is open which of
/// the two holds, until the store is opened again.
nt_failure *nt_store_ingest(nt_store *store, const char *const *paths, size_t count);

/// Reads everything and compares its checksums.
nt_failure *nt_store_verify(nt_store *store);

/// A copy of the store as a new folder. Files that never change are linked where that is possible, else copied.
nt_failure *nt_store_copy(nt_store *store, const char *path);

/// Compacts everything.
nt_failure *nt_store_compact(nt_store *store);

/// How many files level 0 has.
uint64_t nt_store_level0_count(nt_store *store);

// -- Rows written in batches, to a store that has a log.

typedef struct nt_batch nt_batch;

nt_batch *nt_batch_create(void);
void nt_batch_destroy(nt_batch *batch);
nt_failure *nt_batch_put(nt_batch *batch, const void *key, size_t key_count, const void *value, size_t value_count);
nt_failure *nt_batch_remove(nt_batch *batch, const void *key, size_t key_count);
/// Removes the rows from `first` up to, but not with, `end`; takes the same time however many there are.
nt_failure *nt_batch_remove_range(nt_batch *batch, const void *first, size_t first_count, const void *end, size_t end_count);

/// Writes the batch as one, and makes it durable. One batch is written at a time: the proof of the log depends on it. After a failure it is
/// open whether the batch is there, until the store is opened again.
nt_failure *nt_store_write(nt_store *store, nt_batch *batch);

// -- A file of ascending rows.

typedef struct nt_part nt_part;

/// Uses nothing of the store but its settings; several parts may be written by several threads.
nt_failure *nt_part_create(nt_store *store, const char *path, nt_part **out);
nt_failure *nt_part_put(nt_part *part, const void *key, size_t key_count, const void *value, size_t value_count);
nt_failure *nt_part_remove(nt_part *part, const void *key, size_t key_count);
/// Makes the file's content durable.
nt_failure *nt_part_finish(nt_part *part);
void nt_part_destroy(nt_part *part);

// -- Reading in order.

typedef struct nt_cursor nt_cursor;

/// Rows from `first` up to, but not with, `end`, as they stand now, whatever is taken in later.
nt_failure *nt_cursor_create(
    nt_store *store, const void *first, size_t first_count, const void *end, size_t end_count, nt_cursor **out);
/// `*key` is NULL at the end; the bytes are valid until the next call.
nt_failure *nt_cursor_next(nt_cursor *cursor, const uint8_t **key, size_t *key_count, const uint8_t **value, size_t *value_count);
void nt_cursor_destroy(nt_cursor *cursor);

#ifdef __cplusplus
}
#endif

#endif
