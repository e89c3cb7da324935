#include "Table.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
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

/// The sound beginning of a log, in memory.
class SoundLog final : public FSSequentialFile {
public:
    explicit SoundLog(std::string &&content) : content_(std::move(content)) {}

    IOStatus Read(size_t count, const IOOptions &, Slice *result, char *scratch, IODebugContext *) override {
        count = std::min(count, content_.size() - place_);
        std::memcpy(scratch, content_.data() + place_, count);
        place_ += count;
        *result = Slice(scratch, count);
        return IOStatus::OK();
    }
    IOStatus Skip(uint64_t count) override {
        place_ += size_t(std::min<uint64_t>(count, content_.size() - place_));
        return IOStatus::OK();
    }

private:
    std::string content_;
    size_t place_ = 0;
};

/// CRC-32C, byte by byte: a MANIFEST is small.
uint32_t crc32c(const uint8_t *bytes, size_t count) {
    static const std::array<uint32_t, 256> table = [] {
        std::array<uint32_t, 256> made{};
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t rest = i;
            for (int bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >> 1 ^ 0x82f63b78u : rest >> 1;
            made[i] = rest;
        }
        return made;
    }();
    uint32_t sum = 0xffffffffu;
    for (size_t i = 0; i < count; i++) sum = sum >> 8 ^ table[(sum ^ bytes[i]) & 0xff];
    return ~sum;
}

/// Where the last sound record of a log ends. A log is blocks of 32 KiB of fragments: a masked CRC-32C over type and payload, the payload's
/// count in 2 bytes, a type (whole, first, middle, last), the payload. A block's end that is too short for a head is filled with zeros.
size_t sound_count(const std::string &log) {
    constexpr size_t block_count = 32 << 10, head_count = 7;
    enum { whole = 1, first = 2, middle = 3, last = 4 };
    const auto *bytes = reinterpret_cast<const uint8_t *>(log.data());
    size_t place = 0, sound = 0;
    bool is_inside = false;
    while (true) {
        const size_t left = block_count - place % block_count;
        if (left < head_count) place += left;
        if (place + head_count > log.size()) return sound;
        const uint8_t *head = bytes + place;
        const size_t count = head[4] | size_t(head[5]) << 8;
        const int type = head[6];
        if (place % block_count + head_count + count > block_count || place + head_count + count > log.size()) return sound;
        const uint32_t stored = head[0] | uint32_t(head[1]) << 8 | uint32_t(head[2]) << 16 | uint32_t(head[3]) << 24;
        const uint32_t sum = crc32c(head + 6, 1 + count);
        if (stored != (sum >> 15 | sum << 17) + 0xa282ead8u) return sound;
        if (type < whole || type > last || is_inside != (type == middle || type == last)) return sound;
        place += head_count + count;
        is_inside = type == first || type == middle;
        if (!is_inside) sound = place;
    }
}

}  // namespace

bool is_table(const std::string &path) { return ends_in(path, ".sst") || ends_in(path, ".writing"); }

bool is_manifest(const std::string &path) {
    const size_t slash = path.rfind('/');
    return path.compare(slash == std::string::npos ? 0 : slash + 1, 9, "MANIFEST-") == 0;
}

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

IOStatus read_sound(std::unique_ptr<FSSequentialFile> *file) {
    std::string log;
    std::string room(64 << 10, 0);
    while (true) {
        Slice piece;
        IOStatus status = (*file)->Read(room.size(), IOOptions(), &piece, room.data(), nullptr);
        if (!status.ok()) return status;
        if (piece.empty()) break;
        log.append(piece.data(), piece.size());
    }
    log.resize(sound_count(log));
    file->reset(new SoundLog(std::move(log)));
    return IOStatus::OK();
}

}  // namespace needletail
