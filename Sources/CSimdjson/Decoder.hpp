// What a decoder keeps from block to block, and its methods: Block.cpp cuts a block into lines, LineWalker.cpp reads them with simdjson's
// on-demand parser, EventReader.cpp reads simdjson's tree of lines that are unusual, Reasons.cpp names what is wrong with a line.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "CSimdjson.h"
#include "KeyShapes.hpp"

namespace needletail {

// The numbers of Events' ValueKind.
enum : uint8_t { kind_boolean = 1, kind_integer = 2, kind_unsigned = 3, kind_double = 4, kind_string = 5, kind_list = 6, kind_object = 7 };

// Beside enum nt_reject: the batch has no room for the text of a row, and the whole block is to be decoded again with more.
enum : uint32_t { no_room = UINT32_MAX };

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

// Where a field's values go in the block at hand, flat for the walk over a document.
struct Target {
    Slot slot;  // null where the field itself is not wanted, but others inside it are
    bool has_more;  // other columns want it as well
};

inline bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

// Whether UTF-8 that comes from escapes holds half a surrogate pair, which is no character. In the text itself simdjson refuses it.
inline bool has_half_pair(const uint8_t *text, size_t length) {
    const uint8_t *const end = text + length;
    while (const void *found = std::memchr(text, 0xED, size_t(end - text))) {
        text = static_cast<const uint8_t *>(found) + 1;
        if (text < end && *text >= 0xA0) { return true; }
    }
    return false;
}

}  // namespace needletail

struct nt_decoder {
    // Lines that are scanned at once: they stay in the first-level cache until they are walked.
    static constexpr size_t chunk_bytes = 32 * 1024;

    size_t column_count;
    std::vector<needletail::Field> fields;
    std::vector<needletail::Slot> slots;
    std::vector<needletail::Target> targets;  // of field n at n + 1, and of what is no field first
    needletail::KeyTable key_table;
    std::vector<nt_rejected> rejects;
    std::vector<uint8_t> time_kinds;
    std::vector<uint64_t> time_payloads;
    bool only_trees = false;

    // Of the block at hand.
    nt_block *block = nullptr;
    size_t row = 0;
    size_t line = 0;
    size_t strings_used = 0;
    // Objects met so far in the document at hand.
    uint32_t objects = 0;

    // LineWalker: simdjson's on-demand parsers of many lines and of one, and the shapes of keys as they stand in the text, each with its
    // closing quote.
    simdjson::ondemand::parser lines_walker;
    simdjson::ondemand::parser walker;
    needletail::KeyShapes raw_shapes;
    const uint8_t *walk_end = nullptr;  // of the line at hand
    bool walk_escapes = false;  // whether the line at hand has a backslash
    bool was_flat = true;  // whether the lines before had known keys and nothing nested
    // Values that simdjson may write in another form than the line's, met so far in the block.
    uint32_t reformed = 0;
    // The first backslash at or behind the last line asked for; `bytes_end` where there is none.
    const uint8_t *next_backslash = nullptr;

    // EventReader: simdjson's trees.
    simdjson::dom::parser parser;
    needletail::KeyShapes shapes;
    // A line rewritten for a second try.
    std::vector<uint8_t> rewritten;
    // The first backslash at or behind the last place asked for; `bytes_end` where there is none.
    const uint8_t *backslash = nullptr;
    const uint8_t *bytes_end = nullptr;

    explicit nt_decoder(size_t columns);

    // Block.cpp
    bool read_block();
    bool read_lines(size_t start, size_t limit, size_t &cut);
    uint32_t read_line(const uint8_t *line, size_t size);
    bool end_line(size_t start, size_t end, uint32_t reason);
    bool has_row();
    size_t line_end(size_t start, size_t limit) const;
    simdjson::error_code parse(const uint8_t *line, size_t size, simdjson::dom::element &document);

    // LineWalker.cpp
    size_t walk_lines(size_t start, size_t end);
    bool walk_line(const uint8_t *line, size_t size);

    // EventReader.cpp
    uint32_t read_event(simdjson::dom::element document, const uint8_t *line, size_t size);
    uint32_t read_object(simdjson::dom::object object, int32_t field, uint32_t depth);
    uint32_t read_list(simdjson::dom::array list, int32_t field, uint32_t depth);
    uint32_t read_value(simdjson::dom::element value, int32_t field, uint32_t depth);
    uint32_t read_container(simdjson::dom::element value, int32_t field, uint32_t depth);
    bool has_surrogate_escape(const uint8_t *from, const uint8_t *to);

    // Reasons.cpp
    uint32_t reason(simdjson::error_code error, const uint8_t *line, size_t size);
    bool widen_integers(const uint8_t *line, size_t size);
    bool is_out_of_range(const uint8_t *line, size_t size);

    bool is_wanted(int32_t field) const { return targets[size_t(field + 1)].slot.kinds != nullptr; }

    // For a wanted field.
    void write(int32_t field, uint8_t kind, uint64_t payload) {
        const needletail::Target target = targets[size_t(field + 1)];
        const size_t place = row;
        target.slot.kinds[place] = kind;
        target.slot.payloads[place] = payload;
        if (simdjson_unlikely(target.has_more)) {
            for (uint32_t slot : fields[size_t(field)].slots) {
                slots[slot].kinds[place] = kind;
                slots[slot].payloads[place] = payload;
            }
        }
    }

    // Whether the text area has room for so many bytes, and for what simdjson writes beyond them.
    bool has_room(size_t length) {
        if (simdjson_likely(length + NT_PADDING <= block->strings_capacity - strings_used)) { return true; }
        block->strings_needed = (block->strings_capacity - block->strings_start) * 2 + length + NT_PADDING;
        return false;
    }

    // For a wanted field whose text does not stand in the line as it is.
    uint32_t write_text(int32_t field, uint8_t kind, const char *text, size_t length) {
        if (!has_room(length)) { return needletail::no_room; }
        std::memcpy(block->strings + strings_used, text, length);
        write(field, kind, uint64_t(strings_used) | uint64_t(length) << 32);
        strings_used += length;
        return NT_ACCEPTED;
    }

    // Before each walk over a line. Lines come in their order.
    void start_walk(const uint8_t *from, const uint8_t *to) {
        walk_end = to;
        if (simdjson_unlikely(next_backslash == nullptr || next_backslash < from)) {
            const void *found = std::memchr(from, '\\', size_t(bytes_end - from));
            next_backslash = found ? static_cast<const uint8_t *>(found) : bytes_end;
        }
        walk_escapes = next_backslash < to;
        key_table.start_line();
        objects = 0;
    }

    // Ends the row of the line in bytes[start ..< end].
    void keep_row(size_t start, size_t end) {
        if (block->bytes[end - 1] == '\r') { end--; }
        block->lines[row] = block->first_line + line;
        block->raw_offsets[row] = uint32_t(start);
        block->raw_lengths[row] = uint32_t(end - start);
        row++;
        line++;
    }

    // Takes back what a line has left in the row.
    void clear_row(size_t strings_before) {
        strings_used = strings_before;
        for (needletail::Slot &slot : slots) { slot.kinds[row] = 0; }
    }
};
