// What a decoder keeps from block to block, and its methods: Block.cpp parses, EventReader.cpp fills the columns, Reasons.cpp names
// what is wrong with a line.
#pragma once

#include <simdjson.h>

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

}  // namespace needletail

struct nt_decoder {
    size_t column_count;
    std::vector<needletail::Field> fields;
    std::vector<needletail::Slot> slots;
    std::vector<needletail::Target> targets;
    needletail::KeyShapes shapes;
    needletail::KeyTable key_table;
    simdjson::dom::parser parser;
    std::vector<uint32_t> line_starts, line_ends;
    uint32_t longest_line = 0;
    std::vector<nt_rejected> rejects;
    std::vector<uint8_t> time_kinds;
    std::vector<uint64_t> time_payloads;
    // A line rewritten for a second try.
    std::vector<uint8_t> rewritten;

    // Of the block at hand.
    uint8_t *strings = nullptr;
    size_t strings_used = 0;
    size_t strings_capacity = 0;
    size_t strings_needed = 0;
    size_t row = 0;
    // The first backslash at or behind the last place asked for; `bytes_end` where there is none.
    const uint8_t *backslash = nullptr;
    const uint8_t *bytes_end = nullptr;
    // Objects met so far in the document at hand.
    uint32_t objects = 0;

    explicit nt_decoder(size_t columns);

    // Block.cpp
    void start_rows(const nt_block &block);
    void end_line(nt_block &block, size_t index, uint32_t reason);
    bool read_block(nt_block &block);
    void read_lines(nt_block &block);
    uint32_t read_line(const uint8_t *line, size_t size);
    simdjson::error_code parse(const uint8_t *line, size_t size, simdjson::dom::element &document);

    // EventReader.cpp
    uint32_t read_event(simdjson::dom::element document, const uint8_t *line, size_t size);
    uint32_t read_object(simdjson::dom::object object, int32_t field, uint32_t depth);
    uint32_t read_list(simdjson::dom::array list, int32_t field, uint32_t depth);
    uint32_t read_value(simdjson::dom::element value, int32_t field, uint32_t depth);
    uint32_t read_container(simdjson::dom::element value, int32_t field, uint32_t depth);
    uint32_t write_text(int32_t field, uint8_t kind, const char *text, size_t length);
    bool has_surrogate_escape(const uint8_t *from, const uint8_t *to);
    void write(int32_t field, uint8_t kind, uint64_t payload);

    // Reasons.cpp
    uint32_t reason(simdjson::error_code error, const uint8_t *line, size_t size);
    bool widen_integers(const uint8_t *line, size_t size);
    bool is_out_of_range(const uint8_t *line, size_t size);

    bool is_wanted(int32_t field) const { return field >= 0 && targets[size_t(field)].slot.kinds != nullptr; }
};
