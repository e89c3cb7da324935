// RocksDB's logs: the MANIFEST, which says what tables there are, and the write-ahead log, which holds batches of rows that are in no table
// yet.
//
// What was not yet fsynced when the power went may be there in part. RocksDB takes a record that was cut for the end of the log, but one
// with a hole in it for damage; and, as it is set, it takes a log that was cut at the end of a record for whole.
//
// Here a MANIFEST ends before the first record that is not sound. That this loses nothing which was committed is for the file CHECKPOINT or
// OUTBOX to prove, see RocksStore.swift and RocksOutbox.swift. And sequence numbers that its records tell do not go back: RocksDB, which
// Debian builds with assertions, ends the process where they do, as in a MANIFEST that somebody has joined of two.
//
// A write-ahead log is proved further. Each record is fsynced before the next one is written, so only the last can be unsound by a crash:
// where another record begins soundly behind one that is not, the log is damaged. And the sequence numbers of the records follow one
// another, also from one log to the next.
#ifndef NEEDLETAIL_CROCKSDB_LOG_H
#define NEEDLETAIL_CROCKSDB_LOG_H

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace needletail {

bool is_manifest(const std::string &path);
bool is_write_ahead_log(const std::string &path);

/// Reads a MANIFEST; where not all of it is sound, the sound beginning is put in its place.
rocksdb::IOStatus read_sound(const std::string &path, std::unique_ptr<rocksdb::FSSequentialFile> *file);

/// Where the sequence numbers of the logs that were read so far end.
struct LogChain {
    bool has_next = false;
    uint64_t next = 0;
};

/// Reads a write-ahead log, which continues the chain; without a last record that a crash left unfinished.
rocksdb::IOStatus read_proved(const std::string &path, LogChain &chain, std::unique_ptr<rocksdb::FSSequentialFile> *file);

}  // namespace needletail

#endif
