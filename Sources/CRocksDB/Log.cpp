#include "Log.h"

#include <algorithm>
#include <array>
#include <cstring>

using namespace rocksdb;

namespace needletail {

namespace {

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

/// CRC-32C, eight bytes at a time by tables: a log may hold some megabytes.
uint32_t crc32c(const uint8_t *bytes, size_t count) {
    static const std::array<std::array<uint32_t, 256>, 8> tables = [] {
        std::array<std::array<uint32_t, 256>, 8> made{};
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t rest = i;
            for (int bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >> 1 ^ 0x82f63b78u : rest >> 1;
            made[0][i] = rest;
        }
        for (size_t t = 1; t < 8; t++)
            for (size_t i = 0; i < 256; i++) made[t][i] = made[t - 1][i] >> 8 ^ made[0][made[t - 1][i] & 0xff];
        return made;
    }();
    uint32_t sum = 0xffffffffu;
    for (; count >= 8; bytes += 8, count -= 8) {
        const uint32_t low = sum ^ (bytes[0] | uint32_t(bytes[1]) << 8 | uint32_t(bytes[2]) << 16 | uint32_t(bytes[3]) << 24);
        sum = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
              tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^ tables[0][bytes[7]];
    }
    for (size_t i = 0; i < count; i++) sum = sum >> 8 ^ tables[0][(sum ^ bytes[i]) & 0xff];
    return ~sum;
}

/// Walks over the fragments of a log. A log is blocks of 32 KiB of fragments: a masked CRC-32C over type and payload, the payload's count
/// in 2 bytes, a type, the payload. A block's end that is too short for a head is filled with zeros.
class Fragments {
public:
    enum { whole = 1, first = 2, middle = 3, last = 4 };

    explicit Fragments(const std::string &log) : log_(log) {}

    bool is_sound = false;
    int type = 0;
    Slice payload;
    /// Where the fragment ends.
    size_t end = 0;

    /// False at the end of the log; what is left there is too short for a head. Behind a fragment whose length cannot be true the walk
    /// goes on with the next block.
    bool next() {
        const size_t left = block_count - end % block_count;
        if (left < head_count) end += left;
        if (end + head_count > log_.size()) return false;
        const auto *head = reinterpret_cast<const uint8_t *>(log_.data()) + end;
        const size_t count = head[4] | size_t(head[5]) << 8;
        type = head[6];
        if (end % block_count + head_count + count > block_count || end + head_count + count > log_.size()) {
            is_sound = false;
            end += block_count - end % block_count;
            return true;
        }
        const uint32_t stored = head[0] | uint32_t(head[1]) << 8 | uint32_t(head[2]) << 16 | uint32_t(head[3]) << 24;
        const uint32_t sum = crc32c(head + 6, 1 + count);
        is_sound = stored == (sum >> 15 | sum << 17) + 0xa282ead8u && type >= whole && type <= last;
        payload = Slice(log_.data() + end + head_count, count);
        end += head_count + count;
        return true;
    }

private:
    static constexpr size_t block_count = 32 << 10, head_count = 7;
    const std::string &log_;
};

/// A number of 7 bits a byte, the low ones first; false where there is none.
bool take_number(const std::string &bytes, size_t &place, uint64_t &number) {
    number = 0;
    for (int shift = 0; shift < 64 && place < bytes.size(); shift += 7) {
        const auto byte = uint8_t(bytes[place++]);
        number |= uint64_t(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/// The sequence number that a record of a MANIFEST tells; false where it tells none. A record is tags with what belongs to them; those that
/// may stand before it are a number or a text, and what comes after need not be understood.
bool told_sequence(const std::string &record, uint64_t &sequence) {
    enum { comparator = 1, log = 2, next_file = 3, last_sequence = 4, previous_log = 9, least_log = 10, families = 203, identity = 8193 };
    size_t place = 0;
    uint64_t tag = 0, number = 0;
    while (take_number(record, place, tag)) {
        if (tag != comparator && tag != log && tag != next_file && tag != last_sequence && tag != previous_log && tag != least_log &&
            tag != families && tag != identity)
            return false;
        if (!take_number(record, place, number)) return false;
        if (tag == last_sequence) {
            sequence = number;
            return true;
        }
        if (tag == comparator || tag == identity) {
            if (number > record.size() - place) return false;
            place += number;
        }
    }
    return false;
}

/// Where the last sound record of a MANIFEST ends before the first one that is not; `goes_back` where sequence numbers do.
size_t sound_count(const std::string &log, bool &goes_back) {
    Fragments fragments(log);
    size_t sound = 0;
    bool is_inside = false;
    std::string record;
    uint64_t told = 0, sequence = 0;
    goes_back = false;
    while (fragments.next()) {
        const int type = fragments.type;
        if (!fragments.is_sound || is_inside != (type == Fragments::middle || type == Fragments::last)) return sound;
        if (!is_inside) record.clear();
        record.append(fragments.payload.data(), fragments.payload.size());
        is_inside = type == Fragments::first || type == Fragments::middle;
        if (is_inside) continue;
        sound = fragments.end;
        if (!told_sequence(record, sequence)) continue;
        goes_back = goes_back || sequence < told;
        told = sequence;
    }
    return sound;
}

IOStatus read_all(FSSequentialFile &file, std::string &log) {
    std::string room(64 << 10, 0);
    while (true) {
        Slice piece;
        IOStatus status = file.Read(room.size(), IOOptions(), &piece, room.data(), nullptr);
        if (!status.ok()) return status;
        if (piece.empty()) return status;
        log.append(piece.data(), piece.size());
    }
}

uint64_t number_at(const std::string &bytes, size_t place, size_t count) {
    uint64_t number = 0;
    for (size_t i = count; i > 0; i--) number = number << 8 | uint8_t(bytes[place + i - 1]);
    return number;
}

}  // namespace

bool is_manifest(const std::string &path) {
    const size_t slash = path.rfind('/');
    return path.compare(slash == std::string::npos ? 0 : slash + 1, 9, "MANIFEST-") == 0;
}

bool is_write_ahead_log(const std::string &path) { return path.size() > 4 && path.compare(path.size() - 4, 4, ".log") == 0; }

IOStatus read_sound(const std::string &path, std::unique_ptr<FSSequentialFile> *file) {
    std::string log;
    IOStatus status = read_all(**file, log);
    if (!status.ok()) return status;
    bool goes_back = false;
    log.resize(sound_count(log, goes_back));
    if (goes_back) return IOStatus::Corruption("records are not in their order: " + path);
    file->reset(new SoundLog(std::move(log)));
    return IOStatus::OK();
}

IOStatus read_proved(const std::string &path, LogChain &chain, std::unique_ptr<FSSequentialFile> *file) {
    std::string log;
    IOStatus status = read_all(**file, log);
    if (!status.ok()) return status;

    // A record begins with the sequence number of its first row, in 8 bytes, and the count of its rows in 4.
    constexpr size_t begin_count = 12;
    Fragments fragments(log);
    std::string begin;
    size_t sound = 0;
    bool is_inside = false, is_broken = false;
    while (fragments.next()) {
        const int type = fragments.type;
        const bool begins = type == Fragments::whole || type == Fragments::first;
        if (is_broken) {
            if (fragments.is_sound && begins) return IOStatus::Corruption("a record is not as it was written: " + path);
            continue;
        }
        if (!fragments.is_sound) {
            is_broken = true;
            continue;
        }
        // Fragments that are sound come in the order in which they are written.
        if (is_inside == begins) return IOStatus::Corruption("records are not in their order: " + path);
        if (begins) begin.clear();
        if (begin.size() < begin_count) begin.append(fragments.payload.data(), std::min(begin_count - begin.size(), fragments.payload.size()));
        is_inside = type == Fragments::first || type == Fragments::middle;
        if (is_inside) continue;
        if (begin.size() < begin_count) return IOStatus::Corruption("a record is too short: " + path);
        const uint64_t sequence = number_at(begin, 0, 8);
        if (chain.has_next && sequence != chain.next) return IOStatus::Corruption("records are missing before those of " + path);
        chain = {true, sequence + number_at(begin, 8, 4)};
        sound = fragments.end;
    }
    log.resize(sound);
    file->reset(new SoundLog(std::move(log)));
    return IOStatus::OK();
}

}  // namespace needletail
