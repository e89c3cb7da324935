// What is wrong with a line that simdjson refuses, and what it refuses though we take it: integers beyond 64 bits.
//
// Whether a line is good is simdjson's word alone. What is done here is to look at a refused line for the sentence that helps most,
// and to hand simdjson a rewritten copy where its answer to that tells more.

#include "Decoder.hpp"

using namespace needletail;
using simdjson::error_code;

namespace {

bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }

bool ends_scalar(uint8_t c) {
    return is_blank(c) || c == ',' || c == '}' || c == ']' || c == '{' || c == '[' || c == ':' || c == '"';
}

// `at` stands on an opening quote. Returns the place behind the closing one.
const uint8_t *behind_string(const uint8_t *at, const uint8_t *end) {
    for (at++; at < end; at++) {
        if (*at == '"') { return at + 1; }
        if (*at == '\\') { at++; }
    }
    return end;
}

// The place behind the bracket that closes the first one, whatever its kind; null where the line ends before.
const uint8_t *behind_container(const uint8_t *at, const uint8_t *end) {
    size_t open = 0;
    while (at < end) {
        if (*at == '"') {
            at = behind_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[') { open++; }
        if ((*at == '}' || *at == ']') && --open == 0) { return at + 1; }
        at++;
    }
    return nullptr;
}

// Digits alone, with or without a minus, for a value beyond what 64 bits hold.
bool is_wide_integer(const uint8_t *from, const uint8_t *to) {
    const char *const limit = *from == '-' ? "9223372036854775808" : "18446744073709551615";
    if (*from == '-') { from++; }
    for (const uint8_t *at = from; at < to; at++) {
        if (!is_digit(*at)) { return false; }
    }
    const size_t length = size_t(to - from), limit_length = std::strlen(limit);
    return length > limit_length || (length == limit_length && std::memcmp(from, limit, length) > 0);
}

// Copies a line, with each scalar outside strings as `rewrite` appends it, and padding behind.
template <typename Rewrite> void rewrite_scalars(const uint8_t *at, const uint8_t *end, std::vector<uint8_t> &copy, Rewrite rewrite) {
    copy.clear();
    while (at < end) {
        const uint8_t *next = at + 1;
        if (*at == '"') {
            next = behind_string(at, end);
        } else if (!ends_scalar(*at)) {
            while (next < end && !ends_scalar(*next)) { next++; }
            rewrite(at, next);
            at = next;
            continue;
        }
        copy.insert(copy.end(), at, next);
        at = next;
    }
    copy.resize(copy.size() + NT_PADDING);
}

}  // namespace

// This version of simdjson has no integers beyond 64 bits, but takes the same digits as a double where ".0" follows. Puts such a copy
// into `rewritten`; false where the line has none of them.
bool nt_decoder::widen_integers(const uint8_t *line, size_t size) {
    bool any = false;
    rewrite_scalars(line, line + size, rewritten, [&](const uint8_t *from, const uint8_t *to) {
        rewritten.insert(rewritten.end(), from, to);
        if (is_wide_integer(from, to)) {
            rewritten.push_back('.');
            rewritten.push_back('0');
            any = true;
        }
    });
    return any;
}

// Whether the numbers of a line with a bad one are all well written. No number of two digits and an exponent of two is out of range,
// and no digit behind the second makes a number well or badly written.
bool nt_decoder::is_out_of_range(const uint8_t *line, size_t size) {
    rewrite_scalars(line, line + size, rewritten, [&](const uint8_t *from, const uint8_t *to) {
        size_t digits = 0;
        for (; from < to; from++) {
            digits = is_digit(*from) ? digits + 1 : 0;
            if (digits <= 2) { rewritten.push_back(*from); }
        }
    });
    simdjson::dom::element document;
    return parser.parse(rewritten.data(), rewritten.size() - NT_PADDING, false).get(document) != simdjson::NUMBER_ERROR;
}

// `error` is what `parse` says to this line, which is not blank.
uint32_t nt_decoder::reason(error_code error, const uint8_t *line, size_t size) {
    if (!simdjson::validate_utf8(reinterpret_cast<const char *>(line), size)) { return NT_INVALID_UTF8; }
    if (error == simdjson::UNCLOSED_STRING) { return NT_UNCLOSED_STRING; }
    if (error == simdjson::UNESCAPED_CHARS) { return NT_CONTROL_CHARACTER; }

    const uint8_t *const end = line + size;
    const uint8_t *at = line;
    while (at < end && is_blank(*at)) { at++; }
    const std::string_view text(reinterpret_cast<const char *>(at), size_t(end - at));
    const bool has_nul = text.find('\0') != std::string_view::npos;
    if (*at != '{') {
        const bool is_value = *at == '[' || *at == '"' || *at == '-' || is_digit(*at) || text.starts_with("true")
            || text.starts_with("false") || text.starts_with("null");
        return is_value ? NT_NOT_AN_OBJECT : has_nul ? NT_CONTROL_CHARACTER : NT_SYNTAX;
    }
    switch (error) {
    case simdjson::DEPTH_ERROR: return NT_TOO_DEEP;
    case simdjson::STRING_ERROR: return NT_BAD_ESCAPE;
    case simdjson::NUMBER_ERROR: return is_out_of_range(line, size) ? NT_NUMBER_OUT_OF_RANGE : NT_BAD_NUMBER;
    default: break;
    }

    const uint8_t *const closed = behind_container(at, end);
    if (closed == nullptr) { return NT_NOT_CLOSED; }
    const uint8_t *rest = closed;
    while (rest < end && is_blank(*rest)) { rest++; }
    if (rest < end) {
        simdjson::dom::element document;
        const error_code first = parse(line, size_t(closed - line), document);
        return first == simdjson::SUCCESS ? NT_TRAILING : reason(first, line, size_t(closed - line));
    }
    return has_nul ? NT_CONTROL_CHARACTER : NT_SYNTAX;
}
