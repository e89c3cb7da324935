// The quick way from lines to columns: over the places of tokens that simdjson's scanner finds, with no tree between.
//
// The scanner takes a chunk of whole lines at once. It proves the UTF-8, that every string is closed, and that none holds a control
// character; a line end inside a string is one, so where it is content no quote of a line reaches into the next, and the tokens of
// each line are what they would be if it stood alone. It gives the place of every bracket, colon and comma outside strings, of every
// opening quote, and of the first byte of every other run of bytes that are not blank. What is left to prove here is the grammar:
// which token may follow which, that only blanks stand between them and no line end, and that numbers, words and escapes are right.
//
// A line that is not as it should be, or that is unusual (an escape in a key, an integer beyond 64 bits), is not judged here: the
// walk gives up, and the line goes to simdjson's tree parser by itself. So whatever is refused is refused by simdjson's word.
//
// All places are counted from the chunk's first byte. Behind the last place stands the chunk's length; the byte there is the first of
// the next chunk or a NUL, and no token can be found there, because the line end before it is no blank.

#include "Decoder.hpp"

using namespace needletail;

namespace {

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }

inline uint32_t load32(const uint8_t *bytes) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// Pairs of digits, then pairs of pairs, all at once. Each byte is a digit's value, the first digit's the lowest.
inline uint64_t value_of_eight_digits(uint64_t word) {
    word = word * 10 + (word >> 8);
    return (((word & 0x000000FF000000FFu) * 0x000F424000000064u) + (((word >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >> 32;
}

constexpr uint64_t powers_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

// Appends the digits that stand at `at` to a value, which may overflow, and returns the place behind them. Eight at a time and without
// a branch on their number, which nothing foretells.
inline const uint8_t *read_digits(const uint8_t *at, uint64_t &value) {
    while (true) {
        const uint64_t digits = load64(at) ^ 0x3030303030303030u;
        // The lowest bit is right of the first byte over 9; what a carry spoils lies above.
        const uint64_t others = ((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u;
        if (others == 0) {
            value = value * 100000000 + value_of_eight_digits(digits);
            at += 8;
            continue;
        }
        const uint32_t bits = uint32_t(__builtin_ctzll(others)) & ~7u;
        // Shifted in two steps, for none may be by 64.
        value = value * powers_of_ten[bits / 8] + value_of_eight_digits(digits << (56 - bits) << 8);
        return at + bits / 8;
    }
}

// A double holds these exactly, as it holds integers up to 2^53; the quotient of two such is the double next to the decimal number.
constexpr double double_powers_of_ten[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                           1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
// So many digits never overflow 64 bits, also as a negative number.
constexpr size_t quick_digits_max = 18;

inline uint64_t bits_of(double number) {
    uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    return bits;
}

// What simdjson's parser of numbers writes to.
struct NumberWriter {
    uint8_t *kind;
    uint64_t *payload;

    void append_s64(int64_t value) { set(kind_integer, uint64_t(value)); }
    void append_u64(uint64_t value) { set(kind_unsigned, value); }
    void append_double(double value) { set(kind_double, bits_of(value)); }
    void skip_double() {}

private:
    void set(uint8_t new_kind, uint64_t new_payload) {
        *kind = new_kind;
        *payload = new_payload;
    }
};

// Out of line: what is here is a small part of all numbers.
__attribute__((noinline)) bool parse_number(const uint8_t *text, uint8_t &kind, uint64_t &payload) {
    NumberWriter writer{&kind, &payload};
    return simdjson::builtin::numberparsing::parse_number(text, writer) == simdjson::SUCCESS;
}

}  // namespace

// Finds the tokens of whole lines. False where simdjson refuses the chunk as it stands, or it holds no token.
bool nt_decoder::scan(size_t start, size_t end) {
    text = block->bytes + start;
    text_length = uint32_t(end - start);
    text_offset = uint32_t(start);
    // With this much more than the chunk there is also room for what is read behind the last place.
    const size_t room = end - start + NT_PADDING;
    if (scanner_capacity < room) {
        scanner_capacity = std::max(room, chunk_bytes + NT_PADDING);
        scanner.reset();
        const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(scanner_capacity, 1, scanner);
        if (error != simdjson::SUCCESS) { std::abort(); }
    }
    if (scanner->stage1(text, text_length, simdjson::stage1_mode::regular) != simdjson::SUCCESS) { return false; }
    uint32_t *const behind = scanner->structural_indexes.get() + scanner->n_structural_indexes;
    for (size_t place = 0; place < 8; place++) { behind[place] = text_length; }
    next_backslash = 0;
    return true;
}

// Whether only blanks stand in text[from ..< to], and no line end. Always ends, at the latest at the NUL behind the block.
bool nt_decoder::is_gap(uint32_t from, uint32_t to) {
    gaps++;
    while (from != to && is_blank(text[from])) { from++; }
    return from == to;
}

// Asked about ascending places.
simdjson_inline bool nt_decoder::has_backslash(uint32_t from, uint32_t to) {
    if (simdjson_likely(next_backslash >= to)) { return false; }
    if (next_backslash < from) {
        const void *found = std::memchr(text + from, '\\', text_length - from);
        next_backslash = found ? uint32_t(static_cast<const uint8_t *>(found) - text) : text_length;
    }
    return next_backslash < to;
}

// A string with escapes between the two quotes. False where an escape is bad, or there is no room.
bool nt_decoder::read_escaped(uint32_t open, uint32_t close, int32_t field) {
    if (!has_room(close - open)) { return false; }
    uint8_t *const target = block->strings + strings_used;
    const uint8_t *const end = scanner->parse_string(text + open + 1, target);
    if (end == nullptr) { return false; }
    const size_t length = size_t(end - target);
    if (has_half_pair(target, length)) { return false; }
    reformed++;
    if (is_wanted(field)) {
        write(field, kind_string, uint64_t(strings_used) | uint64_t(length) << 32);
        strings_used += length;
    }
    return true;
}

// In all that follows `at` stands on a value's first token, and the result on the token behind the value; null is for giving up.

simdjson_inline const uint32_t *nt_decoder::walk_number(const uint32_t *at, int32_t field) {
    const uint8_t *const number = text + at[0];
    const bool negative = *number == '-';
    const uint8_t *const first = number + negative;
    uint64_t value = 0;
    const uint8_t *digit = read_digits(first, value);
    size_t digits = size_t(digit - first);
    if (digits == 0 || (*first == '0' && digits > 1)) { return nullptr; }
    size_t decimals = 0;
    if (*digit == '.') {
        const uint8_t *const decimal = digit + 1;
        digit = read_digits(decimal, value);
        decimals = size_t(digit - decimal);
        digits += decimals;
        // Without one the number is badly written.
        if (decimals == 0) { return nullptr; }
    }
    uint8_t kind = kind_integer;
    uint64_t payload = negative ? 0 - value : value;
    uint32_t end = uint32_t(digit - text);
    const bool is_quick = digits <= quick_digits_max && (*digit | 0x20) != 'e' && (decimals == 0 || value <= uint64_t(1) << 53);
    if (simdjson_likely(is_quick)) {
        if (decimals > 0) {
            const double magnitude = double(value) / double_powers_of_ten[decimals];
            kind = kind_double;
            payload = bits_of(negative ? -magnitude : magnitude);
            reformed++;
        } else if (negative && value == 0) {
            reformed++;
        }
    } else {
        // It ends where the run of bytes does that is no blank, else simdjson refuses it.
        uint8_t slow_kind;
        uint64_t slow_payload;
        if (!parse_number(number, slow_kind, slow_payload)) { return nullptr; }
        kind = slow_kind;
        payload = slow_payload;
        reformed++;
        end = at[1];
        while (is_blank(text[end - 1])) { end--; }
        if (text[end - 1] == '\n') { return nullptr; }
    }
    if (simdjson_unlikely(end != at[1]) && !is_gap(end, at[1])) { return nullptr; }
    if (is_wanted(field)) { write(field, kind, payload); }
    return at + 1;
}

simdjson_inline const uint32_t *nt_decoder::walk_word(const uint32_t *at, int32_t field) {
    const uint8_t *const word = text + at[0];
    uint32_t end = at[0] + 4;
    const uint32_t head = load32(word);
    uint8_t kind = kind_boolean;
    uint64_t payload = 0;
    if (head == 0x65757274) {  // true
        payload = 1;
    } else if (head == 0x736C6166 && word[4] == 'e') {  // false
        end++;
    } else if (head == 0x6C6C756E) {  // null
        kind = 0;
    } else {
        return nullptr;
    }
    if (simdjson_unlikely(end != at[1]) && !is_gap(end, at[1])) { return nullptr; }
    if (is_wanted(field)) { write(field, kind, payload); }
    return at + 1;
}

// `expected` is where the value stands if no blank is before it.
simdjson_inline const uint32_t *nt_decoder::walk_value(const uint32_t *at, uint32_t expected, int32_t field, uint32_t depth) {
    const uint32_t open = at[0];
    if (open != expected && !is_gap(expected, open)) { return nullptr; }
    const uint8_t first = text[open];
    if (first == '"') {
        // Between the closing quote and the next token stand only blanks, for anything else would be a token.
        uint32_t close = at[1] - 1;
        if (simdjson_unlikely(text[close] != '"')) {
            gaps++;
            while (is_blank(text[close])) { close--; }
            if (text[close] != '"') { return nullptr; }
        }
        if (simdjson_unlikely(close <= open)) { return nullptr; }
        if (simdjson_unlikely(has_backslash(open, close))) { return read_escaped(open, close, field) ? at + 1 : nullptr; }
        if (is_wanted(field)) {
            write(field, kind_string, uint64_t(text_offset + open + 1) | uint64_t(close - open - 1) << 32);
        }
        return at + 1;
    }
    if (first == '-' || is_digit(first)) { return walk_number(at, field); }
    if (first == '{' || first == '[') { return walk_container(at, field, depth); }
    return walk_word(at, field);
}

const uint32_t *nt_decoder::walk_container(const uint32_t *at, int32_t field, uint32_t depth) {
    if (depth == NT_DEPTH_MAX) { return nullptr; }
    const uint32_t open = at[0];
    const uint32_t *behind;
    if (text[open] == '{') {
        if (is_wanted(field)) { write(field, kind_object, 0); }
        if (field >= 0 && fields[size_t(field)].names.empty()) { field = -1; }
        behind = walk_object(at + 1, field, depth + 1);
    } else {
        const uint32_t gaps_before = gaps, reformed_before = reformed;
        behind = walk_list(at + 1, field, depth + 1);
        if (behind != nullptr && is_wanted(field)) {
            // The text of a list is as simdjson writes its tree.
            if (reformed != reformed_before || !write_list(open, behind[-1], gaps != gaps_before, field)) { return nullptr; }
        }
    }
    if (behind == nullptr) { return nullptr; }
    const uint32_t end = behind[-1] + 1;
    return end == behind[0] || is_gap(end, behind[0]) ? behind : nullptr;
}

// A wanted list between the two brackets. False where there is no room.
bool nt_decoder::write_list(uint32_t open, uint32_t close, bool has_gaps, int32_t field) {
    const size_t length = close - open + 1;
    if (!has_gaps) {
        write(field, kind_list, uint64_t(text_offset + open) | uint64_t(length) << 32);
        return true;
    }
    if (!has_room(length)) { return false; }
    char *const target = reinterpret_cast<char *>(block->strings + strings_used);
    size_t written = 0;
    if (simdjson::minify(reinterpret_cast<const char *>(text + open), length, target, written) != simdjson::SUCCESS) { return false; }
    write(field, kind_list, uint64_t(strings_used) | uint64_t(written) << 32);
    strings_used += written;
    return true;
}

// `at` stands behind the opening bracket.
const uint32_t *nt_decoder::walk_list(const uint32_t *at, int32_t field, uint32_t depth) {
    uint32_t expected = at[-1] + 1;
    if (text[at[0]] == ']') { return expected == at[0] || is_gap(expected, at[0]) ? at + 1 : nullptr; }
    for (uint64_t index = 0;; index++) {
        const int32_t inner = field >= 0 ? fields[size_t(field)].at(index) : -1;
        at = walk_value(at, expected, inner, depth);
        if (at == nullptr) { return nullptr; }
        const uint32_t separator = *at++;
        expected = separator + 1;
        if (text[separator] == ']') { return at; }
        if (text[separator] != ',') { return nullptr; }
    }
}

// What is known of the keys of the object at hand. The shapes hold keys as `key":` stands in the text, so that one comparison proves a
// key, its end and its colon; nothing in the shapes has an escape.
struct nt_decoder::KeyWalk {
    uint32_t object;
    int32_t field;
    Shape *shape;
    bool is_loose = false;
};

// A key that the shapes did not foresee. `at` stands on it; sets the field that it leads to and where the value is expected.
// False where the key is not one, has an escape, or is there already.
bool nt_decoder::walk_key(const uint32_t *at, KeyWalk &walk, int32_t &field, uint32_t &expected) {
    constexpr uint32_t ending = 2;
    const uint32_t open = at[0], colon = at[1];
    if (text[colon] != ':') { return false; }
    uint32_t close = colon - 1;
    while (is_blank(text[close])) { close--; }
    if (text[close] != '"' || close <= open || has_backslash(open, close)) { return false; }
    const uint8_t *const key = text + open + 1;
    const uint32_t length = close - open - 1;
    expected = colon + 1;

    if (close + 1 == colon) { return walk_whole_key(key, length, key, walk, field); }
    // With its ending made up. Longer keys are in no shape.
    gaps++;
    uint8_t joined[KeyShapes::key_bytes_max + 8];
    if (length + ending > KeyShapes::key_bytes_max) { return walk_whole_key(key, length, key, walk, field); }
    std::memset(joined + length, 0, 8 + ending);
    std::memcpy(joined, key, length);
    std::memcpy(joined + length, "\":", ending);
    return walk_whole_key(key, length, joined, walk, field);
}

// The key itself and, at `whole`, as the shapes hold it.
simdjson_inline bool nt_decoder::walk_whole_key(
    const uint8_t *key, uint32_t length, const uint8_t *whole, KeyWalk &walk, int32_t &field) {
    constexpr uint32_t ending = 2;
    if (Shape *const next = walk.shape->step(whole, length + ending); next != nullptr) {
        walk.shape = next;
        field = next->field;
        return true;
    }
    field = walk.field >= 0 ? fields[size_t(walk.field)].named(key, length) : -1;
    if (!walk.is_loose) {
        if (walk.shape->is_on_path(whole, length + ending)) { return false; }
        if (raw_shapes.can_grow(*walk.shape, length + ending)) {
            walk.shape = raw_shapes.grow(*walk.shape, whole, length + ending, field);
            return true;
        }
        for (const Shape *before = walk.shape; before->depth > 0; before = before->parent) {
            key_table.insert(walk.object, before->key, before->key_length - ending);
        }
        walk.is_loose = true;
        walk.shape = &raw_shapes.nowhere;
    }
    return key_table.insert(walk.object, key, length);
}

// `at` stands behind the opening brace.
const uint32_t *nt_decoder::walk_object(const uint32_t *at, int32_t field, uint32_t depth) {
    const uint8_t *const text = this->text;
    // Only what is unforeseen goes through memory.
    Shape *shape = raw_shapes.root(field);
    KeyWalk walk{++objects, field, shape};
    uint32_t expected = at[-1] + 1;
    if (simdjson_unlikely(text[at[0]] == '}')) { return expected == at[0] || is_gap(expected, at[0]) ? at + 1 : nullptr; }
    while (true) {
        const uint32_t open = at[0];
        if (simdjson_unlikely(open != expected) && !is_gap(expected, open)) { return nullptr; }
        if (text[open] != '"') { return nullptr; }
        int32_t inner;
        Shape *const next = shape->first;
        if (simdjson_likely(next != nullptr && next->is_key(text + open + 1))) {
            shape = next;
            inner = next->field;
            expected = open + 1 + next->key_length;
        } else {
            int32_t key_field;
            uint32_t place;
            walk.shape = shape;
            if (!walk_key(at, walk, key_field, place)) { return nullptr; }
            shape = walk.shape;
            inner = key_field;
            expected = place;
        }
        at = walk_value(at + 2, expected, inner, depth);
        if (simdjson_unlikely(at == nullptr)) { return nullptr; }
        const uint32_t separator = *at++;
        expected = separator + 1;
        if (text[separator] == '}') { return at; }
        if (text[separator] != ',') { return nullptr; }
    }
}
