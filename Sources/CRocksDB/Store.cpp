// Opening a RocksDB and reading it, and the store of checkpoints, which takes in finished tables only: its log and its memory tables stay empty.
// See Sources/StateStores/RocksStore.swift for what is built on it. Rows that are written one batch at a time: Batch.cpp.
#include "Failure.h"
#include "Store.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>

#include <cstdarg>

using namespace rocksdb;

namespace needletail {

/// Who only reads leaves the folder's LOG to who writes.
class SilentLogger final : public Logger {
public:
    using Logger::Logv;
    void Logv(const char *, va_list) override {}
};

}  // namespace needletail

using needletail::failure_of;
using needletail::guarded;

struct nt_part {
    std::unique_ptr<SstFileWriter> writer;
    std::string path;
};

struct nt_cursor {
    std::string end;
    Slice end_slice;
    std::unique_ptr<Iterator> rows;
    bool is_fresh = true;
};

namespace {

void set_options(nt_store *store, const nt_store_options *wanted) {
    Options &options = store->options;
    options.env = store->disk->env.get();
    options.create_if_missing = wanted->create != 0;
    options.paranoid_checks = true;
    options.force_consistency_checks = true;
    options.verify_sst_unique_id_in_manifest = true;
    options.allow_mmap_reads = false;
    options.allow_mmap_writes = false;
    options.allow_fallocate = false;

    if (wanted->has_log) {
        // What is delivered soon never becomes a table: a flush drops rows that were removed in the memory table.
        options.write_buffer_size = 8 << 20;
        options.max_write_buffer_number = 4;
        // Disk::read_log ends a log before a record that a crash left unfinished; whatever else is wrong with it is damage.
        options.wal_recovery_mode = WALRecoveryMode::kAbsoluteConsistency;
        // Both would make sequence numbers or records that the proof of the logs does not follow.
        options.recycle_log_file_num = 0;
        options.enable_pipelined_write = false;
    } else {
        // Nothing is ever put into the memory table.
        options.write_buffer_size = 64 << 10;
    }
    options.avoid_flush_during_shutdown = true;

    options.compaction_style = kCompactionStyleLevel;
    options.level_compaction_dynamic_level_bytes = true;
    options.level0_file_num_compaction_trigger = wanted->level0_files;
    options.level0_slowdown_writes_trigger = 1 << 20;
    options.level0_stop_writes_trigger = 1 << 20;
    options.target_file_size_base = 64 << 20;
    options.max_bytes_for_level_base = 256 << 20;
    options.soft_pending_compaction_bytes_limit = 0;
    options.hard_pending_compaction_bytes_limit = 0;
    options.ttl = 0;
    options.periodic_compaction_seconds = 0;
    options.compaction_filter = store->filter.get();
    // Each file that is compacted has one; there may be more than a hundred.
    options.compaction_readahead_size = 256 << 10;

    options.compression = kLZ4Compression;
    options.bottommost_compression = kZSTD;
    options.bottommost_compression_opts.enabled = true;
    options.bottommost_compression_opts.level = 1;

    // One thread compacts, and one opens files: what a damaged file makes it throw is then caught by the C face.
    options.max_background_jobs = 2;
    options.max_subcompactions = 1;
    options.max_file_opening_threads = 1;
    options.max_open_files = -1;
    options.skip_stats_update_on_db_open = true;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    options.max_bgerror_resume_count = 0;

    // Files are the same whatever machine writes them.
    options.db_host_id = "";
    options.info_log_level = WARN_LEVEL;
    options.max_log_file_size = 1 << 20;
    options.keep_log_file_num = 2;
    options.max_manifest_file_size = 4 << 20;
    if (store->is_read_only) options.info_log = std::make_shared<needletail::SilentLogger>();
    options.listeners = {store->listener};

    BlockBasedTableOptions table;
    table.format_version = 5;
    table.checksum = kXXH3;
    // A key that is read alone costs its block: read, proved, decompressed.
    table.block_size = 4 << 10;
    table.block_cache = NewLRUCache(wanted->cache_bytes, 2);
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.filter_policy.reset(NewBloomFilterPolicy(10));
    options.table_factory.reset(NewBlockBasedTableFactory(table));

    store->part_options = options;
    store->part_options.compression = kLZ4Compression;
    store->part_options.bottommost_compression = kDisableCompressionOption;
    store->part_options.bottommost_compression_opts.enabled = false;
    store->part_options.listeners.clear();
}

Slice slice(const void *bytes, size_t count) { return Slice(static_cast<const char *>(bytes), count); }

}  // namespace

extern "C" {

nt_failure *nt_store_open(nt_disk *disk, const nt_store_options *wanted, nt_store **out) {
    *out = nullptr;
    return guarded([&]() -> nt_failure * {
        auto store = std::make_unique<nt_store>();
        store->disk = disk;
        store->is_read_only = wanted->read_only != 0;
        store->listener = std::make_shared<needletail::ErrorListener>();
        store->filter = std::make_unique<needletail::ExpiryFilter>(wanted->expiring_kind);
        set_options(store.get(), wanted);
        disk->files->begin_logs(wanted->has_log != 0);
        // Opening to write removes what is not in use; what a failure left waiting is judged anew.
        if (!store->is_read_only) disk->files->forget_removals();
        DB *db = nullptr;
        Status status = store->is_read_only ? DB::OpenForReadOnly(store->options, wanted->path, &db)
                                            : DB::Open(store->options, wanted->path, &db);
        if (!status.ok()) return failure_of(status);
        store->db.reset(db);
        // Compaction gives way to the engine.
        disk->env->LowerThreadPoolCPUPriority(Env::LOW);
        *out = store.release();
        return nullptr;
    });
}

void nt_store_close(nt_store *store) {
    try {
        if (store->db) store->db->Close();
    } catch (...) {
        // It is going away; whatever was committed is on the disk.
    }
    delete store;
}

int nt_store_has_error(const nt_store *store) { return store->listener->has_error.load() ? 1 : 0; }

nt_failure *nt_store_get(nt_store *store, const void *key, size_t key_count, const uint8_t **value, size_t *value_count) {
    // Kept by the thread, so that reading allocates rarely; a large row's memory is not kept for the small ones after it.
    static thread_local std::string found;
    static const size_t kept_max = 1 << 20;
    *value = nullptr;
    *value_count = 0;
    return guarded([&]() -> nt_failure * {
        if (found.capacity() > kept_max) std::string().swap(found);
        Status status = store->db->Get(ReadOptions(), slice(key, key_count), &found);
        if (status.IsNotFound()) return nullptr;
        if (!status.ok()) return failure_of(status);
        *value = reinterpret_cast<const uint8_t *>(found.data());
        *value_count = found.size();
        return nullptr;
    });
}

void nt_store_set_expired(nt_store *store, int64_t expired) { store->filter->expired.store(expired); }

nt_failure *nt_store_ingest(nt_store *store, const char *const *paths, size_t count) {
    return guarded([&]() -> nt_failure * {
        IngestExternalFileOptions options;
        options.move_files = true;
        options.failed_move_fall_back_to_copy = true;
        // The number of a file's rows stands in the MANIFEST; the file, which is durable already, stays as it is.
        options.write_global_seqno = false;
        store->disk->files->hold_removals();
        Status status = store->db->IngestExternalFile(std::vector<std::string>(paths, paths + count), options);
        if (status.ok()) store->disk->files->release_removals();
        else store->listener->has_error.store(true);
        return failure_of(status);
    });
}

nt_failure *nt_store_verify(nt_store *store) {
    return guarded([&] {
        ReadOptions options;
        options.fill_cache = false;
        options.readahead_size = 1 << 20;
        return failure_of(store->db->VerifyChecksum(options));
    });
}

nt_failure *nt_store_copy(nt_store *store, const char *path) {
    return guarded([&]() -> nt_failure * {
        Checkpoint *made = nullptr;
        Status status = Checkpoint::Create(store->db.get(), &made);
        std::unique_ptr<Checkpoint> copy(made);
        // There is nothing in the memory table to flush.
        if (status.ok()) status = copy->CreateCheckpoint(path, UINT64_MAX);
        return failure_of(status);
    });
}

nt_failure *nt_store_compact(nt_store *store) {
    return guarded([&] {
        CompactRangeOptions options;
        options.bottommost_level_compaction = BottommostLevelCompaction::kForce;
        return failure_of(store->db->CompactRange(options, nullptr, nullptr));
    });
}

uint64_t nt_store_level0_count(nt_store *store) {
    std::string text;
    try {
        if (!store->db->GetProperty("rocksdb.num-files-at-level0", &text)) return 0;
        return std::stoull(text);
    } catch (...) {
        return 0;
    }
}

nt_failure *nt_part_create(nt_store *store, const char *path, nt_part **out) {
    *out = nullptr;
    return guarded([&]() -> nt_failure * {
        auto part = std::make_unique<nt_part>();
        part->path = path;
        part->writer = std::make_unique<SstFileWriter>(
            EnvOptions(store->part_options), store->part_options, nullptr, /*invalidate_page_cache*/ false);
        Status status = part->writer->Open(path);
        if (!status.ok()) return failure_of(status);
        *out = part.release();
        return nullptr;
    });
}

nt_failure *nt_part_put(nt_part *part, const void *key, size_t key_count, const void *value, size_t value_count) {
    return guarded([&] { return failure_of(part->writer->Put(slice(key, key_count), slice(value, value_count))); });
}

nt_failure *nt_part_remove(nt_part *part, const void *key, size_t key_count) {
    return guarded([&] { return failure_of(part->writer->Delete(slice(key, key_count))); });
}

nt_failure *nt_part_finish(nt_part *part) {
    return guarded([&] { return failure_of(part->writer->Finish()); });
}

void nt_part_destroy(nt_part *part) { delete part; }

nt_failure *nt_cursor_create(
    nt_store *store, const void *first, size_t first_count, const void *end, size_t end_count, nt_cursor **out) {
    *out = nullptr;
    return guarded([&]() -> nt_failure * {
        auto cursor = std::make_unique<nt_cursor>();
        cursor->end.assign(static_cast<const char *>(end), end_count);
        cursor->end_slice = Slice(cursor->end);
        ReadOptions options;
        // A scan reads what is not read again soon.
        options.fill_cache = false;
        options.iterate_upper_bound = &cursor->end_slice;
        cursor->rows.reset(store->db->NewIterator(options));
        cursor->rows->Seek(slice(first, first_count));
        *out = cursor.release();
        return nullptr;
    });
}

nt_failure *nt_cursor_next(nt_cursor *cursor, const uint8_t **key, size_t *key_count, const uint8_t **value, size_t *value_count) {
    *key = nullptr;
    return guarded([&]() -> nt_failure * {
        if (!cursor->is_fresh) cursor->rows->Next();
        cursor->is_fresh = false;
        if (!cursor->rows->Valid()) return failure_of(cursor->rows->status());
        *key = reinterpret_cast<const uint8_t *>(cursor->rows->key().data());
        *key_count = cursor->rows->key().size();
        *value = reinterpret_cast<const uint8_t *>(cursor->rows->value().data());
        *value_count = cursor->rows->value().size();
        return nullptr;
    });
}

void nt_cursor_destroy(nt_cursor *cursor) { delete cursor; }

}  // extern "C"
