// Two kinds of files of a store that RocksDB does not read carefully enough.
//
// Tables (`.sst`, and those still being written). RocksDB proves every block of rows by a sum, but parses a table's last blocks, its properties
// and its footer, before or without one; a flipped bit there ends in an assertion, and that in the end of the process. So a table gets a seal:
// the last 24 bytes of the file are a magic number, the count of the bytes before it, and a sum over that count and the last 8 KiB of them.
// Whoever opens the table checks it, and RocksDB never sees it.
//
// The MANIFEST, RocksDB's log of which tables there are. What was not yet fsynced when the power went may be there in part. RocksDB takes a
// record that was cut for the end of the log, but one with a hole in it for damage. Here the log ends before the first record that is not
// sound. That this loses nothing which was committed is for the file CHECKPOINT to prove, see RocksStore.swift.
#ifndef NEEDLETAIL_CROCKSDB_TABLE_H
#define NEEDLETAIL_CROCKSDB_TABLE_H

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace needletail {

constexpr uint64_t seal_count = 24;

bool is_table(const std::string &path);
bool is_manifest(const std::string &path);

/// Wraps a new table's file, so that it ends in a seal once it is synced or closed.
std::unique_ptr<rocksdb::FSWritableFile> sealing(std::unique_ptr<rocksdb::FSWritableFile> &&file);

/// Whether the table's end is as it was written.
rocksdb::IOStatus check_seal(rocksdb::FileSystem &files, const std::string &path, const rocksdb::FSRandomAccessFile &file);

/// Reads a MANIFEST; where not all of it is sound, the sound beginning is put in its place.
rocksdb::IOStatus read_sound(std::unique_ptr<rocksdb::FSSequentialFile> *file);

}  // namespace needletail

#endif
