// Number literals of JSON: integers of 64 bits exactly, all others as the nearest double.
#pragma once

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstdint>

#include "CSimdjson.h"
#include "KeyShapes.hpp"

namespace needletail {

struct Number {
    uint8_t kind;  // ValueKind of Events: 2 integer, 3 unsigned, 4 double
    uint64_t payload;
};

enum : uint8_t { kind_boolean = 1, kind_integer = 2, kind_unsigned = 3, kind_double = 4, kind_string = 5, kind_list = 6, kind_object = 7 };

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }

inline bool ends_scalar(uint8_t c) { return c == ',' || c == '}' || c == ']' || c == '\n' || c == ' ' || c == '\r' || c == '\t'; }

// Reads digits into `value`, which wraps where they are too many; the caller counts them.
//
// Up to eight digits go in one step whatever their number, because a loop over so few mispredicts its end nearly every time.
inline const uint8_t *read_digits(const uint8_t *at, uint64_t &value) {
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    while (true) {
        uint64_t word = load64(at) ^ 0x3030303030303030u;
        // Digits are 0 to 9 now; in all other bytes the high bit comes up.
        const uint64_t others = (((word & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | word) & 0x8080808080808080u;
        const unsigned count = others == 0 ? 8 : unsigned(__builtin_ctzll(others)) / 8;
        if (count == 0) { return at; }
        // Zeros in front make any number of digits eight.
        word <<= 8 * (8 - count);
        word = word * 10 + (word >> 8);
        word = ((word & 0x000000FF000000FFu) * 0x000F424000000064u + ((word >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >> 32;
        value = value * powers[count] + word;
        at += count;
        if (count < 8) { return at; }
    }
}

// The nearest double of a well-formed literal; false where it is infinite.
inline bool nearest_double(const uint8_t *from, const uint8_t *to, double &value) {
    const char *first = reinterpret_cast<const char *>(from), *last = reinterpret_cast<const char *>(to);
    const auto result = std::from_chars(first, last, value);
    if (result.ec == std::errc::result_out_of_range) {
        // Too large and too small are told apart by the slow reader alone.
        value = simdjson::internal::from_chars(first, last);
    }
    return std::isfinite(value);
}

// `at` stands on '-' or a digit. Where the value is not wanted only the form and the range are checked.
inline uint32_t read_number(const uint8_t *at, bool wanted, Number &number) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint8_t *const start = at;
    const bool negative = *at == '-';
    at += negative;
    if (!is_digit(*at)) { return NT_BAD_NUMBER; }
    uint64_t value = 0;
    const uint8_t *const digits = at;
    if (*at == '0') {
        at++;
        if (is_digit(*at)) { return NT_BAD_NUMBER; }
    } else {
        at = read_digits(at, value);
    }
    size_t digit_count = size_t(at - digits);
    if (ends_scalar(*at)) {
        if (digit_count <= 19) {
            if (!negative) {
                number = {value > uint64_t(INT64_MAX) ? kind_unsigned : kind_integer, value};
                return NT_ACCEPTED;
            }
            if (value <= uint64_t(1) << 63) {
                number = {kind_integer, 0 - value};
                return NT_ACCEPTED;
            }
        } else if (digit_count == 20 && !negative && *digits == '1' && value >= uint64_t(10000000000000000000u)) {
            // Twenty digits that begin with 1 are below 2·10¹⁹; those over 2⁶⁴ have wrapped to less than 10¹⁹.
            number = {kind_unsigned, value};
            return NT_ACCEPTED;
        }
        double nearest;
        if (!nearest_double(start, at, nearest)) { return NT_NUMBER_OUT_OF_RANGE; }
        number.kind = kind_double;
        std::memcpy(&number.payload, &nearest, sizeof nearest);
        return NT_ACCEPTED;
    }
    int64_t exponent = 0;
    bool has_exponent = false;
    if (*at == '.') {
        const uint8_t *const fraction = ++at;
        at = read_digits(at, value);
        if (at == fraction) { return NT_BAD_NUMBER; }
        exponent = -int64_t(at - fraction);
        digit_count += size_t(at - fraction);
    }
    if (*at == 'e' || *at == 'E') {
        has_exponent = true;
        at++;
        const bool down = *at == '-';
        if (*at == '-' || *at == '+') { at++; }
        const uint8_t *const power_digits = at;
        int64_t power = 0;
        while (is_digit(*at)) {
            // Beyond this every literal is zero or infinite, or goes to the slow reader.
            if (power < 1000000000) { power = power * 10 + (*at - '0'); }
            at++;
        }
        if (at == power_digits) { return NT_BAD_NUMBER; }
        exponent += down ? -power : power;
    }
    if (!ends_scalar(*at)) { return NT_BAD_NUMBER; }
    if (!wanted && !has_exponent && digit_count < 300) { return NT_ACCEPTED; }
    double nearest;
    if (digit_count <= 19 && value <= uint64_t(1) << 53 && exponent >= -22 && exponent <= 22) {
        // Both the digits and the power of ten are exact doubles here, so one operation rounds once.
        nearest = exponent < 0 ? double(value) / powers[-exponent] : double(value) * powers[exponent];
        if (negative) { nearest = -nearest; }
    } else if (!nearest_double(start, at, nearest)) {
        return NT_NUMBER_OUT_OF_RANGE;
    }
    number.kind = kind_double;
    std::memcpy(&number.payload, &nearest, sizeof nearest);
    return NT_ACCEPTED;
}

}  // namespace needletail
