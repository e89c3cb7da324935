#include "Table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

using namespace rocksdb;

namespace needletail {

namespace {

constexpr size_t tail_count_max = 8 << 10;
constexpr uint64_t seal_magic = 0x316c61657374746eULL;  // "nttseal1"

bool ends_in(const std::string &path, const char *ending) {
    const size_t count = std::strlen(ending);
    return path.size() > count && path.compare(path.size() - count, count, ending) == 0;
}

void store64(char *place, uint64_t number) {
    for (int i = 0; i < 8; i++) place[i] = char(number >> (8 * i));
}

std::string seal_of(const char *tail, size_t tail_count, uint64_t count) {
    std::string seal(seal_count, 0);
    store64(seal.data(), seal_magic);
    store64(seal.data() + 8, count);
    store64(seal.data() + 16, XXH3_64bits_withSeed(tail, tail_count, count));
    return seal;
}

class SealingFile final : public FSWritableFileOwnerWrapper {
public:
    explicit SealingFile(std::unique_ptr<FSWritableFile> &&file) : FSWritableFileOwnerWrapper(std::move(file)) {}

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        if (is_sealed_) return IOStatus::NotSupported("a table cannot grow after it is synced");
        IOStatus status = target()->Append(data, options, debug);
        if (!status.ok()) return status;
        count_ += data.size();
        if (data.size() >= tail_count_max) {
            tail_.assign(data.data() + (data.size() - tail_count_max), tail_count_max);
        } else {
            if (tail_.size() + data.size() > tail_count_max) tail_.erase(0, tail_.size() + data.size() - tail_count_max);
            tail_.append(data.data(), data.size());
        }
        return status;
    }
    IOStatus Append(const Slice &data, const IOOptions &options, const DataVerificationInfo &, IODebugContext *debug) override {
        return Append(data, options, debug);
    }
    IOStatus PositionedAppend(const Slice &, uint64_t, const IOOptions &, IODebugContext *) override {
        return IOStatus::NotSupported("a table is written from its beginning to its end");
    }
    IOStatus PositionedAppend(const Slice &, uint64_t, const IOOptions &, const DataVerificationInfo &, IODebugContext *) override {
        return IOStatus::NotSupported("a table is written from its beginning to its end");
    }
    uint64_t GetFileSize(const IOOptions &, IODebugContext *) override { return count_; }
    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        IOStatus status = seal(options, debug);
        return status.ok() ? target()->Sync(options, debug) : status;
    }
    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        IOStatus status = seal(options, debug);
        return status.ok() ? target()->Fsync(options, debug) : status;
    }
    IOStatus Close(const IOOptions &options, IODebugContext *debug) override {
        IOStatus status = seal(options, debug);
        IOStatus closed = target()->Close(options, debug);
        return status.ok() ? closed : status;
    }

private:
    IOStatus seal(const IOOptions &options, IODebugContext *debug) {
        if (is_sealed_) return IOStatus::OK();
        IOStatus status = target()->Append(seal_of(tail_.data(), tail_.size(), count_), options, debug);
        is_sealed_ = status.ok();
        return status;
    }

    uint64_t count_ = 0;
    std::string tail_;
    bool is_sealed_ = false;
};

}  // namespace

bool is_table(const std::string &path) { return ends_in(path, ".sst") || ends_in(path, ".writing"); }

std::unique_ptr<FSWritableFile> sealing(std::unique_ptr<FSWritableFile> &&file) {
    return std::unique_ptr<FSWritableFile>(new SealingFile(std::move(file)));
}

IOStatus check_seal(FileSystem &files, const std::string &path, const FSRandomAccessFile &file) {
    uint64_t size = 0;
    IOStatus status = files.GetFileSize(path, IOOptions(), &size, nullptr);
    if (!status.ok()) return status;
    if (size < seal_count) return IOStatus::Corruption("too short: " + path);
    const uint64_t count = size - seal_count;
    const size_t tail_count = size_t(std::min<uint64_t>(count, tail_count_max));
    std::string room(tail_count + seal_count, 0);
    Slice tail;
    status = file.Read(count - tail_count, room.size(), IOOptions(), &tail, room.data(), nullptr);
    if (!status.ok()) return status;
    if (tail.size() != room.size() ||
        seal_of(tail.data(), tail_count, count) != std::string(tail.data() + tail_count, seal_count))
        return IOStatus::Corruption("the end is not as it was written: " + path);
    return IOStatus::OK();
}

}  // namespace needletail
