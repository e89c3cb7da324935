// What the C face's store is: shared by the files that open, read and write it.
#ifndef NEEDLETAIL_CROCKSDB_STORE_H
#define NEEDLETAIL_CROCKSDB_STORE_H

#include "Disk.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>

#include <atomic>
#include <memory>

namespace needletail {

/// Drops rows whose time has come. Threads of compactions share it; the time is all that changes.
class ExpiryFilter final : public rocksdb::CompactionFilter {
public:
    explicit ExpiryFilter(uint8_t kind) : kind_(kind) {}

    const char *Name() const override { return "NeedletailExpiry"; }

    Decision FilterV2(int, const rocksdb::Slice &key, ValueType type, const rocksdb::Slice &value, std::string *, std::string *) const override {
        if (type != ValueType::kValue || key.empty() || uint8_t(key[0]) != kind_ || value.size() < 8) return Decision::kKeep;
        uint64_t expiry = 0;
        for (int i = 7; i >= 0; i--) expiry = expiry << 8 | uint8_t(value[i]);
        return int64_t(expiry) <= expired.load(std::memory_order_relaxed) ? Decision::kRemove : Decision::kKeep;
    }

    std::atomic<int64_t> expired{INT64_MIN};

private:
    uint8_t kind_;
};

/// Notes that the store needs to be opened again before it can be written to.
class ErrorListener final : public rocksdb::EventListener {
public:
    void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status *) override { has_error.store(true); }
    // RocksDB would wait for room and then resume by itself, in a state of which it is not sure (an assertion fails where tables are taken in
    // after a MANIFEST could not be written). The store is opened again instead, which is what a crash does.
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool *is_automatic) override { *is_automatic = false; }

    std::atomic<bool> has_error{false};
};

}  // namespace needletail

struct nt_store {
    nt_disk *disk;
    bool is_read_only;
    rocksdb::Options options;
    /// As `options`, but for the files of a checkpoint, which are written on the engine's time: quick compression.
    rocksdb::Options part_options;
    std::shared_ptr<needletail::ErrorListener> listener;
    std::unique_ptr<needletail::ExpiryFilter> filter;
    // After what it uses, so that it is destroyed before.
    std::unique_ptr<rocksdb::DB> db;
};

#endif
