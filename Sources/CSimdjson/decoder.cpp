// The second stage: the grammar of each line, and its wanted fields into columns.
//
// After stage 1 no string crosses a line end (it would hold a control character), so the tokens of each line are right whatever
// its neighbours are; only where stage 1 fails for the whole block is it run again for each line by itself.

#include "CSimdjson.h"

#include <simdjson.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "KeyShapes.hpp"
#include "Numbers.hpp"

using namespace needletail;

namespace {

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

}  // namespace

struct nt_decoder {
    size_t column_count;
    std::vector<Field> fields;
    std::vector<Slot> slots;
    std::vector<Target> targets;
    KeyShapes shapes;
    KeyTable key_table;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_one;
    std::vector<Frame> frames;
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
        const Target &target = targets[size_t(field)];
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
    uint32_t enter_key(const Line &line, uint32_t token, Frame &frame, int32_t &field);
    uint32_t read_event(const Line &line, uint32_t &token);
    uint32_t read_line(const Line &line, uint32_t &token);
    void write_list(const Line &line, uint32_t opening, uint32_t closing, int32_t field);
    uint32_t stage_one_reason(simdjson::error_code error, const uint8_t *from, size_t length);
};

namespace {

bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// The quote that ends the string which begins at tokens[token]: only blanks lie between it and the next token.
const uint8_t *closing_quote(const Line &line, uint32_t token) {
    const uint8_t *at = line.base + line.tokens[token + 1] - 1;
    while (*at != '"') { at--; }
    return at;
}

}  // namespace

// A string value between two quotes.
simdjson_inline uint32_t nt_decoder::read_string(const uint8_t *open, const uint8_t *close, int32_t field) {
    const uint8_t *const from = open + 1;
    const bool wanted = is_wanted(field);
    const bool escaped = has_backslash(from, close);
    if (!wanted) { return escaped && unescape(from, scratch.data() + scratch_used) == nullptr ? NT_BAD_ESCAPE : NT_ACCEPTED; }
    size_t length = size_t(close - from);
    uint8_t *const to = strings + strings_used;
    if (escaped) {
        const uint8_t *end = unescape(from, to);
        if (end == nullptr) { return NT_BAD_ESCAPE; }
        length = size_t(end - to);
    } else if (length <= 32) {
        // The padding behind both lets short strings go as two fixed copies.
        std::memcpy(to, from, 16);
        std::memcpy(to + 16, from + 16, 16);
    } else {
        std::memcpy(to, from, length);
    }
    write(field, kind_string, uint64_t(strings_used) | uint64_t(length) << 32);
    strings_used += length;
    return NT_ACCEPTED;
}

// The key at tokens[token], off the known shapes: proves it new in its object and finds the field it leads to.
uint32_t nt_decoder::enter_key(const Line &line, uint32_t token, Frame &frame, int32_t &field) {
    const uint8_t *const open = line.base + line.tokens[token];
    if (*open != '"') { return NT_SYNTAX; }
    if (line.base[line.tokens[token + 1]] != ':') { return NT_SYNTAX; }
    const uint8_t *const close = closing_quote(line, token);
    const uint8_t *key = open + 1;
    uint32_t length = uint32_t(close - key);
    const bool escaped = has_backslash(key, close);
    if (escaped) {
        uint8_t *to = scratch.data() + scratch_used;
        const uint8_t *end = unescape(key, to);
        if (end == nullptr) { return NT_BAD_ESCAPE; }
        key = to;
        length = uint32_t(end - to);
        scratch_used += length;
    }
    if (!frame.loose) {
        // A key with escapes may hold a backslash; shapes never do, so that the fast path needs no look at escapes.
        if (!escaped) {
            if (const uint32_t next = shapes.step(frame.shape, key, length)) {
                frame.shape = next;
                field = shapes.shapes[next].field;
                return NT_ACCEPTED;
            }
        }
        if (shapes.on_path(frame.shape, key, length)) { return NT_DUPLICATE_KEY; }
        field = frame.field >= 0 ? fields[size_t(frame.field)].named(key, length) : -1;
        if (!escaped && shapes.can_grow(frame.shape, length)) {
            frame.shape = shapes.grow(frame.shape, key, length, field);
            return NT_ACCEPTED;
        }
        frame.loose = true;
        for (uint32_t shape = frame.shape; shapes.shapes[shape].depth > 0; shape = shapes.shapes[shape].parent) {
            // The shape's own bytes may move when others are added; the scratch does not within a line.
            uint8_t *copy = scratch.data() + scratch_used;
            const uint32_t copied = shapes.shapes[shape].key_length;
            std::memcpy(copy, shapes.key_bytes(shape), copied);
            scratch_used += copied;
            key_table.insert(frame.object, copy, copied);
        }
    } else {
        field = frame.field >= 0 ? fields[size_t(frame.field)].named(key, length) : -1;
    }
    return key_table.insert(frame.object, key, length) ? NT_ACCEPTED : NT_DUPLICATE_KEY;
}

// A list's text without the blanks between its tokens.
void nt_decoder::write_list(const Line &line, uint32_t opening, uint32_t closing, int32_t field) {
    const size_t start = strings_used;
    for (uint32_t token = opening; token < closing; token++) {
        const uint8_t *from = line.base + line.tokens[token];
        const uint8_t *to = line.base + line.tokens[token + 1];
        while (is_blank(to[-1])) { to--; }
        std::memcpy(strings + strings_used, from, size_t(to - from));
        strings_used += size_t(to - from);
    }
    strings[strings_used++] = ']';
    write(field, kind_list, uint64_t(start) | uint64_t(strings_used - start) << 32);
}

// One event from its opening brace on. On return `token` is the first behind what was read.
uint32_t nt_decoder::read_event(const Line &line, uint32_t &token) {
    const uint8_t *const base = line.base;
    const uint32_t *const tokens = line.tokens;
    const uint32_t end = line.end;
    uint32_t i = token;
    uint32_t depth = 0;
    uint32_t objects = 0;
    uint32_t reason;
    int32_t field = 0;
    Frame *frame = &frames[0];
    // What changes with each key stands in locals: stores of bytes could alias anything behind a pointer.
    bool is_object = true;
    uint32_t shape = 0;
    const Shape *known = shapes.shapes.data();
    const uint8_t *known_keys = shapes.all_keys();

open_object:
    *frame = Frame{true, false, field, uint32_t(field + 2), ++objects, i, 0};
    is_object = true;
    shape = frame->shape;
    i++;
    if (tokens[i] < end && base[tokens[i]] == '}') { goto close; }

key: {
    const uint32_t open = tokens[i];
    if (simdjson_unlikely(open >= end)) {
        reason = NT_NOT_CLOSED;
        goto failed;
    }
    const uint32_t colon = tokens[i + 1];
    const uint32_t length = colon - open - 2;
    // The quote before the colon rules out blanks there, which the other path reads. An object that has left the shapes stands on
    // shape 0, which leads nowhere.
    if (simdjson_likely(base[open] == '"' && base[colon] == ':' && base[colon - 1] == '"')) {
        for (uint32_t next = known[shape].first; next != 0; next = known[next].sibling) {
            const Shape &candidate = known[next];
            if (candidate.key_length == length && KeyShapes::is_key(candidate, base + open + 1, known_keys)) {
                shape = next;
                field = candidate.field;
                i += 2;
                goto value;
            }
        }
    }
    frame->shape = shape;
    reason = enter_key(line, i, *frame, field);
    if (reason != NT_ACCEPTED) { goto failed; }
    shape = frame->loose ? 0 : frame->shape;
    known = shapes.shapes.data();
    known_keys = shapes.all_keys();
    i += 2;
}

value: {
    const uint32_t at = tokens[i];
    if (simdjson_unlikely(at >= end)) {
        reason = NT_NOT_CLOSED;
        goto failed;
    }
    switch (base[at]) {
    case '"':
        reason = read_string(base + at, closing_quote(line, i), field);
        if (simdjson_unlikely(reason != NT_ACCEPTED)) { goto failed; }
        break;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': {
        Number number;
        const bool wanted = is_wanted(field);
        reason = read_number(base + at, wanted, number);
        if (simdjson_unlikely(reason != NT_ACCEPTED)) { goto failed; }
        if (wanted) { write(field, number.kind, number.payload); }
        break;
    }
    case 't':
        if (std::memcmp(base + at, "true", 4) != 0 || !ends_scalar(base[at + 4])) { goto syntax; }
        if (is_wanted(field)) { write(field, kind_boolean, 1); }
        break;
    case 'f':
        if (std::memcmp(base + at, "false", 5) != 0 || !ends_scalar(base[at + 5])) { goto syntax; }
        if (is_wanted(field)) { write(field, kind_boolean, 0); }
        break;
    case 'n':
        if (std::memcmp(base + at, "null", 4) != 0 || !ends_scalar(base[at + 4])) { goto syntax; }
        break;
    case '{':
        if (++depth == NT_DEPTH_MAX) { goto too_deep; }
        if (is_object) { frame->shape = shape; }
        frame = &frames[depth];
        if (is_wanted(field)) { write(field, kind_object, 0); }
        if (field >= 0 && fields[size_t(field)].names.empty()) { field = -1; }
        goto open_object;
    case '[':
        if (++depth == NT_DEPTH_MAX) { goto too_deep; }
        if (is_object) { frame->shape = shape; }
        frame = &frames[depth];
        *frame = Frame{false, false, field, 0, 0, i, 0};
        is_object = false;
        i++;
        if (tokens[i] < end && base[tokens[i]] == ']') { goto close; }
        goto element;
    default:
        goto syntax;
    }
    i++;
}

after_value: {
    const uint32_t at = tokens[i];
    if (simdjson_unlikely(at >= end)) {
        reason = NT_NOT_CLOSED;
        goto failed;
    }
    const uint8_t c = base[at];
    if (c == ',') {
        i++;
        if (is_object) { goto key; }
        frame->index++;
        goto element;
    }
    if (c != (is_object ? '}' : ']')) { goto syntax; }
}

close:
    if (!is_object && is_wanted(frame->field)) { write_list(line, frame->opening, i, frame->field); }
    i++;
    if (depth == 0) {
        token = i;
        return NT_ACCEPTED;
    }
    depth--;
    frame = &frames[depth];
    is_object = frame->is_object;
    shape = frame->shape;
    goto after_value;

element:
    field = frame->field >= 0 ? fields[size_t(frame->field)].at(frame->index) : -1;
    goto value;

too_deep:
    reason = NT_TOO_DEEP;
    goto failed;
syntax:
    reason = NT_SYNTAX;
failed:
    token = i;
    return reason;
}

// One line that holds a token. On return `token` is the first that this line has not.
uint32_t nt_decoder::read_line(const Line &line, uint32_t &token) {
    const uint32_t *const tokens = line.tokens;
    const uint32_t first = tokens[token];
    uint32_t reason;
    if (simdjson_likely(line.base[first] == '{')) {
        const size_t strings_before = strings_used;
        reason = read_event(line, token);
        if (reason == NT_ACCEPTED && tokens[token] < line.end) { reason = NT_TRAILING; }
        if (simdjson_likely(reason == NT_ACCEPTED)) { return NT_ACCEPTED; }
        strings_used = strings_before;
        for (Slot &slot : slots) { slot.kinds[row] = 0; }
    } else {
        const uint8_t *at = line.base + first;
        const size_t length = line.end - first;
        const bool is_value = *at == '[' || *at == '"' || *at == '-' || is_digit(*at)
            || (length >= 4 && (std::memcmp(at, "true", 4) == 0 || std::memcmp(at, "null", 4) == 0))
            || (length >= 5 && std::memcmp(at, "false", 5) == 0);
        reason = is_value ? NT_NOT_AN_OBJECT : NT_SYNTAX;
    }
    // What failed at the line's last token, or behind it, failed because the line ended.
    if (reason == NT_SYNTAX || reason == NT_BAD_NUMBER) {
        const bool ended = tokens[token] >= line.end || (tokens[token + 1] >= line.end && line.base[tokens[token]] != '}');
        if (ended && line.base[first] == '{') { reason = NT_NOT_CLOSED; }
    }
    while (tokens[token] < line.end) { token++; }
    if (reason == NT_SYNTAX && std::memchr(line.base + first, 0, line.end - first) != nullptr) { reason = NT_CONTROL_CHARACTER; }
    return reason;
}

uint32_t nt_decoder::stage_one_reason(simdjson::error_code error, const uint8_t *from, size_t length) {
    if (!simdjson::validate_utf8(reinterpret_cast<const char *>(from), length)) { return NT_INVALID_UTF8; }
    switch (error) {
    case simdjson::UNCLOSED_STRING: return NT_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return NT_CONTROL_CHARACTER;
    case simdjson::UTF8_ERROR: return NT_INVALID_UTF8;
    default: return NT_SYNTAX;
    }
}

nt_decoder *nt_decoder_create(size_t column_count) {
    return new nt_decoder(column_count);
}

void nt_decoder_destroy(nt_decoder *decoder) { delete decoder; }

void nt_decoder_add_path(nt_decoder *decoder, size_t column, const nt_component *components, size_t count) {
    int32_t field = 0;
    for (size_t step = 0; step < count; step++) {
        const nt_component &component = components[step];
        int32_t next;
        if (component.name != nullptr) {
            next = decoder->fields[size_t(field)].named(component.name, uint32_t(component.length));
        } else {
            next = decoder->fields[size_t(field)].at(component.index);
        }
        if (next < 0) {
            next = int32_t(decoder->fields.size());
            Field &parent = decoder->fields[size_t(field)];
            if (component.name != nullptr) {
                parent.names.emplace_back(std::string(reinterpret_cast<const char *>(component.name), component.length), next);
            } else {
                parent.indexes.emplace_back(component.index, next);
            }
            decoder->fields.emplace_back();
        }
        field = next;
    }
    decoder->fields[size_t(field)].slots.push_back(uint32_t(column));
    decoder->shapes.start(decoder->fields.size() + 1);
}

size_t nt_decoder_copies(const nt_decoder *decoder) {
    // Children come behind their parents, so one pass carries the count of wanted fields down every path.
    std::vector<size_t> above(decoder->fields.size(), 0);
    size_t most = 1;
    for (size_t field = 0; field < decoder->fields.size(); field++) {
        const Field &node = decoder->fields[field];
        const size_t here = above[field] + (node.slots.empty() ? 0 : 1);
        if (here > most) { most = here; }
        for (const auto &entry : node.names) { above[size_t(entry.second)] = here; }
        for (const auto &entry : node.indexes) { above[size_t(entry.second)] = here; }
    }
    return most;
}

size_t nt_decoder_split(nt_decoder *decoder, const uint8_t *bytes, size_t start, size_t count) {
    decoder->line_starts.clear();
    decoder->line_ends.clear();
    while (start < count) {
        const void *found = std::memchr(bytes + start, '\n', count - start);
        const size_t next = found ? size_t(static_cast<const uint8_t *>(found) - bytes) : count;
        size_t end = next;
        if (end > start && bytes[end - 1] == '\r') { end--; }
        decoder->line_starts.push_back(uint32_t(start));
        decoder->line_ends.push_back(uint32_t(end));
        start = next + 1;
    }
    return decoder->line_starts.size();
}

size_t nt_decoder_decode(nt_decoder *decoder, nt_block *block) {
    nt_decoder &d = *decoder;
    const size_t line_count = d.line_starts.size();
    d.rejects.clear();
    if (line_count == 0) { return 0; }
    if (d.time_kinds.size() < line_count) {
        d.time_kinds.resize(line_count);
        d.time_payloads.resize(line_count);
    }
    for (size_t column = 0; column < d.column_count; column++) {
        d.slots[column] = Slot{block->kinds + column * block->row_capacity, block->payloads + column * block->row_capacity};
    }
    d.slots[d.column_count] = Slot{d.time_kinds.data(), d.time_payloads.data()};
    for (Slot &slot : d.slots) { std::memset(slot.kinds, 0, line_count); }
    d.targets.resize(d.fields.size());
    for (size_t field = 0; field < d.fields.size(); field++) {
        const std::vector<uint32_t> &wanted = d.fields[field].slots;
        d.targets[field] = Target{wanted.empty() ? Slot{nullptr, nullptr} : d.slots[wanted[0]], wanted.size() > 1};
    }
    d.strings = block->strings;
    d.strings_used = block->strings_used;
    d.row = 0;
    if (d.shapes.worn()) { d.shapes.reset(); }

    uint8_t *const bytes = block->bytes;
    std::memset(bytes + block->count, 0, NT_PADDING);
    d.bytes_end = bytes + block->count;
    d.backslash = nullptr;

    const size_t from = d.line_starts[0];
    const size_t length = block->count - from;
    if (d.stage_one == nullptr) {
        if (simdjson::get_active_implementation()->create_dom_parser_implementation(length + 64, 4, d.stage_one) != simdjson::SUCCESS) {
            std::abort();
        }
    } else if (d.stage_one->capacity() < length) {
        if (d.stage_one->allocate(length + length / 2 + 64, 4) != simdjson::SUCCESS) { std::abort(); }
    }
    // Keys unescaped, keys moved off the shapes (at most depth_max of each), and one string that nobody wants.
    const size_t scratch_needed = 2 * (NT_LINE_BYTES_MAX + 2 * NT_PADDING);
    if (d.scratch.size() < scratch_needed) { d.scratch.resize(scratch_needed); }

    const simdjson::error_code whole = d.stage_one->stage1(bytes + from, length, simdjson::stage1_mode::regular);
    const bool by_line = whole != simdjson::SUCCESS && whole != simdjson::EMPTY;
    const uint32_t nothing[1] = {UINT32_MAX};
    const uint32_t *const block_tokens = whole == simdjson::SUCCESS ? d.stage_one->structural_indexes.get() : nothing;
    uint32_t token = 0;
    size_t cut = 0;

    for (size_t index = 0; index < line_count; index++) {
        const uint32_t start = d.line_starts[index];
        const uint32_t end = d.line_ends[index];
        uint32_t reason;
        d.scratch_used = 0;
        d.key_table.start_line();
        const bool was_cut = cut < block->cut_count && block->cut_lines[cut] == start;
        if (was_cut) { cut++; }
        if (was_cut || end - start > NT_LINE_BYTES_MAX) {
            reason = NT_LINE_TOO_LONG;
            if (!by_line) {
                while (block_tokens[token] < end - from) { token++; }
            }
        } else if (!by_line) {
            const Line line = {bytes + from, block_tokens, uint32_t(end - from)};
            if (block_tokens[token] >= line.end) { continue; }
            reason = d.read_line(line, token);
        } else {
            const size_t size = end - start;
            const simdjson::error_code error = d.stage_one->stage1(bytes + start, size, simdjson::stage1_mode::regular);
            if (error == simdjson::EMPTY) { continue; }
            if (error != simdjson::SUCCESS) {
                reason = d.stage_one_reason(error, bytes + start, size);
            } else {
                uint32_t line_token = 0;
                const Line line = {bytes + start, d.stage_one->structural_indexes.get(), uint32_t(size)};
                reason = d.read_line(line, line_token);
            }
        }
        if (reason != NT_ACCEPTED) {
            d.rejects.push_back(nt_rejected{uint32_t(index), reason, start, end - start});
            continue;
        }
        block->lines[d.row] = block->first_line + index;
        block->raw_offsets[d.row] = start;
        block->raw_lengths[d.row] = end - start;
        d.row++;
    }
    block->strings_used = d.strings_used;
    return d.row;
}

const nt_rejected *nt_decoder_rejects(const nt_decoder *decoder, size_t *count) {
    *count = decoder->rejects.size();
    return decoder->rejects.data();
}

const uint8_t *nt_decoder_time_kinds(const nt_decoder *decoder) { return decoder->time_kinds.data(); }

const uint64_t *nt_decoder_time_payloads(const nt_decoder *decoder) { return decoder->time_payloads.data(); }
