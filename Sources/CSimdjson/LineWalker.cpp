// The quick way from lines to columns: simdjson's on-demand parser, with no tree between.
//
// simdjson alone judges. Its scanner proves the UTF-8, that every string is closed and that none holds a control character; its
// iterators over objects and lists prove which token may follow which; its readers of values prove numbers, words and escapes.
// On-demand proves only what it is asked for, so every value of a line is asked for, also what no column wants. A string without a
// backslash is the one value that needs no reader: the scanner has proved all there is to it.
//
// What is done here is to hold documents to their lines, to compare keys with those met before, and to write the columns. A line that
// simdjson refuses, or that is unusual (an escape in a key, an integer beyond 64 bits), is not judged here: the walk gives up, and
// the line goes to simdjson's tree parser.
//
// On-demand has no check for the end of its tokens: it goes on to what stands behind them. That is a line's end, the '\r' before it, or
// the NUL behind a block: no key, colon, value or comma, so every walk ends there at the latest.

#include "Decoder.hpp"

using namespace needletail;
using simdjson::SUCCESS;
namespace ondemand = simdjson::ondemand;

namespace {

// A key stands in the shapes with its closing quote, so that one comparison proves the key and its end. No shape has an escape.
constexpr uint32_t quote_bytes = 1;

// Deeper lines are unusual.
constexpr uint32_t walk_depth_max = 64;

// simdjson reads a double the long way where it has more than 19 digits.
constexpr size_t long_number_bytes = 20;

// Most lines are flat: their keys are known, and no objects or lists stand inside. For them the walk is compiled into one piece, in which
// the parser's place in the line stays in registers. At anything else that walk ends, and the line is walked anew by the other one.
enum class Outcome { done, given_up, not_flat };

const uint8_t *bytes_of(const char *text) { return reinterpret_cast<const uint8_t *>(text); }

// What is known of the keys of the object at hand.
struct KeyWalk {
    uint32_t object;
    int32_t field;
    Shape *shape;
    bool is_loose = false;
};

simdjson_inline Outcome walk_number(nt_decoder &d, ondemand::value &value, int32_t field) {
    ondemand::number number;
    if (simdjson_unlikely(value.get_number().get(number) != SUCCESS)) { return Outcome::given_up; }
    uint8_t kind = kind_integer;
    uint64_t payload;
    if (number.is_double()) {
        const double real = number.get_double();
        std::memcpy(&payload, &real, sizeof payload);
        // This version of simdjson loses a number that it has read the long way, and leaves 0. Shorter ones are never read so.
        if (simdjson_unlikely(payload == 0) && value.raw_json_token().size() >= long_number_bytes) { return Outcome::given_up; }
        kind = kind_double;
        d.reformed++;
    } else if (number.is_uint64()) {
        payload = number.get_uint64();
        kind = kind_unsigned;
    } else {
        payload = uint64_t(number.get_int64());
        // -0 is written as 0.
        if (payload == 0) { d.reformed++; }
    }
    if (d.is_wanted(field)) { d.write(field, kind, payload); }
    return Outcome::done;
}

// A string in which simdjson has read the escapes.
__attribute__((noinline)) Outcome keep_escaped(nt_decoder &d, std::string_view text, int32_t field) {
    if (has_half_pair(bytes_of(text.data()), text.size())) { return Outcome::given_up; }
    d.reformed++;
    const bool is_kept = !d.is_wanted(field) || d.write_text(field, kind_string, text.data(), text.size()) == NT_ACCEPTED;
    return is_kept ? Outcome::done : Outcome::given_up;
}

simdjson_inline Outcome walk_string(nt_decoder &d, ondemand::value &value, int32_t field) {
    // From the opening quote to the next token; between the closing quote and that token stand only blanks.
    const std::string_view token = value.raw_json_token();
    if (simdjson_unlikely(d.walk_escapes) && std::memchr(token.data(), '\\', token.size()) != nullptr) {
        std::string_view text;
        return value.get_string().get(text) == SUCCESS ? keep_escaped(d, text, field) : Outcome::given_up;
    }
    ondemand::raw_json_string raw;
    if (value.get_raw_json_string().get(raw) != SUCCESS) { return Outcome::given_up; }
    if (d.is_wanted(field)) {
        const size_t close = simdjson_likely(token.back() == '"') ? token.size() - 1 : token.rfind('"');
        d.write(field, kind_string, uint64_t(bytes_of(raw.raw()) - d.block->bytes) | uint64_t(close - 1) << 32);
    }
    return Outcome::done;
}

Outcome walk_container(nt_decoder &d, ondemand::value &value, int32_t field, uint32_t depth);

template <bool flat> simdjson_inline Outcome walk_value(nt_decoder &d, ondemand::value &value, int32_t field, uint32_t depth) {
    ondemand::json_type type;
    if (simdjson_unlikely(value.type().get(type) != SUCCESS)) { return Outcome::given_up; }
    if (type == ondemand::json_type::string) { return walk_string(d, value, field); }
    if (type == ondemand::json_type::number) { return walk_number(d, value, field); }
    if (type == ondemand::json_type::boolean) {
        bool boolean;
        if (value.get_bool().get(boolean) != SUCCESS) { return Outcome::given_up; }
        if (d.is_wanted(field)) { d.write(field, kind_boolean, boolean); }
        return Outcome::done;
    }
    if (type == ondemand::json_type::null) {
        bool is_null;
        if (value.is_null().get(is_null) != SUCCESS || !is_null) { return Outcome::given_up; }
        if (d.is_wanted(field)) { d.write(field, 0, 0); }
        return Outcome::done;
    }
    if constexpr (flat) {
        return Outcome::not_flat;
    } else {
        return walk_container(d, value, field, depth);
    }
}

// A key that no shape foretells. Sets the field that it leads to. False where it has an escape, or is there already.
bool walk_new_key(nt_decoder &d, ondemand::field &found, KeyWalk &walk, int32_t &field) {
    const uint8_t *const key = bytes_of(found.key().raw());
    std::string_view text;
    if (found.unescaped_key().get(text) != SUCCESS) { return false; }
    const uint32_t length = uint32_t(text.size());
    // A key without escapes is what simdjson makes of it.
    if (key[length] != '"' || std::memchr(key, '\\', length) != nullptr) { return false; }

    field = walk.field >= 0 ? d.fields[size_t(walk.field)].named(key, length) : -1;
    if (!walk.is_loose) {
        if (walk.shape->is_on_path(key, length + quote_bytes)) { return false; }
        if (d.raw_shapes.can_grow(*walk.shape, length + quote_bytes)) {
            walk.shape = d.raw_shapes.grow(*walk.shape, key, length + quote_bytes, field);
            return true;
        }
        for (const Shape *before = walk.shape; before->depth > 0; before = before->parent) {
            d.key_table.insert(walk.object, before->key, before->key_length - quote_bytes);
        }
        walk.is_loose = true;
        walk.shape = &d.raw_shapes.nowhere;
    }
    return d.key_table.insert(walk.object, key, length);
}

template <bool flat> simdjson_inline Outcome walk_object(nt_decoder &d, ondemand::object object, int32_t field, uint32_t depth) {
    const uint8_t *const end = d.walk_end;
    // Only what is unforeseen goes through memory.
    Shape *shape = d.raw_shapes.root(field);
    [[maybe_unused]] KeyWalk walk{++d.objects, field, shape};
    for (auto member : object) {
        ondemand::field found;
        if (simdjson_unlikely(std::move(member).get(found) != SUCCESS)) { return Outcome::given_up; }
        const uint8_t *const key = bytes_of(found.key().raw());
        Shape *const next = shape->step_within(key, size_t(end - key));
        int32_t inner;
        if (simdjson_likely(next != nullptr)) {
            shape = next;
            inner = next->field;
        } else {
            if constexpr (flat) {
                return Outcome::not_flat;
            } else {
                int32_t key_field;
                walk.shape = shape;
                d.was_flat = false;
                if (!walk_new_key(d, found, walk, key_field)) { return Outcome::given_up; }
                shape = walk.shape;
                inner = key_field;
            }
        }
        const Outcome outcome = walk_value<flat>(d, found.value(), inner, depth);
        if (simdjson_unlikely(outcome != Outcome::done)) { return outcome; }
    }
    return Outcome::done;
}

Outcome walk_list(nt_decoder &d, ondemand::array list, int32_t field, uint32_t depth) {
    uint64_t index = 0;
    for (auto found : list) {
        ondemand::value value;
        if (found.get(value) != SUCCESS) { return Outcome::given_up; }
        const int32_t inner = field >= 0 ? d.fields[size_t(field)].at(index) : -1;
        const Outcome outcome = walk_value<false>(d, value, inner, depth);
        if (outcome != Outcome::done) { return outcome; }
        index++;
    }
    return Outcome::done;
}

// A wanted list, up to the token behind it. False where there is no room.
bool write_list(nt_decoder &d, const char *from, const char *to, int32_t field) {
    const size_t length = size_t(to - from);
    if (!d.has_room(length)) { return false; }
    size_t written = 0;
    char *const target = reinterpret_cast<char *>(d.block->strings + d.strings_used);
    if (simdjson::minify(from, length, target, written) != SUCCESS) { return false; }
    if (written == length) {
        // It has no blanks, and so stays in the line.
        d.write(field, kind_list, uint64_t(bytes_of(from) - d.block->bytes) | uint64_t(length) << 32);
    } else {
        d.write(field, kind_list, uint64_t(d.strings_used) | uint64_t(written) << 32);
        d.strings_used += written;
    }
    return true;
}

Outcome walk_container(nt_decoder &d, ondemand::value &value, int32_t field, uint32_t depth) {
    if (depth == walk_depth_max) { return Outcome::given_up; }
    d.was_flat = false;
    ondemand::object object;
    if (value.get_object().get(object) == SUCCESS) {
        if (d.is_wanted(field)) { d.write(field, kind_object, 0); }
        if (field >= 0 && d.fields[size_t(field)].names.empty()) { field = -1; }
        return walk_object<false>(d, object, field, depth + 1);
    }
    const char *const open = value.raw_json_token().data();
    const uint32_t reformed_before = d.reformed;
    ondemand::array list;
    if (value.get_array().get(list) != SUCCESS) { return Outcome::given_up; }
    const Outcome outcome = walk_list(d, list, field, depth + 1);
    if (outcome != Outcome::done || !d.is_wanted(field)) { return outcome; }
    // The text of a list is as simdjson writes its tree.
    const char *behind;
    if (d.reformed != reformed_before || value.current_location().get(behind) != SUCCESS) { return Outcome::given_up; }
    return write_list(d, open, behind, field) ? Outcome::done : Outcome::given_up;
}

// One pass over a line.
template <bool flat> __attribute__((noinline)) Outcome walk(nt_decoder &d, const uint8_t *line, size_t size) {
    ondemand::document document;
    if (d.walker.iterate(line, size, size + NT_PADDING).get(document) != SUCCESS) { return Outcome::given_up; }
    ondemand::object object;
    if (document.get_object().get(object) != SUCCESS) { return Outcome::given_up; }
    const Outcome outcome = walk_object<flat>(d, object, 0, 1);
    if (simdjson_unlikely(outcome != Outcome::done)) { return outcome; }
    // Behind the document there is no other token.
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS ? Outcome::done : Outcome::given_up;
}

// Writes the rows of lines in bytes[start ..< end], which simdjson scans at once, as long as they are good. Returns where the first line
// begins that is not, or is the last. What the parser has to know stays in registers only where all is one piece.
template <bool flat> __attribute__((flatten, noinline)) size_t walk_stream(nt_decoder &d, size_t start, size_t end) {
    const uint8_t *const bytes = d.block->bytes;
    // Without the last line end, so that one stands where the tokens end.
    const size_t size = end - start - (bytes[end - 1] == '\n');
    if (size == 0) { return start; }
    ondemand::document_stream stream;
    if (d.lines_walker.iterate_many(bytes + start, size, nt_decoder::chunk_bytes).get(stream) != SUCCESS) { return start; }
    const auto behind = stream.end();
    auto at = stream.begin();
    if (!(at != behind) || at.error() != SUCCESS || at.current_index() != 0) { return start; }
    if constexpr (!flat) { d.was_flat = true; }
    while (d.row < d.block->row_capacity) {
        const size_t to = d.line_end(start, end);
        d.start_walk(bytes + start, bytes + to);
        const size_t strings_before = d.strings_used;
        ondemand::document_reference document = (*at).value_unsafe();
        ondemand::object object;
        if (document.get_object().get(object) != SUCCESS) { return start; }
        const Outcome outcome = walk_object<flat>(d, object, 0, 1);
        // Where the next document begins with the next line, this one has ended in its own, and has no other token behind it.
        const char *next;
        const bool is_line = outcome == Outcome::done && document.current_location().get(next) == SUCCESS
            && bytes_of(next) == bytes + to + 1;
        if (simdjson_unlikely(!is_line)) {
            d.clear_row(strings_before);
            return start;
        }
        d.keep_row(start, to);
        start = to + 1;
        ++at;
        if (simdjson_unlikely(!(at != behind) || at.error() != SUCCESS)) { return start; }
    }
    return start;
}

}  // namespace

size_t nt_decoder::walk_lines(size_t start, size_t end) {
    return was_flat ? walk_stream<true>(*this, start, end) : walk_stream<false>(*this, start, end);
}

// Writes the row of a line. False for giving up, which may leave something in the row.
bool nt_decoder::walk_line(const uint8_t *line, size_t size) {
    if (simdjson_unlikely(walker.capacity() < size)) {
        const size_t room = std::max(size + size / 2, size_t(4 * 1024));
        if (walker.allocate(room) != SUCCESS) { std::abort(); }
    }
    start_walk(line, line + size);
    const size_t strings_before = strings_used;
    if (simdjson_likely(was_flat)) {
        const Outcome outcome = walk<true>(*this, line, size);
        if (simdjson_likely(outcome != Outcome::not_flat)) { return outcome == Outcome::done; }
        objects = 0;
        strings_used = strings_before;
    }
    was_flat = true;
    return walk<false>(*this, line, size) == Outcome::done;
}
