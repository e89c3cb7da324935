// Tables (`.sst`, and those still being written), which RocksDB does not read carefully enough: it proves every block of rows by a sum, but parses
// a table's last blocks, its properties and its footer, before or without one; a flipped bit there ends in an assertion, and that in the end of
// the process. So a table gets a seal: the last 24 bytes of the file are a magic number, the count of the bytes before it, and a sum over that
// count and the last 8 KiB of them. Whoever opens the table checks it, and RocksDB never sees it.
#ifndef NEEDLETAIL_CROCKSDB_TABLE_H
#define NEEDLETAIL_CROCKSDB_TABLE_H

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace needletail {

constexpr uint64_t seal_count = 24;

bool is_table(const std::string &path);

/// Wraps a new table's file, so that it ends in a seal once it is synced or closed.
std::unique_ptr<rocksdb::FSWritableFile> sealing(std::unique_ptr<rocksdb::FSWritableFile> &&file);

/// Whether the table's end is as it was written.
rocksdb::IOStatus check_seal(rocksdb::FileSystem &files, const std::string &path, const rocksdb::FSRandomAccessFile &file);

}  // namespace needletail

#endif
