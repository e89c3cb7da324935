// One document that simdjson has parsed to a tree to the columns of a row: the careful way, for lines that LineWalker.cpp gives up.
//
// All of it is walked, also what no column wants, because a repeated key makes a line a reject wherever it stands.

#include "Decoder.hpp"

using namespace needletail;
using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

// At most NT_DEPTH_MAX deep, which was checked before.
bool has_half_pair(element value) {
    switch (value.type()) {
    case element_type::STRING: {
        const std::string_view text = value.get_string().value_unsafe();
        return needletail::has_half_pair(reinterpret_cast<const uint8_t *>(text.data()), text.size());
    }
    case element_type::OBJECT: {
        const simdjson::dom::object object = value.get_object().value_unsafe();
        for (auto at = object.begin(), end = object.end(); at != end; ++at) {
            const bool in_key = needletail::has_half_pair(reinterpret_cast<const uint8_t *>(at.key_c_str()), at.key_length());
            if (in_key || has_half_pair(at.value())) { return true; }
        }
        return false;
    }
    case element_type::ARRAY: {
        const simdjson::dom::array list = value.get_array().value_unsafe();
        for (element inner : list) {
            if (has_half_pair(inner)) { return true; }
        }
        return false;
    }
    default: return false;
    }
}

}  // namespace

// Whether a line has an escape such as \ud83d. Lines are asked about in their order.
bool nt_decoder::has_surrogate_escape(const uint8_t *from, const uint8_t *to) {
    while (true) {
        if (simdjson_unlikely(backslash < from)) {
            const void *found = std::memchr(from, '\\', size_t(bytes_end - from));
            backslash = found ? static_cast<const uint8_t *>(found) : bytes_end;
        }
        if (simdjson_likely(backslash >= to)) { return false; }
        if (to - backslash > 2 && backslash[1] == 'u' && (backslash[2] | 0x20) == 'd') { return true; }
        // A backslash outside strings may be the last byte of all.
        from = backslash + 2;
        if (from >= to) { return false; }
    }
}

simdjson_inline uint32_t nt_decoder::read_value(element value, int32_t field, uint32_t depth) {
    const element_type type = value.type();
    if (type == element_type::OBJECT || type == element_type::ARRAY) { return read_container(value, field, depth); }
    if (!is_wanted(field)) { return NT_ACCEPTED; }
    switch (type) {
    case element_type::STRING: {
        const std::string_view text = value.get_string().value_unsafe();
        return write_text(field, kind_string, text.data(), text.size());
    }
    case element_type::INT64: write(field, kind_integer, uint64_t(value.get_int64().value_unsafe())); break;
    case element_type::UINT64: write(field, kind_unsigned, value.get_uint64().value_unsafe()); break;
    case element_type::DOUBLE: {
        const double number = value.get_double().value_unsafe();
        uint64_t payload;
        std::memcpy(&payload, &number, sizeof payload);
        write(field, kind_double, payload);
        break;
    }
    case element_type::BOOL: write(field, kind_boolean, value.get_bool().value_unsafe()); break;
    default: break;
    }
    return NT_ACCEPTED;
}

uint32_t nt_decoder::read_container(element value, int32_t field, uint32_t depth) {
    // simdjson counts no empty lists and objects, so its own bound lets one more of these through.
    if (depth == NT_DEPTH_MAX) { return NT_TOO_DEEP; }
    if (value.type() == element_type::OBJECT) {
        if (is_wanted(field)) { write(field, kind_object, 0); }
        if (field >= 0 && fields[size_t(field)].names.empty()) { field = -1; }
        return read_object(value.get_object().value_unsafe(), field, depth + 1);
    }
    if (is_wanted(field)) {
        const std::string text = simdjson::minify(value);
        const uint32_t reason = write_text(field, kind_list, text.data(), text.size());
        if (reason != NT_ACCEPTED) { return reason; }
    }
    return read_list(value.get_array().value_unsafe(), field, depth + 1);
}

uint32_t nt_decoder::read_list(simdjson::dom::array list, int32_t field, uint32_t depth) {
    uint64_t index = 0;
    for (element value : list) {
        const int32_t inner = field >= 0 ? fields[size_t(field)].at(index) : -1;
        const uint32_t reason = read_value(value, inner, depth);
        if (simdjson_unlikely(reason != NT_ACCEPTED)) { return reason; }
        index++;
    }
    return NT_ACCEPTED;
}

uint32_t nt_decoder::read_object(simdjson::dom::object object, int32_t field, uint32_t depth) {
    const uint32_t number = ++objects;
    Shape *shape = shapes.root(field);
    bool loose = false;
    for (auto at = object.begin(), end = object.end(); at != end; ++at) {
        const uint8_t *const key = reinterpret_cast<const uint8_t *>(at.key_c_str());
        const uint32_t length = at.key_length();
        int32_t inner;
        if (Shape *const next = shape->step(key, length); simdjson_likely(next != nullptr)) {
            shape = next;
            inner = next->field;
        } else {
            inner = field >= 0 ? fields[size_t(field)].named(key, length) : -1;
            if (!loose) {
                if (shape->is_on_path(key, length)) { return NT_DUPLICATE_KEY; }
                if (shapes.can_grow(*shape, length)) {
                    shape = shapes.grow(*shape, key, length, inner);
                } else {
                    loose = true;
                    shape = &shapes.nowhere;
                    for (auto before = object.begin(); before != at; ++before) {
                        key_table.insert(number, reinterpret_cast<const uint8_t *>(before.key_c_str()), before.key_length());
                    }
                }
            }
            if (loose && !key_table.insert(number, key, length)) { return NT_DUPLICATE_KEY; }
        }
        const uint32_t reason = read_value(at.value(), inner, depth);
        if (simdjson_unlikely(reason != NT_ACCEPTED)) { return reason; }
    }
    return NT_ACCEPTED;
}

// Writes the row of one document, or nothing where it is refused.
uint32_t nt_decoder::read_event(element document, const uint8_t *line, size_t size) {
    if (document.type() != element_type::OBJECT) { return NT_NOT_AN_OBJECT; }
    const size_t strings_before = strings_used;
    key_table.start_line();
    objects = 0;
    uint32_t reason = read_object(document.get_object().value_unsafe(), 0, 1);
    if (reason == NT_ACCEPTED && has_surrogate_escape(line, line + size) && has_half_pair(document)) { reason = NT_BAD_ESCAPE; }
    if (simdjson_unlikely(reason != NT_ACCEPTED)) { clear_row(strings_before); }
    return reason;
}
