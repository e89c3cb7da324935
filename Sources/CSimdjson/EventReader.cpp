// The second stage: the grammar of one line, and its wanted fields into columns.

#include "Decoder.hpp"
#include "Numbers.hpp"

using namespace needletail;

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
