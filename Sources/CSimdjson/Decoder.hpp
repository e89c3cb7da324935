// What a decoder keeps from block to block, and the methods of the second stage (EventReader.cpp).
#pragma once

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "CSimdjson.h"
#include "KeyShapes.hpp"

namespace needletail {

// A place in the tree of wanted fields.
struct Field {
    std::vector<std::pair<std::string, int32_t>> names;
    std::vector<std::pair<uint64_t, int32_t>> indexes;
    std::vector<uint32_t> slots;

    int32_t named(const uint8_t *key, uint32_t length) const {
        for (const auto &entry : names) {
            if (entry.first.size() == length && std::memcmp(entry.first.data(), key, length) == 0) { return entry.second; }
        }
        return -1;
    }

    int32_t at(uint64_t index) const {
        for (const auto &entry : indexes) {
            if (entry.first == index) { return entry.second; }
        }
        return -1;
    }
};

struct Slot {
    uint8_t *kinds;
    uint64_t *payloads;
};

// Where a field's values go in the block at hand, flat for the second stage.
struct Target {
    Slot slot;  // null where the field itself is not wanted, but others inside it are
    bool has_more;  // other columns want it as well
};

// A container that is open.
struct Frame {
    bool is_object;
    bool loose;  // its keys are in the key table
    int32_t field;
    uint32_t shape;
    uint32_t object;  // a number of its own in the line
    uint32_t opening;  // its first token
    uint64_t index;  // of the list element at hand
};

// What one line's second stage works on; positions are relative to `base`.
struct Line {
    const uint8_t *base;
    const uint32_t *tokens;
    uint32_t end;
};

}  // namespace needletail

struct nt_decoder {
    size_t column_count;
    std::vector<needletail::Field> fields;
    std::vector<needletail::Slot> slots;
    std::vector<needletail::Target> targets;
    needletail::KeyShapes shapes;
    needletail::KeyTable key_table;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_one;
    std::vector<needletail::Frame> frames;
    std::vector<uint32_t> line_starts, line_ends;
    std::vector<nt_rejected> rejects;
    std::vector<uint8_t> time_kinds;
    std::vector<uint64_t> time_payloads;
    // Unescaped keys and unwanted strings of the line at hand.
    std::vector<uint8_t> scratch;
    size_t scratch_used = 0;

    uint8_t *strings = nullptr;
    size_t strings_used = 0;
    size_t row = 0;
    // The first backslash at or behind the last place asked for; `bytes_end` where there is none.
    const uint8_t *backslash = nullptr;
    const uint8_t *bytes_end = nullptr;

    explicit nt_decoder(size_t columns)
        : column_count(columns), fields(1), slots(columns + 1), key_table(random_seed()), frames(NT_DEPTH_MAX + 1) {}

    static uint64_t random_seed() {
        std::random_device device;
        return uint64_t(device()) << 32 | device() | 1;
    }

    bool has_backslash(const uint8_t *from, const uint8_t *to) {
        if (simdjson_unlikely(backslash < from)) {
            const void *found = std::memchr(from, '\\', size_t(bytes_end - from));
            backslash = found ? static_cast<const uint8_t *>(found) : bytes_end;
        }
        return backslash < to;
    }

    // Unescapes the string that begins at `from`, behind its quote. Returns its end in `to`, or null.
    uint8_t *unescape(const uint8_t *from, uint8_t *to) {
        uint8_t *end = stage_one->parse_string(from, to);
        if (end == nullptr) { return nullptr; }
        // The second half of a surrogate pair by itself is no character, and would break the UTF-8 of what we hand on.
        for (const uint8_t *at = to; at + 1 < end; at++) {
            at = static_cast<const uint8_t *>(std::memchr(at, 0xED, size_t(end - at)));
            if (at == nullptr || at + 1 >= end) { break; }
            if (at[1] >= 0xA0) { return nullptr; }
        }
        return end;
    }

    bool is_wanted(int32_t field) const { return field >= 0 && targets[size_t(field)].slot.kinds != nullptr; }

    // For a wanted field.
    simdjson_inline void write(int32_t field, uint8_t kind, uint64_t payload) {
        const needletail::Target &target = targets[size_t(field)];
        target.slot.kinds[row] = kind;
        target.slot.payloads[row] = payload;
        if (simdjson_unlikely(target.has_more)) {
            for (uint32_t slot : fields[size_t(field)].slots) {
                slots[slot].kinds[row] = kind;
                slots[slot].payloads[row] = payload;
            }
        }
    }

    simdjson_inline uint32_t read_string(const uint8_t *open, const uint8_t *close, int32_t field);
    uint32_t enter_key(const needletail::Line &line, uint32_t token, needletail::Frame &frame, int32_t &field);
    uint32_t read_event(const needletail::Line &line, uint32_t &token);
    uint32_t read_line(const needletail::Line &line, uint32_t &token);
    void write_list(const needletail::Line &line, uint32_t opening, uint32_t closing, int32_t field);
    uint32_t stage_one_reason(simdjson::error_code error, const uint8_t *from, size_t length);
};
