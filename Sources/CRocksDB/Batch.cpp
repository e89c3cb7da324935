// Rows that are written in batches through a synced log: what must be durable at once and is gone soon. See Sources/StateStores/Outbox.
#include "Failure.h"
#include "Store.h"

#include <rocksdb/write_batch.h>

using namespace rocksdb;
using needletail::failure_of;
using needletail::guarded;

struct nt_batch {
    WriteBatch rows;
};

namespace {

Slice slice(const void *bytes, size_t count) { return Slice(static_cast<const char *>(bytes), count); }

}  // namespace

extern "C" {

nt_batch *nt_batch_create(void) { return new nt_batch; }

void nt_batch_destroy(nt_batch *batch) { delete batch; }

nt_failure *nt_batch_put(nt_batch *batch, const void *key, size_t key_count, const void *value, size_t value_count) {
    return guarded([&] { return failure_of(batch->rows.Put(slice(key, key_count), slice(value, value_count))); });
}

nt_failure *nt_batch_remove(nt_batch *batch, const void *key, size_t key_count) {
    return guarded([&] { return failure_of(batch->rows.Delete(slice(key, key_count))); });
}

nt_failure *nt_batch_remove_range(nt_batch *batch, const void *first, size_t first_count, const void *end, size_t end_count) {
    return guarded([&] { return failure_of(batch->rows.DeleteRange(slice(first, first_count), slice(end, end_count))); });
}

nt_failure *nt_store_write(nt_store *store, nt_batch *batch) {
    return guarded([&] {
        WriteOptions options;
        options.sync = true;
        Status status = store->db->Write(options, &batch->rows);
        if (!status.ok()) store->listener->has_error.store(true);
        return failure_of(status);
    });
}

}  // extern "C"
